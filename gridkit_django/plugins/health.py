"""The verdict of a health check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gridkit_django.models import HealthStatus
from gridkit_django.typing import JSONValue


@dataclass(frozen=True, slots=True)
class PluginHealth:
    """How a plugin is, by its own check and by what the runtime saw.

    Attributes:
        status: ``healthy``, ``degraded`` (works, with a fault) or ``unhealthy`` (does not do its work).
        message: why, in one sentence for an administrator.
        details: plain facts that support it.
        duration_ms: how long the check took, in milliseconds; filled in by the runtime.
    """

    status: HealthStatus
    message: str = ""
    details: Mapping[str, JSONValue] = field(default_factory=dict)
    duration_ms: float = 0.0

    @classmethod
    def healthy(cls, message: str = "", **details: JSONValue) -> PluginHealth:
        """Everything works."""
        return cls(HealthStatus.HEALTHY, message, details)

    @classmethod
    def degraded(cls, message: str, **details: JSONValue) -> PluginHealth:
        """It works, but not all of it, or not well."""
        return cls(HealthStatus.DEGRADED, message, details)

    @classmethod
    def unhealthy(cls, message: str, **details: JSONValue) -> PluginHealth:
        """It does not do its work."""
        return cls(HealthStatus.UNHEALTHY, message, details)

    def worst(self, other: PluginHealth) -> PluginHealth:
        """Join two verdicts: the worse status wins, messages and details are kept together."""
        order = (HealthStatus.HEALTHY, HealthStatus.DEGRADED, HealthStatus.UNHEALTHY)
        return PluginHealth(
            max(self.status, other.status, key=order.index),
            " ".join(text for text in (self.message, other.message) if text),
            {**self.details, **other.details},
            max(self.duration_ms, other.duration_ms),
        )

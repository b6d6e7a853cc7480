"""Where running operations stand, which is what they wish of every process: read by one small query for all wishes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from gridkit_django.models import OperationState, PluginOperation


@dataclass(frozen=True, slots=True)
class Standing:
    """A running operation.

    Attributes:
        kind: what it does.
        plugin_id: to which plugin.
        step: where it stands.
        results: what its finished steps noted.
        is_led: whether a living worker leads it.
    """

    kind: str
    plugin_id: str
    step: str
    results: Mapping[str, Any]
    is_led: bool


def standing(*steps: str) -> tuple[Standing, ...]:
    """Return the running operations that stand at one of these steps and have not failed."""
    rows = PluginOperation.objects.filter(state=OperationState.RUNNING, step__in=steps, error_code="")
    now = timezone.now()
    return tuple(
        Standing(row.kind, row.plugin_id, row.step, row.results, row.lease_until is not None and row.lease_until > now)
        for row in rows.only("kind", "plugin_id", "step", "results", "lease_until")
    )

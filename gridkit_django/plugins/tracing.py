"""Traces: a span of OpenTelemetry for each call into a plugin, where the site wants them (``OPENTELEMETRY``)."""

from __future__ import annotations

import time
from typing import Any

from gridkit_django import __version__
from gridkit_django.conf import settings
from gridkit_django.exceptions import SettingsError

try:
    from opentelemetry import trace
    from opentelemetry.trace import SpanKind, Status, StatusCode
except ImportError:  # the extra "tracing" is not installed
    HAS_OPENTELEMETRY = False
else:
    HAS_OPENTELEMETRY = True


def wanted_tracing() -> tuple[TracingObserver, ...]:
    """Return an observer where the settings want one and the library is there, else nothing.

    Wrong settings and a missing library are told by the system checks (``gridkit.E001``, ``gridkit.E003``), which they
    must not stop.
    """
    try:
        wanted = settings().OPENTELEMETRY
    except SettingsError:
        return ()
    return (TracingObserver(),) if wanted and HAS_OPENTELEMETRY else ()


class TracingObserver:
    """Makes a span of each call that has ended, below the span of the request or task that made it.

    It says which plugin and what in it was called, how much processor time it took and the class of an error. It holds
    no argument and no text of an error: these may be about people.

    Args:
        provider: where spans go; None for the provider that the site set up for OpenTelemetry.
    """

    def __init__(self, provider: Any = None) -> None:
        self._tracer = trace.get_tracer("gridkit_django.plugins", __version__, tracer_provider=provider)

    def called(self, plugin_id: str, name: str, wall_ns: int, cpu_ns: int, error: BaseException | None) -> None:
        """Write down one call; see ``CallObserver``."""
        ended = time.time_ns()
        attributes: dict[str, Any] = {
            "gridkit.plugin.id": plugin_id,
            "gridkit.call": name,
            "gridkit.cpu_ms": cpu_ns / 1e6,
        }
        span = self._tracer.start_span(
            f"plugin {plugin_id}", kind=SpanKind.INTERNAL, attributes=attributes, start_time=ended - wall_ns
        )
        if error is not None:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(Status(StatusCode.ERROR))
        span.end(end_time=ended)

"""Public door for tests: fixtures and a conformance suite for plugins, and the query contract for grids.

The fixtures come by themselves where ``gridkit-django`` is installed beside ``pytest-django``. The suite takes two
lines::

    from gridkit_django.testing import PluginConformance

    class TestConformance(PluginConformance):
        source = "plugins/delay_alarm"

Nothing is imported before it is asked for, because pytest loads this package before Django is set up.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridkit_django.testing.conformance.suite import PluginConformance
    from gridkit_django.testing.events import EventSender, sample_payloads
    from gridkit_django.testing.query_contract import assert_query_contract
    from gridkit_django.testing.recorder import AuditRecorder, Recorded
    from gridkit_django.testing.starter import PluginStarter, StartedPlugin

__all__ = [
    "AuditRecorder",
    "EventSender",
    "PluginConformance",
    "PluginStarter",
    "Recorded",
    "StartedPlugin",
    "assert_query_contract",
    "sample_payloads",
]

_HOMES = MappingProxyType(
    {
        "AuditRecorder": "gridkit_django.testing.recorder",
        "EventSender": "gridkit_django.testing.events",
        "PluginConformance": "gridkit_django.testing.conformance.suite",
        "PluginStarter": "gridkit_django.testing.starter",
        "Recorded": "gridkit_django.testing.recorder",
        "StartedPlugin": "gridkit_django.testing.starter",
        "assert_query_contract": "gridkit_django.testing.query_contract",
        "sample_payloads": "gridkit_django.testing.events",
    }
)


def __getattr__(name: str) -> Any:
    """Import a public name at its first use.

    Raises:
        AttributeError: when there is no such name.
    """
    if name not in _HOMES:
        raise AttributeError(f"gridkit_django.testing has no {name!r}; it has {', '.join(__all__)}.")
    return getattr(import_module(_HOMES[name]), name)

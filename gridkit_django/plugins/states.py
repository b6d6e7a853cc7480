"""The states of a plugin, and every way from one to another.

The administrator's acts clear the state: whatever it was, the plugin is then ``installed``, and what comes of it is
found out anew. Everything else is seen by the runtime. What it may not see after what is listed here; the reporter
leaves out what is not, so that a lesser trouble never covers a greater one (another process may be worse off).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gridkit_django.models import EffectiveState

INSTALLED, ACTIVE, DEGRADED = EffectiveState.INSTALLED, EffectiveState.ACTIVE, EffectiveState.DEGRADED
SUSPENDED, QUARANTINED = EffectiveState.SUSPENDED, EffectiveState.QUARANTINED
INCOMPATIBLE, ERROR, DISCOVERED = EffectiveState.INCOMPATIBLE, EffectiveState.ERROR, EffectiveState.DISCOVERED


@dataclass(frozen=True, slots=True)
class Transition:
    """One way from a state to another.

    Attributes:
        before: the states that it leads away from.
        after: the state that it leads to.
        cause: what makes it happen, in one sentence.
        automatic: whether the runtime does it by itself, and records so; else it is an administrator's act.
    """

    before: frozenset[EffectiveState]
    after: EffectiveState
    cause: str
    automatic: bool = True


def _acts() -> tuple[Transition, ...]:
    stored = frozenset(EffectiveState) - {DISCOVERED}
    return (
        Transition(frozenset({DISCOVERED}), INSTALLED, "it is installed", automatic=False),
        Transition(
            stored,
            INSTALLED,
            "it is activated, deactivated, configured, granted something, loaded anew, updated or rolled back",
            automatic=False,
        ),
        Transition(stored, DISCOVERED, "it is uninstalled", automatic=False),
    )


def _observations() -> tuple[Transition, ...]:
    return (
        Transition(
            frozenset({INSTALLED, DEGRADED, INCOMPATIBLE, ERROR, QUARANTINED}),
            ACTIVE,
            "it started, or the trouble is over",
        ),
        Transition(
            frozenset({INSTALLED, ACTIVE, DEGRADED}),
            DEGRADED,
            "it works, but not well: its own word, slow handlers, near a limit, or new code that could not start",
        ),
        Transition(
            frozenset({INSTALLED, ACTIVE, DEGRADED, INCOMPATIBLE, ERROR, QUARANTINED}),
            SUSPENDED,
            "too many calls failed, or it went over a hard limit; only an administrator ends this",
        ),
        Transition(
            frozenset({INSTALLED, ACTIVE, DEGRADED, INCOMPATIBLE, ERROR, QUARANTINED}),
            QUARANTINED,
            "its code, configuration or start is broken, or it killed three processes within ten minutes",
        ),
        Transition(
            frozenset({INSTALLED, ACTIVE, DEGRADED, INCOMPATIBLE, ERROR, QUARANTINED}),
            INCOMPATIBLE,
            "the core, a peer or another plugin does not fit; it comes back by itself when they do",
        ),
        Transition(
            frozenset({INSTALLED, ACTIVE, DEGRADED, INCOMPATIBLE, ERROR, QUARANTINED}),
            ERROR,
            "what it needs is not there yet, or it killed a process; it is tried again, later and later",
        ),
    )


TRANSITIONS = (*_acts(), *_observations())
"""Every allowed transition; the table in ``docs/explanation/plugin-life.md`` says the same."""

_OBSERVABLE: Mapping[EffectiveState, frozenset[EffectiveState]] = MappingProxyType(
    {
        before: frozenset(item.after for item in TRANSITIONS if item.automatic and before in item.before)
        for before in EffectiveState
    }
)


def may_be_seen(before: EffectiveState, after: EffectiveState) -> bool:
    """Whether the runtime may report ``after`` about a plugin that is stored as ``before``.

    The same state with another reason is allowed, except for a suspension: its first reason stays.
    """
    return after in _OBSERVABLE[before]


def may_be_made(before: EffectiveState, after: EffectiveState) -> bool:
    """Whether an administrator's act may lead from ``before`` to ``after``."""
    return any(not item.automatic and item.after is after and before in item.before for item in TRANSITIONS)

"""The trial of an update by one process, for the page of its operation: how it stands, why, and what was counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.template.loader import render_to_string
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from gridkit_django.admin.canary_form import lasting
from gridkit_django.models import PluginOperation

_WORDS = MappingProxyType(
    {
        "running": ("warn", gettext_lazy("is being tried")),
        "good": ("good", gettext_lazy("did no worse")),
        "few": ("plain", gettext_lazy("had too few calls to tell")),
        "untried": ("plain", gettext_lazy("was not tried")),
        "hurried": ("plain", gettext_lazy("was ended early: it was said to switch")),
        "stopped": ("plain", gettext_lazy("ended with the operation")),
        "failed": ("bad", gettext_lazy("did worse and went back")),
    }
)


@dataclass(frozen=True, slots=True)
class Line:
    """One version in a comparison.

    Attributes:
        version: its number.
        role: what it is here.
        value: the figure, as text.
        share: how long its bar is, from 0 to 100.
        is_over: whether it is over the limit.
    """

    version: str
    role: str
    value: str
    share: float
    is_over: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of both versions, with the limit for the new one.

    Attributes:
        title: what is compared.
        lines: the new version, and the one in use.
        limit: the limit as text; empty for none.
        mark: where it stands, from 0 to 100.
    """

    title: str
    lines: tuple[Line, Line]
    limit: str
    mark: float


def canary_panel(operation: PluginOperation) -> SafeString:
    """Draw the trial of an operation that has one."""
    facts: Mapping[str, Any] = operation.canary
    kind, words = _WORDS.get(str(facts["state"]), ("plain", str(facts["state"])))
    context = {
        "canary": facts,
        "kind": kind,
        "words": words,
        "time": lasting(int(facts["seconds"])),
        "roles": [(_("new"), facts["version"], facts["new"]), (_("in use"), facts["before"], facts["old"])],
        "comparisons": comparisons(facts) if facts["new"]["calls"] else (),
    }
    return SafeString(render_to_string("admin/gridkit_django/canary.html", context))


def comparisons(facts: Mapping[str, Any]) -> tuple[Comparison, ...]:
    """Return what people compare: how many calls raised, and how long the slowest took."""
    limits = facts["limits"]
    return (
        _compared(_("Calls that raised"), facts, "errorShare", limits["errorShare"], scale=100, unit="%"),
        _compared(_("95 of 100 calls took up to"), facts, "p95Ms", limits["p95Ms"], scale=1, unit="ms"),
    )


def _compared(
    title: str, facts: Mapping[str, Any], name: str, limit: float | None, *, scale: int, unit: str
) -> Comparison:
    new, old = float(facts["new"][name]), float(facts["old"][name])
    top = max(new, old, limit or 0.0) * 1.05 or 1.0
    is_over = limit is not None and new > limit

    def told(value: float) -> str:
        return f"{number_format(value * scale, 1)} {unit}"

    lines = (
        Line(str(facts["version"]), _("new"), told(new), round(100 * new / top, 2), is_over),
        Line(str(facts["before"]), _("in use"), told(old), round(100 * old / top, 2), is_over=False),
    )
    return Comparison(title, lines, "" if limit is None else told(limit), round(100 * (limit or 0.0) / top, 2))

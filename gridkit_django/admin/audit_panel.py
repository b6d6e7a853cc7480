"""How the trail is, told above its list: what waits for a seal or a destination, what is missing, what was verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from gridkit_django.admin.audit_links import list_address
from gridkit_django.admin.charts import Chart, Point, bar_chart
from gridkit_django.audit.capture.gaps import GAP
from gridkit_django.audit.health import Backlog, TrailHealth, sealed_lately, trail_health

_LOOKS = {"ready": "good", "waiting": "warn", "parked": "bad", "paused": "plain"}


@dataclass(frozen=True, slots=True)
class Lack:
    """What one destination lacks.

    Attributes:
        backlog: its figures.
        look: colour of its state.
        width: of its bar, 0 to 100; the largest backlog has 100.
    """

    backlog: Backlog
    look: str
    width: float


@dataclass(frozen=True, slots=True)
class Panel:
    """What the template draws.

    Attributes:
        health: the figures.
        chart: records that were sealed lately.
        lacks: the destinations; None for readers who may not see them.
        gaps: address of the records of gaps.
        verifications: address of the list of verifications, empty for readers who may not see it.
    """

    health: TrailHealth
    chart: Chart
    lacks: tuple[Lack, ...] | None
    gaps: str
    verifications: str


def trail_panel(request: HttpRequest, alias: str) -> Panel:
    """Return the panel for a reader of the trail.

    Args:
        request: whose user reads.
        alias: of the database.
    """
    health = trail_health(alias)
    may_see = request.user.has_perm
    return Panel(
        health=health,
        chart=_chart(health),
        lacks=_lacks(health) if may_see("gridkit_django.view_auditdestination") else None,
        gaps=list_address(action=GAP, actor="audit"),
        verifications=_address("auditverification", may_see("gridkit_django.view_auditverification")),
    )


def _chart(health: TrailHealth) -> Chart:
    points = [Point(_label(span.start), span.records) for span in sealed_lately(health.alias, health.now)]
    return bar_chart(_("Records sealed within a day"), points)


def _label(moment: Any) -> str:
    return date_format(timezone.localtime(moment), "H:i")


def _lacks(health: TrailHealth) -> tuple[Lack, ...]:
    most = max((item.records for item in health.backlogs), default=0) or 1
    return tuple(Lack(item, _LOOKS[item.state], round(100 * item.records / most, 1)) for item in health.backlogs)


def _address(model: str, may_see: bool) -> str:
    return reverse(f"admin:gridkit_django_{model}_changelist") if may_see else ""

"""Versions of plugins and plans on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from gridkit_django.api.serializers.bodies import RequestBody, ResponseBody
from gridkit_django.plugins import Plan, PlanReason, PluginUpdate, VersionInfo


class PluginUpdateEntry(ResponseBody):
    """A plugin whose source holds other content than the one in use."""

    plugin: str
    installed: str
    """The version in use."""
    available: str
    """The version at the source; empty when its manifest can't be read."""
    ref: str
    asks_for: list[str]
    """The permissions that it asks for and that nobody decided about."""
    fits: bool
    reason: str
    """Why it does not fit; empty when it does."""
    refused: bool
    """Whether an administrator refused this content, or an update to it failed."""
    url: str


class PluginUpdateList(ResponseBody):
    """The updates that are there for plugins that you have any right on."""

    results: list[PluginUpdateEntry]


class PluginVersionEntry(ResponseBody):
    """One version of a plugin that this site knows."""

    version: str
    digest: str
    installed_at: datetime | None
    """When it came into use last; null when it never was."""
    current: bool
    pending: bool
    """Whether it waits for consent."""
    kept: bool
    """Whether its files are kept, so that it can be rolled back to."""
    refused: bool


class PluginVersionList(ResponseBody):
    """The versions of a plugin, the newest use first."""

    results: list[PluginVersionEntry]


class UpdateRequest(RequestBody):
    """A version to put in the place of the one in use."""

    version: str | None = Field(default=None, min_length=1, max_length=64)
    """Its number; null for what lies at the plugin's source."""
    grants: list[str] = Field(default_factory=list, max_length=100)
    """Permissions to grant with it; needs the right to grant."""


class AutoUpdateRequest(RequestBody):
    """Which newer releases come by themselves."""

    policy: Literal["", "off", "patches", "minor", "all"]
    """Empty: as the settings of the site say."""


class RollBackRequest(RequestBody):
    """An earlier version to bring back."""

    version: str | None = Field(default=None, min_length=1, max_length=64)
    """Its number; null for the one that was in use before."""


class PinRequest(RequestBody):
    """Why a plugin keeps its version."""

    note: str = Field(min_length=1, max_length=200)


class PlanReasonEntry(ResponseBody):
    """One reason why a plugin can't be active."""

    pointer: str
    """Which key of its manifest says so, as a JSON Pointer; empty for a reason of another kind."""
    detail: str
    """In words that follow the plugin's id."""
    other: str
    """The plugin that it is about, if any."""


class PlannedStop(ResponseBody):
    """A plugin that can't run, and why."""

    plugin: str
    reasons: list[PlanReasonEntry]


class PluginPlan(ResponseBody):
    """What can be active together, as far as you may see the plugins."""

    order: list[str]
    """The plugins that can run, in the order of their start."""
    held: list[PlannedStop]
    """The plugins that are wanted but can't run."""
    stops: list[PlannedStop]
    """The other plugins that the change takes something from."""
    cycles: list[list[str]]
    """Plugins that need each other in a circle."""
    refused: list[PlanReasonEntry]
    """Why the change must not be made; empty when it may."""


class PlanRequest(RequestBody):
    """A change to plan for; nothing of it is done."""

    kind: Literal["install", "activate", "update", "deactivate", "uninstall"]
    plugin: str = Field(min_length=1, max_length=200)


def update_entry(found: PluginUpdate, url: str) -> dict[str, Any]:
    """Return an update that is there."""
    return PluginUpdateEntry(
        plugin=found.plugin_id,
        installed=found.installed,
        available=found.available,
        ref=found.ref,
        asks_for=list(found.asks_for),
        fits=found.fits,
        reason=found.reason,
        refused=found.refused,
        url=url,
    ).to_wire()


def version_list(found: Iterable[VersionInfo]) -> dict[str, Any]:
    """Return the versions of a plugin."""
    results = [
        PluginVersionEntry(
            version=item.version,
            digest=item.digest,
            installed_at=item.installed_at,
            current=item.current,
            pending=item.pending,
            kept=item.kept,
            refused=item.refused,
        )
        for item in found
    ]
    return PluginVersionList(results=results).to_wire()


def plan_body(plan: Plan, visible: frozenset[str]) -> dict[str, Any]:
    """Return a plan.

    Args:
        plan: the plan.
        visible: ids of the plugins that the user may know of; the others are left out.
    """
    return PluginPlan(
        order=[name for name in plan.order if name in visible],
        held=_stops(plan.held, visible),
        stops=_stops(plan.stops, visible),
        cycles=[list(cycle) for cycle in plan.cycles if visible.issuperset(cycle)],
        refused=_reasons(plan.refused),
    ).to_wire()


def _stops(found: Mapping[str, Iterable[PlanReason]], visible: frozenset[str]) -> list[PlannedStop]:
    return [PlannedStop(plugin=name, reasons=_reasons(reasons)) for name, reasons in found.items() if name in visible]


def _reasons(found: Iterable[PlanReason]) -> list[PlanReasonEntry]:
    return [PlanReasonEntry(pointer=item.pointer, detail=item.detail, other=item.other) for item in found]

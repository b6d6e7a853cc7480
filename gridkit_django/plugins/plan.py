"""The plan: which of the wanted plugins can be active together, in which order they start, and why not the others.

A pure function of what is installed. Starting, dry runs, the admin, the API and the check for CI ask the same one, so
that they never disagree.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.ranges import admits


class ChangeKind(StrEnum):
    """What somebody thinks of doing."""

    INSTALL = "install"
    ACTIVATE = "activate"
    UPDATE = "update"
    DEACTIVATE = "deactivate"
    UNINSTALL = "uninstall"


@dataclass(frozen=True, slots=True)
class PlanChange:
    """A change to plan for.

    Attributes:
        kind: what is to be done.
        plugin_id: to which plugin.
        metadata: its new manifest; needed for ``INSTALL`` and ``UPDATE``.
    """

    kind: ChangeKind
    plugin_id: str
    metadata: PluginMetadata | None = None


@dataclass(frozen=True, slots=True)
class PlannedPlugin:
    """What the plan needs to know of an installed plugin.

    Attributes:
        plugin_id: its id.
        metadata: its manifest, or None when it can't be read; then ``blocked`` says why.
        wanted: whether the administrator wants it active.
        blocked: why it can't run whatever its neighbours are, in words that follow its id; empty for nothing.
    """

    plugin_id: str
    metadata: PluginMetadata | None
    wanted: bool = True
    blocked: str = ""


@dataclass(frozen=True, slots=True)
class PlanReason:
    """One reason why a plugin can't be active.

    Attributes:
        pointer: which key of its manifest says so, as a JSON Pointer; empty for a reason of another kind.
        detail: the reason, in words that follow the plugin's id.
        other: the plugin that it is about, if any.
    """

    pointer: str
    detail: str
    other: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What can be active together.

    Attributes:
        order: the plugins that can run, in the order of their start: peers first, else by id.
        held: the plugins that are wanted but can't run, with all reasons.
        stops: the other plugins that the planned change takes something from, with the reasons that are new to them;
            empty without a change.
        cycles: plugins that need each other in a circle, each circle once, in the order of need.
        refused: why the planned change must not be made, as sentences without their full stop; empty when it may.
    """

    order: tuple[str, ...]
    held: Mapping[str, tuple[PlanReason, ...]]
    stops: Mapping[str, tuple[PlanReason, ...]] = field(default_factory=dict)
    cycles: tuple[tuple[str, ...], ...] = ()
    refused: tuple[PlanReason, ...] = ()

    def text_of(self, plugin_id: str) -> str:
        """Return the reasons why a plugin is held, joined; empty when it is not."""
        return "; ".join(item.detail for item in self.held.get(plugin_id, ()))


def make_plan(installed: Sequence[PlannedPlugin], core_version: str, change: PlanChange | None = None) -> Plan:
    """Plan which plugins run.

    Of two that can't be together, the one that starts later is held.

    Args:
        installed: all installed plugins, in any order.
        core_version: the version of the core.
        change: something that is not done yet, to see what would come of it.
    """
    plugins = {item.plugin_id: item for item in sorted(installed, key=lambda item: item.plugin_id)}
    if change is None:
        return _plan_of(plugins, core_version)
    before = _plan_of(plugins, core_version)
    then = _changed(plugins, change)
    after = _plan_of(then, core_version)
    stops = {key: _new_reasons(after.held[key], before.held.get(key, ())) for key in after.held if key in plugins}
    stops = {key: reasons for key, reasons in stops.items() if reasons and key != change.plugin_id}
    refused = (
        *after.held.get(change.plugin_id, ()),
        *_refusals(change.plugin_id, stops),
        *(item for item in _rivals(change.plugin_id, then, after) if item.other not in stops),
    )
    return replace(after, stops=MappingProxyType(stops), refused=refused)


def _plan_of(plugins: Mapping[str, PlannedPlugin], core_version: str) -> Plan:
    wanted = {key: item for key, item in plugins.items() if item.wanted}
    needs = {key: {peer for peer, _ in _peers(item) if peer in wanted} for key, item in wanted.items()}
    order, rest = _in_order(needs)
    cycles = _cycles(needs, rest)
    circle = {key: cycle for cycle in cycles for key in cycle}
    runs: dict[str, PluginMetadata] = {}
    held: dict[str, tuple[PlanReason, ...]] = {}
    for key in (*order, *sorted(rest)):
        item = wanted[key]
        reasons = tuple(_reasons(item, plugins, runs, circle.get(key, ()), core_version))
        if reasons or item.metadata is None:
            held[key] = reasons
        else:
            runs[key] = item.metadata
    return Plan(tuple(runs), MappingProxyType(dict(sorted(held.items()))), cycles=cycles)


def _changed(plugins: Mapping[str, PlannedPlugin], change: PlanChange) -> dict[str, PlannedPlugin]:
    """Return the plugins as they would be after a change."""
    others = {key: item for key, item in plugins.items() if key != change.plugin_id}
    now = plugins.get(change.plugin_id, PlannedPlugin(change.plugin_id, None, wanted=False))
    metadata = change.metadata or now.metadata
    if change.kind is ChangeKind.UNINSTALL:
        return others
    if change.kind is ChangeKind.DEACTIVATE:
        then = replace(now, wanted=False)
    elif change.kind is ChangeKind.UPDATE:
        then = replace(now, metadata=metadata, blocked="" if metadata is not None else now.blocked)
    else:
        then = replace(now, metadata=metadata, blocked="" if metadata is not None else now.blocked, wanted=True)
    return dict(sorted({**others, change.plugin_id: then}.items()))


def _reasons(
    item: PlannedPlugin,
    plugins: Mapping[str, PlannedPlugin],
    runs: Mapping[str, PluginMetadata],
    circle: tuple[str, ...],
    core_version: str,
) -> Iterable[PlanReason]:
    if item.blocked or item.metadata is None:
        yield PlanReason("", item.blocked or "its manifest can't be read")
    if item.metadata is None:
        return
    if not admits(item.metadata.core_version, core_version):
        text = f"it works with GridKit {item.metadata.core_version}, and this site runs {core_version}"
        yield PlanReason("/core_version", text)
    if circle:
        yield PlanReason("/peer_plugins", f"it needs itself: {' needs '.join((*circle, circle[0]))}", item.plugin_id)
    for peer, versions in item.metadata.peers:
        if (fault := _peer_fault(peer, versions, plugins, runs)) and peer not in circle:
            yield PlanReason("/peer_plugins", fault, peer)
    for other, metadata in sorted(runs.items()):
        if other in item.metadata.incompatible_with or item.plugin_id in metadata.incompatible_with:
            yield PlanReason("/incompatible_with", f"it can't be active together with {other}", other)


def _peer_fault(
    peer: str, versions: str, plugins: Mapping[str, PlannedPlugin], runs: Mapping[str, PluginMetadata]
) -> str:
    found = plugins.get(peer)
    if found is None:
        return f"it needs {peer}, which is not installed"
    if not found.wanted:
        return f"it needs {peer}, which is not active"
    if peer not in runs:
        return f"it needs {peer}, which can't run now"
    if not admits(versions, runs[peer].version):
        return f"it needs {peer} {versions}, and {runs[peer].version} is active"
    return ""


def _new_reasons(after: Iterable[PlanReason], before: Iterable[PlanReason]) -> tuple[PlanReason, ...]:
    known = {(item.pointer, item.other) for item in before}
    return tuple(item for item in after if (item.pointer, item.other) not in known)


def _refusals(changed: str, stops: Mapping[str, Iterable[PlanReason]]) -> Iterable[PlanReason]:
    for other, reasons in sorted(stops.items()):
        for item in reasons:
            if item.pointer == "/incompatible_with" and item.other == changed:
                yield PlanReason(item.pointer, f"it can't be active together with {other}", other)
            else:
                yield PlanReason(item.pointer, f"{other} would have to stop: {item.detail}", other)


def _rivals(changed: str, plugins: Mapping[str, PlannedPlugin], plan: Plan) -> Iterable[PlanReason]:
    """Tell of the plugins that are only held for now: when they come back, one of the two would have to go."""
    item = plugins.get(changed)
    if item is None or not item.wanted or item.metadata is None or changed in plan.held:
        return
    for other in plan.held:
        metadata = plugins[other].metadata
        if other in item.metadata.incompatible_with or (metadata and changed in metadata.incompatible_with):
            yield PlanReason("/incompatible_with", f"it can't be active together with {other}, which is wanted", other)


def _peers(item: PlannedPlugin) -> tuple[tuple[str, str], ...]:
    return item.metadata.peers if item.metadata is not None else ()


def _in_order(needs: Mapping[str, set[str]]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Sort so that who is needed comes first, else by id; return also those that circles leave over."""
    open_needs = {key: len(peers) for key, peers in needs.items()}
    needed_by: dict[str, list[str]] = {key: [] for key in needs}
    for key, peers in needs.items():
        for peer in peers:
            needed_by[peer].append(key)
    ready = sorted(key for key, count in open_needs.items() if not count)
    order: list[str] = []
    while ready:
        key = heapq.heappop(ready)
        order.append(key)
        for other in needed_by[key]:
            open_needs[other] -= 1
            if not open_needs[other]:
                heapq.heappush(ready, other)
    return tuple(order), frozenset(needs) - frozenset(order)


def _cycles(needs: Mapping[str, set[str]], rest: frozenset[str]) -> tuple[tuple[str, ...], ...]:
    """Return a circle for each group of plugins that need each other, beginning with the smallest id."""
    found: list[tuple[str, ...]] = []
    for start in sorted(rest):
        if any(start in cycle for cycle in found):
            continue
        path = _shortest_circle(start, needs)
        if path:
            found.append(path)
    return tuple(found)


def _shortest_circle(start: str, needs: Mapping[str, set[str]]) -> tuple[str, ...]:
    """Return the shortest way from a plugin through its needs back to itself; empty when there is none."""
    paths: dict[str, tuple[str, ...]] = {peer: (start, peer) for peer in sorted(needs[start]) if peer != start}
    if start in needs[start]:
        return (start,)
    ahead = list(paths)
    while ahead:
        here = ahead.pop(0)
        for peer in sorted(needs[here]):
            if peer == start:
                return paths[here]
            if peer not in paths:
                paths[peer] = (*paths[here], peer)
                ahead.append(peer)
    return ()

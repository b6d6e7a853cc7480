"""Looking a site over: sources, installed plugins, configurations, grants, the plan. Runs no plugin code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from gridkit_django import __version__
from gridkit_django.conf import settings
from gridkit_django.exceptions import PluginConfigError, PluginError, PluginIncompatibleError
from gridkit_django.json_schema import ForeignReferenceError, SchemaFault, fault_of_schema, faults_of_value
from gridkit_django.models import DesiredState, EffectiveState, GrantDecision, InstalledPlugin, PluginSource
from gridkit_django.plugins.catalog import AvailablePlugin, SourceCatalog
from gridkit_django.plugins.config import grid_values, site_values
from gridkit_django.plugins.permissions import covers
from gridkit_django.plugins.plan import Plan, PlannedPlugin, make_plan
from gridkit_django.plugins.planning import plan_site
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.spec import PluginSpec, load_specs

_WELL = frozenset({EffectiveState.ACTIVE, EffectiveState.INSTALLED})
UNDECIDED = "plugin-permission-undecided"


class Level(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        level: an error keeps a plugin from working, advice does not.
        code: stable code of the reason.
        detail: the reason in one sentence; no value of a configuration is in it.
        plugin: the plugin that it is about, empty when that can't be told.
        source: the source that it is about as ``kind:name``, or empty.
    """

    level: Level
    code: str
    detail: str
    plugin: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class SiteReport:
    """What was found.

    Attributes:
        core_version: the version of the core.
        safe_mode: whether this process runs no plugins.
        sources: how many sources there are.
        installed: how many plugins are installed; None when only sources were looked at.
        plan: what runs; of the installed plugins, or of all sources as if each were active.
        findings: what is wrong, errors first.
    """

    core_version: str
    safe_mode: bool
    sources: int
    installed: int | None
    plan: Plan
    findings: tuple[Finding, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {
            "coreVersion": self.core_version,
            "safeMode": self.safe_mode,
            "sources": self.sources,
            "installed": self.installed,
            "order": list(self.plan.order),
            "held": {key: [asdict(item) for item in reasons] for key, reasons in self.plan.held.items()},
            "cycles": [list(item) for item in self.plan.cycles],
            "findings": [{**asdict(item), "level": item.level.value} for item in self.findings],
        }


def check_sources(catalog: SourceCatalog) -> SiteReport:
    """Look at the sources in reach, as if each were installed and active. Needs no database."""
    sources = catalog.discover(frozenset())
    good = {item.metadata.id: item.metadata for item in sources if item.metadata is not None and not item.code}
    plan = make_plan([PlannedPlugin(key, metadata) for key, metadata in good.items()], __version__)
    return _report(len(sources), None, plan, [*_of_sources(sources), *_of_plan(plan)])


def check_site(catalog: SourceCatalog) -> SiteReport:
    """Look at the sources in reach and at all that is installed. Writes nothing.

    Raises:
        django.db.Error: when the database can't be asked.
    """
    rows = list(InstalledPlugin.objects.using(database()).select_related("current_version").prefetch_related("grants"))
    sources = catalog.discover(frozenset(row.plugin_id for row in rows))
    specs, plan = load_specs(), plan_site()
    findings = [*_of_sources(sources), *_of_plan(plan)]
    for row in rows:
        findings += [*_of_state(row), *_of_grants(row), *_of_origin(row, catalog)]
        findings += _of_config(row, specs[row.plugin_id]) if row.plugin_id in specs else ()
    return _report(len(sources), len(rows), plan, findings)


def _report(sources: int, installed: int | None, plan: Plan, findings: Iterable[Finding]) -> SiteReport:
    found = sorted(findings, key=lambda item: (item.level is Level.ADVICE, item.plugin, item.source, item.code))
    return SiteReport(__version__, settings().PLUGINS_SAFE_MODE, sources, installed, plan, tuple(found))


def _of_sources(sources: Iterable[AvailablePlugin]) -> Iterator[Finding]:
    for item in sources:
        if item.code:
            plugin = item.metadata.id if item.metadata is not None else ""
            yield Finding(Level.ERROR, item.code, item.reason, plugin, item.ref)


def _of_plan(plan: Plan) -> Iterator[Finding]:
    """Tell what does not fit. What is held for its state alone is told with the state."""
    for plugin_id, reasons in plan.held.items():
        for item in reasons:
            if item.pointer:
                text = f"{plugin_id} can't be active here: {item.detail}."
                yield Finding(Level.ERROR, PluginIncompatibleError.code, text, plugin_id)


def _of_state(row: InstalledPlugin) -> Iterator[Finding]:
    state = EffectiveState(row.effective_state)
    if row.desired_state == DesiredState.ACTIVE and state not in _WELL and state is not EffectiveState.INCOMPATIBLE:
        level = Level.ADVICE if state is EffectiveState.DEGRADED else Level.ERROR
        yield Finding(level, row.state_code, f"{row.plugin_id} is {state.value}: {row.state_reason}", row.plugin_id)


def _of_grants(row: InstalledPlugin) -> Iterator[Finding]:
    asked = row.current_version.manifest.get("required_permissions", ()) if row.current_version else ()
    decided = [item.permission for item in row.grants.all() if item.decision != GrantDecision.REQUESTED]
    names = [name for name in asked if not any(covers(pattern, name) for pattern in decided)]
    if names:
        text = f"{row.plugin_id} asks for {', '.join(names)}, which nobody granted or denied."
        yield Finding(Level.ADVICE, UNDECIDED, text, row.plugin_id)


def _of_origin(row: InstalledPlugin, catalog: SourceCatalog) -> Iterator[Finding]:
    try:
        catalog.resolve(PluginSource(row.source), row.source_ref)
    except PluginError as error:
        level = Level.ERROR if row.desired_state == DesiredState.ACTIVE else Level.ADVICE
        yield Finding(level, error.code, error.detail, row.plugin_id, f"{row.source}:{row.source_ref}")


def _of_config(row: InstalledPlugin, spec: PluginSpec) -> Iterator[Finding]:
    """Judge the configuration by the schema that is stored with the version."""
    schema = row.current_version.config_schema if row.current_version else {}
    try:
        layers = {"": site_values(spec)} | {grid: grid_values(spec, grid) for grid in spec.grid_configs}
    except PluginError as error:
        yield Finding(Level.ERROR, error.code, error.detail, row.plugin_id)
        return
    for grid, values in layers.items():
        faults = "; ".join(_faults(schema, values))
        if faults:
            where = f" for the grid {grid}" if grid else ""
            text = f"The configuration of {row.plugin_id}{where} is wrong: {faults}."
            yield Finding(Level.ERROR, PluginConfigError.code, text, row.plugin_id)


def _faults(schema: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    """Name the places that don't fit, and the rule, but never the value: it may be a secret."""
    broken = ["its schema is no valid JSON Schema"]
    try:
        if fault_of_schema(schema):
            return broken
        return sorted({_told(item) for item in faults_of_value(schema, dict(values))})
    except ForeignReferenceError:
        return broken


def _told(fault: SchemaFault) -> str:
    place = "/".join(str(part) for part in fault.path) or "configuration"
    if fault.rule == "required":
        return f"{place}: {fault.message}"  # names the missing keys only
    return f"{place}: against the rule {fault.rule} of its schema"

"""Putting what was fetched into its place: the plugins that come along are installed and started first.

All or nothing: when a later step fails, each plugin that this operation brought along is taken away again, the last one
first. One that somebody else installed meanwhile is left as it is.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from gridkit_django.exceptions import PluginLoadError
from gridkit_django.marketplace.client.parts import Part, peer_parts
from gridkit_django.models import DesiredState, InstalledPlugin, OperationKind, PluginSource, PluginVersion
from gridkit_django.plugins import plugin_manager
from gridkit_django.plugins.change import riding
from gridkit_django.plugins.files import PluginFiles
from gridkit_django.plugins.install import InstallRequest, install, uninstall
from gridkit_django.plugins.operation_run import OperationRun, Step
from gridkit_django.plugins.packages import open_kept
from gridkit_django.plugins.remains import DataFate, has_remains
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.sources import FilesSource


def peer_steps(number: int) -> tuple[Step, ...]:
    """Return the steps that bring one plugin along.

    Args:
        number: its place in the order.
    """
    put = Step(_name(number), partial(_put, number), partial(_take_away, number))
    return put, Step(f"{_name(number)} start", partial(_start, number))


def part_files(run: OperationRun, part: Part) -> PluginFiles:
    """Return the kept files of a plugin that the gate has judged.

    Raises:
        PluginLoadError: when somebody deleted them meanwhile, or they are broken.
    """
    found = open_kept(part.content(run), part.plugin_id)
    if found is None:
        raise PluginLoadError(f"The files of {part.plugin_id} are gone. Ask for it again.")
    return found


def part_source(run: OperationRun, part: Part) -> FilesSource:
    """Return the kept files of a plugin as something that can be installed."""
    return plugin_manager().runtime.catalog.kept(part.plugin_id, part_files(run, part), PluginSource.MARKETPLACE)


def write_origin(run: OperationRun, part: Part) -> None:
    """Write beside the version where it came from, in the transaction of the change."""
    rows = PluginVersion.objects.using(database())
    rows.filter(plugin__plugin_id=part.plugin_id, digest=part.content(run)).update(origin=_origin(run, part))


def _origin(run: OperationRun, part: Part) -> dict[str, Any]:
    release = part.believed(run)
    return {
        "marketplace": part.marketplace,
        "digest": release.digest,
        "public_key": release.public_key,
        "key": part.key(run),
        "reviewed": release.reviewed,
        "released_at": release.released_at.isoformat() if release.released_at else None,
        "seen_at": release.seen_at.isoformat() if release.seen_at else None,
        "requires": list(release.requires),
    }


def _name(number: int) -> str:
    return f"peer {number + 1}"


def _part(run: OperationRun, number: int) -> Part | None:
    """Return the plugin of a step; None when fewer come along than a person has agreed to."""
    parts = peer_parts(run)
    return parts[number] if number < len(parts) else None


def _put(number: int, run: OperationRun) -> None:
    part = _part(run, number)
    if part is None or InstalledPlugin.objects.using(database()).filter(plugin_id=part.plugin_id).exists():
        return
    request = InstallRequest(part_source(run, part), grants=part.grants, activate=False)
    run.note(installed=part.plugin_id, kept=has_remains(part.plugin_id))
    with riding(partial(write_origin, run, part)):
        install(plugin_manager().runtime, request, run.user)
    run.log(f"{part.plugin_id} {part.release.version} is installed.")


def _take_away(number: int, run: OperationRun) -> None:
    facts = run.result(_name(number))
    if "installed" in facts:
        fate = DataFate.KEEP if facts.get("kept") else DataFate.PURGE
        uninstall(plugin_manager().runtime, facts["installed"], run.user, fate)
        run.log(f"{facts['installed']} is uninstalled again.")


def _start(number: int, run: OperationRun) -> None:
    part = _part(run, number)
    if part is not None and _is_to_run(run):
        plugin_manager().activate_plugin(part.plugin_id, user=run.user)
        run.log(f"{part.plugin_id} is active.")


def _is_to_run(run: OperationRun) -> bool:
    """Whether what comes along is started: as the plugin that needs it is."""
    if run.operation.kind == OperationKind.INSTALL:
        return bool(run.arguments.get("activate", True))
    rows = InstalledPlugin.objects.using(database()).filter(plugin_id=run.plugin_id)
    return rows.filter(desired_state=DesiredState.ACTIVE).exists()

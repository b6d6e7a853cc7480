"""Waiting until every host of the site has the files of a version, so that all of them can switch at once."""

from __future__ import annotations

import time
from collections.abc import Sequence

from gridkit_django.conf import settings
from gridkit_django.exceptions import HostsNotReadyError, PluginLoadError
from gridkit_django.plugins import plugin_manager
from gridkit_django.plugins.operation_run import OperationRun
from gridkit_django.plugins.preparing import HostBehind, hosts_behind

_PAUSE_SECONDS = 0.1
_PAUSE_SECONDS_MAX = 1.0


def prepare_hosts(run: OperationRun, digest: str, plugin_id: str) -> None:
    """Unpack a version here, and wait until every other living host has done so. A single host waits for nobody.

    Args:
        run: the operation, at its step ``prepare``, which is what the other hosts look for.
        digest: digest of the version's content.
        plugin_id: whose; the plugin of the operation, or one that comes along.

    Raises:
        PluginLoadError: when the files are gone or broken.
        HostsNotReadyError: when a host is not ready in time; names each, and says what to do.
        OperationCancelled: when somebody stopped it meanwhile.
    """
    runtime = plugin_manager().runtime
    if runtime.catalog.unpacked.open(digest, plugin_id) is None:
        raise PluginLoadError(f"The files of {plugin_id} are gone. Ask for it again.")
    runtime.hints.publish()
    behind = _wait(run, digest, str(runtime.process.describe()["host"]))
    if behind:
        run.log(f"It switches all the same, without {_names(behind)}.")
    else:
        run.log("Every host of the site has the files.")
    run.note(without=[item.host for item in behind])


def _wait(run: OperationRun, digest: str, own: str) -> Sequence[HostBehind]:
    """Return the hosts that are not ready although it is to go on: none, unless somebody said so."""
    began, pause, told = time.monotonic(), _PAUSE_SECONDS, ""
    seconds = settings().HOSTS_READY_SECONDS
    while (behind := hosts_behind(digest, own)) and not run.is_to_switch_anyway():
        waited = time.monotonic() - began
        if waited >= seconds:
            raise _not_ready(run.plugin_id, behind)
        if (names := _names(behind)) != told:
            run.log(f"Waiting for {names}.")
            told = names
        run.report(waited / seconds)
        time.sleep(min(pause, seconds - waited))
        pause = min(2 * pause, _PAUSE_SECONDS_MAX)
    return behind


def _not_ready(plugin_id: str, behind: Sequence[HostBehind]) -> HostsNotReadyError:
    return HostsNotReadyError(
        f"After {settings().HOSTS_READY_SECONDS} seconds these hosts do not have the files of {plugin_id}: "
        f"{_names(behind)}. Nothing was switched. Look whether they reach the database and PACKAGE_STORAGE and have "
        "what the plugin needs, or end them; then ask again. To switch without them, ask again with switch_anyway; "
        "they follow when they can.",
        extra={"hosts": [item.host for item in behind]},
    )


def _names(behind: Sequence[HostBehind]) -> str:
    return "; ".join(str(item) for item in behind)

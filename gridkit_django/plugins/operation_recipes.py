"""What each kind of operation does, step by step, for plugins whose code is in reach of this site already."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

from django.utils import timezone

from gridkit_django.models import OperationKind
from gridkit_django.plugins import update
from gridkit_django.plugins.change import get_row, raise_failure, riding
from gridkit_django.plugins.manager import PluginManager, plugin_manager
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.operation_run import OperationRun, Step
from gridkit_django.plugins.remains import DataFate


def local_recipe(run: OperationRun) -> Sequence[Step]:
    """Return the steps of an operation on a plugin that comes from this site itself."""
    return _RECIPES[OperationKind(run.operation.kind)](run)


def _install(run: OperationRun) -> Sequence[Step]:
    begin = (Step("find", _find), Step("install", _put))
    return (*begin, *_activate(run)) if run.arguments.get("activate", True) else begin


def _activate(_run: OperationRun) -> Sequence[Step]:
    return Step("activate", _switch_on, stops=False), Step("start", _look_at_start, stops=False)


def _find(run: OperationRun) -> None:
    found: PluginMetadata = _manager().runtime.catalog.find(_source(run)).manifest()
    run.log(
        f"Found {found.id} {found.version} by {found.author}; it asks for "
        f"{', '.join(found.required_permissions) or 'no permissions'}."
    )
    run.note(plugin=found.id)


def _put(run: OperationRun) -> None:
    _manager().install_plugin(
        _source(run),
        config=run.config(),
        grants=run.arguments.get("grants", "all"),
        user=run.user,
        activate=False,
    )
    run.log("Installed.")


def _switch_on(run: OperationRun) -> None:
    _manager().activate_plugin(run.plugin_id, user=run.user)
    run.log("Active. Other processes follow at their next request or task.")


def _look_at_start(run: OperationRun) -> None:
    """Tell a failure to start that a killed worker could not tell any more."""
    manager = _manager()
    manager.ensure_current()
    raise_failure(manager.runtime, get_row(run.plugin_id))


def _deactivate(_run: OperationRun) -> Sequence[Step]:
    return (Step("deactivate", _switch_off),)


def _switch_off(run: OperationRun) -> None:
    _manager().deactivate_plugin(run.plugin_id, user=run.user)
    run.log("Switched off.")


def _configure(_run: OperationRun) -> Sequence[Step]:
    return (Step("configure", _set_up),)


def _set_up(run: OperationRun) -> None:
    _manager().configure_plugin(
        run.plugin_id, run.config() or {}, grid=str(run.arguments.get("grid", "")), user=run.user
    )
    run.log("The configuration is in force.")


def _reload(_run: OperationRun) -> Sequence[Step]:
    return (Step("reload", _load_anew),)


def _load_anew(run: OperationRun) -> None:
    info = _manager().reload_plugin(run.plugin_id, user=run.user)
    run.log(f"Loaded anew: {info.version}.")


def swap_steps(swap: Callable[[OperationRun], None]) -> tuple[Step, ...]:
    """Return the steps that put another version in the place of the one in use, and back when that can't be ended.

    Args:
        swap: does it, inside ``noting_swap``.
    """
    return Step("switch", swap, _take_back), Step("start", settle_swap, stops=False)


def _update(_run: OperationRun) -> Sequence[Step]:
    return swap_steps(_swap)


def _swap(run: OperationRun) -> None:
    with noting_swap(run) as before:
        info = _manager().update_plugin(
            run.plugin_id, run.arguments.get("version"), grants=run.arguments.get("grants") or (), user=run.user
        )
    run.log(f"Version {info.version} is in use; before it was {before}.")


def _roll_back(_run: OperationRun) -> Sequence[Step]:
    return swap_steps(_swap_back)


def _swap_back(run: OperationRun) -> None:
    with noting_swap(run):
        info = _manager().roll_back_plugin(run.plugin_id, run.arguments.get("version"), user=run.user)
    run.log(f"Version {info.version} is back, and pinned.")


@contextmanager
def noting_swap(run: OperationRun) -> Iterator[str]:
    """Note which version was in use before the swap in the block, for whoever goes on after it; give its number."""
    row = get_row(run.plugin_id)
    run.note(before=row.current_version_id, pinned=row.pinned)
    with riding(lambda: run.note(revision=get_row(run.plugin_id).revision)):
        yield row.current_version.version if row.current_version else ""


def _take_back(run: OperationRun) -> None:
    """Undo a swap that is done and was not undone by itself."""
    if run.is_done("switch"):
        evidence = {"code": run.operation.error_code, "reason": run.operation.error_detail}
        back = update.take_back(_manager().runtime, run.plugin_id, run.result("switch"), evidence)
        if back is not None:
            run.log(f"Version {back} is in use again.")


def settle_swap(run: OperationRun) -> None:
    """Look whether the version that was swapped in starts; if not, the one before is put back.

    Raises:
        PluginError: why it can't start.
    """
    facts = run.result("switch")
    update.settle(
        _manager().runtime,
        run.plugin_id,
        facts.get("before"),
        was_pinned=bool(facts.get("pinned")),
        since=run.operation.started_at or timezone.now(),
    )


def _uninstall(_run: OperationRun) -> Sequence[Step]:
    return (Step("uninstall", _remove),)


def _remove(run: OperationRun) -> None:
    data = DataFate(run.arguments.get("data", DataFate.PURGE))
    _manager().uninstall_plugin(run.plugin_id, data=data, user=run.user)
    run.log("Uninstalled; its data is kept." if data is DataFate.KEEP else "Uninstalled, with its data.")


def _source(run: OperationRun) -> str:
    return str(run.arguments.get("source") or run.plugin_id)


def _manager() -> PluginManager:
    return plugin_manager()


_RECIPES: Mapping[OperationKind, Callable[[OperationRun], Sequence[Step]]] = MappingProxyType(
    {
        OperationKind.INSTALL: _install,
        OperationKind.ACTIVATE: _activate,
        OperationKind.DEACTIVATE: _deactivate,
        OperationKind.CONFIGURE: _configure,
        OperationKind.RELOAD: _reload,
        OperationKind.UPDATE: _update,
        OperationKind.ROLL_BACK: _roll_back,
        OperationKind.UNINSTALL: _uninstall,
    }
)

"""The canary: one process serves with the new version for a while, before all others come after it or it goes back."""

from __future__ import annotations

import time
from collections.abc import Sequence

from gridkit_django.conf import settings
from gridkit_django.exceptions import CanaryFailedError, CanaryNotPossibleError
from gridkit_django.marketplace.client.canary_choice import chosen_process, facts_of
from gridkit_django.marketplace.client.canary_watch import CanaryState, Watch
from gridkit_django.marketplace.client.parts import main_part
from gridkit_django.marketplace.client.placing import part_source
from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import plugin_manager
from gridkit_django.plugins.canaries import APPOINT
from gridkit_django.plugins.consent import undecided
from gridkit_django.plugins.metadata import CanaryWish
from gridkit_django.plugins.operation_run import OperationRun
from gridkit_django.plugins.savepoints import database

_PAUSE_SECONDS = 0.5


def is_wanted(run: OperationRun) -> bool:
    """Whether one process is to try the new version first: as the operation says, else as the site does."""
    asked = run.arguments.get("canary_seconds")
    return (settings().CANARY_SECONDS if asked is None else int(asked)) > 0


def trial_seconds(run: OperationRun, wish: CanaryWish) -> int:
    """Return how long the trial lasts: as the operation says, else as the site does, or longer as the author wishes."""
    asked = run.arguments.get("canary_seconds")
    return max(settings().CANARY_SECONDS, wish.seconds) if asked is None else int(asked)


def appoint_canary(run: OperationRun) -> None:
    """Choose the process that serves with the new version first, and note it; nobody where that can't be.

    Raises:
        CanaryNotPossibleError: when it can't be, and this operation was asked for with a canary.
    """
    part = main_part(run)
    rows = InstalledPlugin.objects.using(database()).select_related("current_version").prefetch_related("grants")
    row = rows.get(plugin_id=run.plugin_id)
    agreed = _agreed(run.arguments.get("grants") or (), part.release.permissions)
    wish = part_source(run, part).manifest().canary
    chosen = chosen_process(run.plugin_id, part.content(run))
    if run.is_to_switch_anyway():
        run.log("No process tries it first: it was said to switch all the same.")
    elif set(undecided(row, part.release.permissions)) - set(agreed):
        run.log("No process tries it first: it asks for permissions that nobody has decided about.")
    elif not wish.side_by_side:
        _can_not(run, "its author says that it must not serve beside the version in use")
    elif chosen is None:
        _can_not(run, "there are not two processes of a kind that run the version in use")
    else:
        facts = {"version": part.release.version, "digest": part.content(run), "grants": list(agreed)}
        seconds = trial_seconds(run, wish)
        before = row.current_version.version if row.current_version else ""
        run.note(**facts_of(chosen), **facts, before=before, seconds=seconds, lost=[])
        run.log(f"{chosen} tries it first, for {seconds} seconds.")


def try_canary(run: OperationRun) -> None:
    """Let the appointed process serve for a while, and compare what it counted with what the others did.

    Raises:
        CanaryFailedError: when the new version raises or takes longer by more than the margins, could not start, or
            its process is gone and so is the one that took over.
        CanaryNotPossibleError: when it can't be tried, and this operation was asked for with a canary.
        OperationCancelled: when somebody stopped it meanwhile.
    """
    if not run.result(APPOINT):
        return
    if run.operation.canary.get("state") == CanaryState.RUNNING:
        run.log("The trial begins anew, because another worker leads it.")
    watch = Watch(run)
    plugin_manager().runtime.hints.publish()
    try:
        _look_on(run, watch)
    except CanaryFailedError as error:
        run.show_canary(state=CanaryState.FAILED, reason=str(error.extra["reason"]))
        raise
    if watch.untried:
        run.show_canary(state=CanaryState.UNTRIED, reason=watch.untried)
        _can_not(run, watch.untried)


def stop_canary(run: OperationRun) -> None:
    """Write that nobody tries it any more, when the operation ended before the trial did."""
    if run.operation.canary.get("state") == CanaryState.RUNNING:
        run.show_canary(state=CanaryState.STOPPED)


def _look_on(run: OperationRun, watch: Watch) -> None:
    while not run.is_to_switch_anyway():
        share = watch.look()
        run.report(share)
        if share >= 1:
            break
        time.sleep(_PAUSE_SECONDS)
    else:
        run.show_canary(state=CanaryState.HURRIED)
        run.log("The trial ends early: it was said to switch now.")
        return
    if not watch.untried:
        run.show_canary(state=CanaryState.GOOD if watch.has_verdict else CanaryState.FEW)
        run.log(watch.told())


def _agreed(grants: str | Sequence[str], asked: Sequence[str]) -> tuple[str, ...]:
    """Return which of the permissions that a version asks for were agreed to with the update."""
    return tuple(name for name in asked if grants == "all" or name in grants)


def _can_not(run: OperationRun, why: str) -> None:
    """Say why nobody tries it first, or refuse to go on where somebody wanted that of this very operation.

    Raises:
        CanaryNotPossibleError: then.
    """
    if run.arguments.get("canary_seconds") is not None:
        raise CanaryNotPossibleError(
            f"One process was to try {run.plugin_id} first, and that can't be: {why}. Nothing was switched. To let all "
            "processes switch at once, ask again with canary_seconds 0."
        )
    run.log(f"No process tries it first: {why}.")

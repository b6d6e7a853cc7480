"""Who decides whether one process tries an update first, and for how long: the operation, the site, the author."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gridkit_django.marketplace.client import refresh_catalogue
from gridkit_django.marketplace.client.canary import is_wanted, trial_seconds
from gridkit_django.models import InstalledPlugin, OperationState, PluginOperation
from gridkit_django.plugins import PluginManager, repeat_operation, run_operation
from gridkit_django.plugins.metadata import CanaryWish
from gridkit_django.plugins.operation_run import OperationRun
from tests.marketplace.client.packages import PLUGIN, Acme
from tests.marketplace.client.test_install import run
from tests.marketplace.client.trials import Act, look, serves, tell

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("usual", "wish", "asked", "seconds"),
    [
        (60, 0, None, 60),
        (60, 300, None, 300),
        (600, 300, None, 600),
        (60, 300, 20, 20),
        (0, 300, 20, 20),
        (0, 300, None, 0),
        (60, 300, 0, 0),
    ],
)
def test_trial_lasts_as_the_operation_says_else_as_the_site_does_or_longer_as_the_author_wishes(
    settings: Any, usual: int, wish: int, asked: int | None, seconds: int
) -> None:
    settings.GRIDKIT = {"CANARY_SECONDS": usual}
    run = OperationRun(PluginOperation(kind="update", plugin_id=PLUGIN, arguments={"canary_seconds": asked}))
    assert is_wanted(run) is (seconds > 0)
    assert not seconds or trial_seconds(run, CanaryWish(seconds=wish)) == seconds


def test_version_that_must_not_serve_beside_another_is_not_tried_and_refused_where_that_was_wanted(
    tried: Acme, manager: PluginManager
) -> None:
    tried.publish("1.2.0", word="two", toml="[canary]\nside_by_side = false")
    refresh_catalogue()

    refused = run("update", canary_seconds=60)
    assert (refused.state, refused.error_code) == (OperationState.FAILED, "canary-not-possible")
    assert "its author says that it must not serve beside" in refused.error_detail
    assert serves(manager) == "1.0.0"

    done = run("update")
    assert (done.state, done.results["appoint"]) == (OperationState.FINISHED, {})
    assert any("its author says" in line["text"] for line in done.log)


def test_update_that_waited_for_consent_is_tried_first_once_it_has_it(
    tried: Acme, manager: PluginManager, between: Callable[[Act], None]
) -> None:
    tried.publish("1.2.0", word="two", permissions=("methods:register", "rows:read"))
    refresh_catalogue()
    seen: list[object] = []

    def act(number: int) -> None:
        look(manager)
        if number == 0:
            live = manager.runtime.live[PLUGIN]
            seen.append((live.metadata.version, live.grants.allows("rows:read")))
            seen.append(InstalledPlugin.objects.get().current_version.version)
        else:
            tell(manager, 40, 0, 1.0, later=61)

    between(act)
    waits = run("update", canary_seconds=60)
    assert (waits.state, waits.canary, seen) == (OperationState.WAITING, {}, [])

    again = repeat_operation(waits, config=None, user=None)
    again.arguments = {**again.arguments, "grants": ["rows:read"]}
    again.save()
    run_operation(again.pk)

    again.refresh_from_db()
    assert (again.state, again.canary["state"]) == (OperationState.FINISHED, "good")
    assert seen == [("1.2.0", True), "1.0.0"]

"""The plugin of the page *Write a plugin*: its files are taken from there, installed, and put to work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from example_project.flights.models import Airline, Airport, Flight
from gridkit_django.exceptions import EventRejected
from gridkit_django.grids import apply_edit, call_method, get_record, open_grid
from gridkit_django.grids.access import GridAccess
from gridkit_django.plugins import PluginManager, plugin_manager
from tests.docs.pages import text_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

PAGE = text_of("how-to/write-a-plugin.md")
PLUGIN = "@acme/delay-alarm"


@pytest.fixture
def manager(tmp_path: Path, settings: Any) -> Iterator[PluginManager]:
    """A manager whose site has the page's files in its folder of plugins."""
    files = re.findall(r"^`plugins/([\w/.]+)`:\n\n```\w+\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert [name for name, _ in files] == [f"delay_alarm/{name}" for name in ("plugin.toml", "plugin.py", "rules.py")]
    for name, text in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    settings.GRIDKIT = {"PLUGIN_ROOT": str(tmp_path), "HOT_RELOAD": False}
    found = plugin_manager()
    found.stop_all()
    yield found
    found.stop_all()


@pytest.fixture
def access() -> GridAccess:
    """The flights, with one of them, in the hands of somebody who may do everything."""
    Airline.objects.create(carrier="UA", name="United")
    Airport.objects.create(faa="EWR", name="Newark", lat=40, lon=-74, alt=18, tz=-5, dst="A", tzone="America/New_York")
    Flight.objects.create(
        id=7,
        year=2013,
        month=1,
        day=1,
        hour=5,
        minute=0,
        distance=719,
        dest="ORD",
        flight=1,
        sched_dep_time=500,
        sched_arr_time=700,
        dep_delay=3,
        carrier_id="UA",
        origin_id="EWR",
        time_hour=datetime(2013, 1, 1, 10, tzinfo=UTC),
    )
    return open_grid("flights", User.objects.create_superuser("root", password="root-of-all"))


def delay(access: GridAccess, minutes: int) -> None:
    """Change the departure delay of the flight."""
    apply_edit(access, 7, {"dep_delay": minutes}, get_record(access, 7).version)


def test_page_in_its_own_words_gives_a_plugin_that_vetoes_keeps_and_answers(
    manager: PluginManager, access: GridAccess
) -> None:
    install = re.search(r"```python\n(from gridkit_django\.plugins import plugin_manager\n.*?)```", PAGE, re.DOTALL)
    assert install
    exec(install[1], {})  # noqa: S102 - the words of our own page
    assert manager.get_plugin(PLUGIN).effective_state == "active"

    delay(access, 89)
    assert call_method(access, "long-delays", {}).body == {"result": {}}
    delay(access, 90)
    with pytest.raises(EventRejected, match="more than 1440 minutes"):
        delay(access, 1441)

    assert call_method(access, "long-delays", {}).body == {"result": {"7": 90}}
    assert get_record(access, 7).data["dep_delay"] == 90
    assert manager.check_plugin_health(PLUGIN).status == "healthy"


def test_page_configuration_that_contradicts_itself_turns_its_health_yellow(manager: PluginManager) -> None:
    manager.install_plugin(PLUGIN, config={"minutes": 90, "most": 60})
    health = manager.check_plugin_health(PLUGIN)
    assert (health.status, "No delay can be long" in health.message) == ("degraded", True)


def test_page_plugin_is_listed_before_any_of_its_code_runs(manager: PluginManager) -> None:
    found = {item.ref: item for item in manager.discover()}["folder:delay_alarm"]
    assert found.metadata is not None
    assert (found.metadata.id, found.code, found.installed) == (PLUGIN, "", False)

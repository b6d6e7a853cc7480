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
from gridkit_django.plugins import Plugin, PluginContext, PluginManager, plugin_manager
from tests.docs.pages import text_of
from tests.plugins.samples import metadata

pytestmark = pytest.mark.django_db(transaction=True)
BOTH = pytest.mark.both_databases

PAGE = text_of("how-to/write-a-plugin.md")
PLUGIN = "@acme/delay-alarm"


FILES = dict(re.findall(r"^`((?:plugins|tests)/[\w/.]+)`:\n\n```\w+\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
CODE = "plugins/delay_alarm/plugin.py"


def write_files(folder: Path) -> None:
    """Write the files of the page into a project."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


class Desk(Plugin):
    """Another plugin, which is told of long delays."""

    metadata = metadata("desk", required_permissions=("messages:send", "messages:receive"))
    told: list[tuple[str, Any]] = []

    def initialize(self, context: PluginContext) -> None:
        context.on_message(lambda sender, message: self.told.append((sender, message)))


@pytest.fixture
def manager(tmp_path: Path, settings: Any) -> Iterator[PluginManager]:
    """A manager whose site has the page's files in its folder of plugins."""
    write_files(tmp_path)
    settings.GRIDKIT = {"PLUGIN_ROOT": str(tmp_path / "plugins"), "HOT_RELOAD": False}
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


@BOTH
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


def test_page_names_every_file_of_the_plugin_and_its_test() -> None:
    names = [f"plugins/delay_alarm/{name}" for name in ("plugin.toml", "plugin.py", "rules.py")]
    assert list(FILES) == [*names, "tests/test_delay_alarm.py"]


@BOTH
def test_page_plugin_tells_another_is_told_and_tidies_up(manager: PluginManager, access: GridAccess) -> None:
    manager.install_plugin(PLUGIN, config={"minutes": 90, "tell": "desk"})
    delay(access, 95)
    assert manager.runtime.live[PLUGIN].plugin.health_check().status == "healthy", "nobody at the desk harms nobody"
    manager.install_plugin(Desk)
    delay(access, 100)
    assert Desk.told == [(PLUGIN, {"row": "7", "minutes": 100})]

    manager.configure_plugin(PLUGIN, {"minutes": 120})
    plugin: Any = manager.runtime.live[PLUGIN].plugin
    assert plugin.tidy(None) == {"forgotten": 1}
    assert [job.name for job in manager.list_jobs(PLUGIN)] == ["tidy"]

    delay(access, 130)
    manager.runtime.live["desk"].plugin.context.send_message(PLUGIN, {"forget": "7"})
    assert call_method(access, "long-delays", {}).body == {"result": {}}
    manager.unregister_plugin("desk")


@BOTH
def test_page_migration_turns_the_stored_minutes_into_hours(
    manager: PluginManager, access: GridAccess, tmp_path: Path
) -> None:
    manager.install_plugin(PLUGIN, config={"minutes": 90})
    old = re.search(r"    class Config\(BaseModel\):\n.*?(?=\n    def initialize)", FILES[CODE], re.DOTALL)
    new = re.search(r"class DelayAlarm\(Plugin\):\n(    config_version = 2\n.*?)```", PAGE, re.DOTALL)
    takeover = re.search(r"class DelayAlarm\(Plugin\):\n(    def on_hot_reload\(.*?)```", PAGE, re.DOTALL)
    assert old
    assert new
    assert takeover
    (tmp_path / CODE).write_text(FILES[CODE].replace(old[0], f"{new[1]}\n{takeover[1]}"))
    manager.reload_plugin(PLUGIN)
    assert manager.get_config(PLUGIN) == {"hours": 1.5}
    delay(access, 90)
    assert call_method(access, "long-delays", {}).body == {"result": {"7": 90}}
    assert call_method(access, "forget-delay", {"row": "7"}).body == {"result": {"forgotten": True}}


def test_page_configuration_that_contradicts_itself_turns_its_health_yellow(manager: PluginManager) -> None:
    manager.install_plugin(PLUGIN, config={"minutes": 90, "most": 60})
    health = manager.check_plugin_health(PLUGIN)
    assert (health.status, "No delay can be long" in health.message) == ("degraded", True)


def test_page_plugin_is_listed_before_any_of_its_code_runs(manager: PluginManager) -> None:
    found = {item.ref: item for item in manager.discover()}["folder:delay_alarm"]
    assert found.metadata is not None
    assert (found.metadata.id, found.code, found.installed) == (PLUGIN, "", False)

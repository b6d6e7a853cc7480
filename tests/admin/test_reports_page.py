"""Reports of plugins in the admin: drawn with a table beside, about what the person may see; faults are shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import PluginManager

pytestmark = pytest.mark.django_db(transaction=True)

CODE = """
from gridkit_django.plugins import Plugin

ANSWERS = {
    "2020-01-01": [{"kind": "ranking", "title": "T", "value_label": "V", "points": [{"label": "d", "value": -1}]}],
    "2020-01-02": "nonsense",
}

class Greeter(Plugin):
    def initialize(self, context):
        context.register_report("use", self.use, label="Use of things")
        context.register_report("other", self.other, label="Other things")

    def use(self, call):
        if call.since.isoformat() == "2020-01-03":
            raise RuntimeError("no such day")
        if answer := ANSWERS.get(call.since.isoformat()):
            return answer
        points = [{"label": "<b>Monday</b>", "value": 3, "note": "2"}, {"label": "Tuesday", "value": 6}]
        table = {"kind": "table", "title": "Grids", "columns": ["Grid", "Columns"]}
        return [
            {"kind": "series", "title": "Days", "value_label": "Times", "points": points},
            {"kind": "ranking", "title": "Best", "value_label": "Times", "note_label": "Users", "points": points},
            {**table, "rows": [[grid, ", ".join(call.columns[grid])] for grid in call.grids]},
            {"kind": "text", "text": f"{call.since} to {call.until} & on"},
        ]

    def other(self, call):
        return []
"""


@pytest.fixture
def reporter(root: Path, manager: PluginManager) -> str:
    folder = root / "greeter"
    (folder / "plugin.py").write_text(CODE)
    (folder / "config_schema.json").unlink()
    manifest = (folder / "plugin.toml").read_text().replace('"storage:use"', '"reports:register"')
    (folder / "plugin.toml").write_text(manifest)
    manager.install_plugin("greeter")
    return f"/admin/gridkit_django/installedplugin/{InstalledPlugin.objects.get().pk}/reports/"


def test_report_is_drawn_with_the_same_in_tables(admin: Client, reporter: str) -> None:
    page = admin.get(f"{reporter}?since=2026-05-01&until=2026-05-03").content.decode()

    assert page.count('class="gridkit-bar"') == 4  # two of the series, two lines of the ranking
    assert page.count("&lt;b&gt;Monday&lt;/b&gt;") == 4  # title of the bar, label of the axis, both tables
    assert "<b>Monday" not in page
    assert "2026-05-01 to 2026-05-03 &amp; on" in page
    assert 'aria-label="Days"' in page
    assert "Other things" in page


def test_report_is_about_the_grids_and_columns_that_the_person_may_see(admin: Client, reporter: str) -> None:
    page = admin.get(f"{reporter}?grid=no-such-grid").content.decode()
    assert "There is no grid &#x27;no-such-grid&#x27; for this report." in page


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("since=2020-01-01&until=2020-01-01", "can&#x27;t be shown"),
        ("since=2020-01-02&until=2020-01-02", "can&#x27;t be shown"),
        ("since=2020-01-03&until=2020-01-03", "RuntimeError: no such day"),
        ("since=2026-05-03&until=2026-05-01", "1 to 366 days"),
    ],
)
def test_fault_of_a_report_is_shown_in_its_place(admin: Client, reporter: str, query: str, text: str) -> None:
    answer = admin.get(f"{reporter}?{query}")

    assert answer.status_code == 200
    assert text in answer.content.decode()


def test_days_that_are_none_stand_for_the_usual_ones(admin: Client, reporter: str) -> None:
    page = admin.get(f"{reporter}?since=2026-99-99&until=soon&report=none").content.decode()
    assert "errornote" not in page
    assert "Use of things" in page


def test_reports_are_on_a_tab_where_there_are_some_and_need_the_permission(
    admin: Client, reporter: str, manager: PluginManager
) -> None:
    overview = reporter.removesuffix("reports/") + "change/"
    assert reporter in admin.get(overview).content.decode()
    manager.revoke_permission("greeter", "reports:register")
    assert reporter not in admin.get(overview).content.decode()
    assert "shows no reports now" in admin.get(reporter).content.decode()
    assert Client().get(reporter).status_code == 302

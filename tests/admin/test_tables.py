"""Tables that need no scrolling sideways: cells of lists and of tabs say which column they are of."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.template import Context, Template
from django.test import Client, RequestFactory

from gridkit_django.admin.charts import amount, ranking
from gridkit_django.admin.market_advisories import MarketAdvisoryAdmin
from gridkit_django.models import MarketAdvisory, PluginRemains, PluginRemainsItem

ADMIN = "/admin/gridkit_django/"


@pytest.fixture
def root(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def stacked(table: str) -> str:
    return Template("{% load gridkit_tables %}{% stacked_tables %}" + table + "{% endstacked_tables %}").render(
        Context()
    )


def heads(*names: str) -> str:
    return "<thead><tr>" + "".join(f'<th scope="col">{name}</th>' for name in names) + "</tr></thead>"


@pytest.mark.django_db
def test_cells_of_a_list_carry_the_label_of_their_column(root: Client) -> None:
    facts = {"plugin_id": "@acme/colours", "versions": "<2", "action": "block", "reason": "bad"}
    MarketAdvisory.objects.create(name="GKA-2026-1", **facts)
    page = root.get(f"{ADMIN}marketadvisory/").content.decode()
    labels = re.findall(r'<t[dh] data-label="([^"]*)" class="field-(\w+)', page)
    assert labels == [
        ("Id", "name"),
        ("Plugin id", "plugin_id"),
        ("Versions", "versions"),
        ("Sites should", "action"),
        ("State", "standing"),
        ("Published at", "published_at"),
    ]
    assert "gridkit/narrow.css" in page
    assert "gridkit-nothing" not in page


@pytest.mark.django_db
def test_list_of_a_site_with_columns_of_its_own_is_shown(rf: RequestFactory) -> None:
    class Own(MarketAdvisoryAdmin):
        list_display = ("name", lambda row: f"<{row.name}>")

    MarketAdvisory.objects.create(name="GKA-2026-1", plugin_id="@acme/a", versions="<2", action="warn", reason="bad")
    request = rf.get("/")
    request.user = User.objects.create_superuser("root")
    page = Own(MarketAdvisory, admin.site).changelist_view(request).render().content.decode()
    assert '<td data-label="" class="field-lambda1">&lt;GKA-2026-1&gt;</td>' in page


@pytest.mark.django_db
def test_cells_that_hold_nothing_are_marked(root: Client) -> None:
    PluginRemains.objects.create(plugin_id="@acme/a")
    page = root.get(f"{ADMIN}pluginremains/").content.decode()
    assert '<td data-label="Version" class="field-version gridkit-nothing">' in page
    assert '<td data-label="Configured for" class="field-scopes gridkit-nothing">' in page
    assert '<td data-label="Keys in storage" class="field-keys">0</td>' in page


@pytest.mark.django_db
def test_sizes_of_kept_data_are_shown_beside_the_largest(root: Client) -> None:
    for name, size in (("@acme/a", 512), ("@acme/b", 2048), ("@acme/c", 0)):
        kept = PluginRemains.objects.create(plugin_id=name)
        if size:
            PluginRemainsItem.objects.create(remains=kept, key="k", value=1, size=size)
    page = root.get(f"{ADMIN}pluginremains/").content.decode()
    assert re.findall(r'<rect class="gridkit-bar" width="([\d.]+)"', page) == ["25.0", "100.0", "0.0"]
    assert [item.label for item in ranking({"a": 1, "b": 4})] == ["b", "a"]
    assert ranking({"a": 1, "b": 4})[1].share == 25
    assert 'width="0"' in amount("none", 0, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("model", ["exportjob", "installedplugin", "auditpurge", "outboxchannel", "listing", "release"])
def test_lists_with_a_template_of_their_own_are_read_narrow_too(root: Client, model: str) -> None:
    page = root.get(f"{ADMIN}{model}/")
    assert page.status_code == 200
    assert "gridkit/narrow.css" in page.content.decode()


def test_wide_table_carries_its_heads_at_each_cell() -> None:
    hidden = '<span class="visually-hidden">Decide &amp; go</span>'
    row = '<tr><th scope="row">1</th><td>2</td><td class="x">3</td><td>4</td><td></td></tr>'
    text = stacked(f'<table class="a">{heads("A", "B", chr(34), "D", hidden)}<tbody>{row}</tbody></table>')
    assert text.startswith('<table class="a gridkit-stack"><thead>')
    assert '<th data-label="A" scope="row">1</th><td data-label="B">2</td>' in text
    assert '<td data-label="&quot;" class="x">3</td>' in text
    assert '<td data-label="Decide &amp; go"></td>' in text


@pytest.mark.parametrize(
    "table",
    [
        f"<table>{heads('A', 'B', 'C', 'D')}<tbody><tr><td>1</td></tr></tbody></table>",
        "<table><tbody><tr><td>1</td><td>2</td><td>3</td><td>4</td><td>5</td></tr></tbody></table>",
        "<p>A text</p>",
    ],
)
def test_what_fits_stays_as_it_is(table: str) -> None:
    assert stacked(table) == table


def test_row_over_all_columns_has_no_label() -> None:
    text = stacked(f"<table>{heads(*'ABCDE')}<tbody><tr><td colspan='5'>None yet.</td></tr></tbody></table>")
    assert "<td colspan='5'>None yet.</td>" in text

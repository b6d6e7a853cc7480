"""Scheduled exports in the admin."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from gridkit_django.models import AuditRecord, ExportJob, ExportSchedule, SavedView, ViewScope
from tests.exports.shop import GRID, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("export_site")]
PAGE = "/admin/gridkit_django/exportschedule/"


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss"))
    return client


def form(owner: User, **more: Any) -> dict[str, Any]:
    told = {"name": "Every morning", "grid": GRID, "format": "csv", "owner": owner.pk, "cron": "30  6 * * mon-fri"}
    return {**told, "query": "{}", "options": "{}", "view": "", "enabled": "on", **more}


def errors(answer: Any) -> str:
    return str(answer.context["adminform"].errors) + str(answer.context["errors"])


def test_a_schedule_is_made_paused_resumed_and_run(boss: Client) -> None:
    ann = person("ann")
    assert "Scheduled exports" in boss.get(PAGE).content.decode()
    answer = boss.post(f"{PAGE}add/", form(ann))
    assert answer.status_code == 302, errors(answer)
    row = ExportSchedule.objects.get()
    assert (row.cron, row.notify) == ("30 6 * * mon-fri", False)
    assert row.next_run_at is not None
    assert AuditRecord.objects.get(action="export.schedule").context["evidence"]["owner"] == "ann"

    for action, enabled in (("pause_them", False), ("resume_them", True)):
        boss.post(PAGE, {"action": action, "_selected_action": [str(row.pk)]})
        row.refresh_from_db()
        assert row.enabled is enabled
    boss.post(PAGE, {"action": "make_now", "_selected_action": [str(row.pk)]})
    assert ExportJob.objects.get().owner == ann
    assert "ready" in boss.get(f"{PAGE}{row.pk}/change/").content.decode()
    ExportSchedule.objects.update(last_error="No <right>.")
    assert "No &lt;right&gt;." in boss.get(f"{PAGE}{row.pk}/change/").content.decode()
    ExportSchedule.objects.update(enabled=False)
    page = boss.get(PAGE).content.decode()
    assert "paused" in page
    assert "No &lt;right&gt;." in page
    ExportSchedule.objects.update(last_error="")
    assert "&lt;span" not in boss.get(PAGE).content.decode()

    boss.post(PAGE, {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"})
    told = AuditRecord.objects.filter(action__endswith="schedule").order_by("pk")
    assert [(item.action, (item.evidence or {})["enabled"]) for item in told] == [
        ("export.schedule", True), ("export.schedule", False), ("export.schedule", True), ("export.unschedule", False)
    ]  # fmt: skip
    asked = AuditRecord.objects.get(action="export.request")
    assert (asked.evidence or {})["owner"] == str(ann.pk)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cron": "never"}, "no crontab (it has 1 field)"),
        ({"cron": "0 0 31 2 *"}, "no crontab"),
        ({"query": '{"columns": ["nothing"]}'}, "no column"),
        ({"query": '{"columns": ["price"]}'}, "no column"),
        ({"options": '{"colour": 1}'}, "do not fit"),
        ({"query": '{"filter": {"col": "sku", "op": "odd", "value": 1}}'}, "/filter/op: "),
        ({"query": '{"columns": [}'}, "no JSON. Line 1, column 14"),
        ({"query": '["sku"]'}, "begins with {"),
        ({"options": '{"header"'}, "no JSON. Line 1"),
        ({"options": '{"header": "odd"}'}, "is not one of"),
        ({"view": "00000000-0000-0000-0000-000000000000"}, "no view"),
        ({"notify": "on"}, "no e-mail address"),
        ({"format": "odd"}, "valid choice"),
    ],
)
def test_what_would_be_refused_each_time_is_refused_at_once(boss: Client, wrong: dict[str, Any], said: str) -> None:
    answer = boss.post(f"{PAGE}add/", form(person("ann"), **wrong))
    assert answer.status_code == 200
    assert said in errors(answer).replace("&#x27;", "'")
    assert not ExportSchedule.objects.exists()


def test_a_schedule_without_an_owner_is_refused_at_that_field(boss: Client) -> None:
    answer = boss.post(f"{PAGE}add/", {**form(person("ann")), "owner": ""})
    assert list(answer.context["adminform"].form.errors) == ["owner"]


def test_an_owner_without_the_right_is_refused(boss: Client) -> None:
    answer = boss.post(f"{PAGE}add/", form(User.objects.create(username="eve")))
    assert "no grid" in errors(answer)
    assert "owner" in answer.context["adminform"].form.errors


def test_a_reader_sees_and_changes_no_question_about_a_column_that_the_grid_hides(client: Client) -> None:
    query = {"columns": ["sku"], "filter": {"col": "price", "op": "gt", "value": "7.77"}}
    row = ExportSchedule.objects.create(
        name="Dear", grid=GRID, format="csv", cron="0 6 * * *", owner=person("ann", "shop.view_price"), query=query
    )
    rights = ("gridkit_django.view_exportschedule", "gridkit_django.change_exportschedule")
    for name, more, seen in (("clerk", (), False), ("buyer", ("shop.view_price",), True)):
        reader = person(name, *rights, *more)
        reader.is_staff = True
        reader.save()
        client.force_login(reader)
        page = client.get(f"{PAGE}{row.pk}/change/").content.decode()
        assert ("7.77" in page) is seen
        assert ('name="_save"' in page) is seen


def test_who_may_not_see_a_column_can_not_let_an_owner_who_does_ask_by_it(client: Client) -> None:
    """The number of rows of the owner's file is on the page of jobs: it would answer a filter."""
    owner = person("ann", "shop.view_price")
    rights = [f"gridkit_django.{act}_exportschedule" for act in ("add", "view", "change")]
    clerk = person("clerk", *rights)
    clerk.is_staff = True
    clerk.save()
    client.force_login(clerk)

    def answer(column: str) -> str:
        query = {"filter": {"col": column, "op": "gt", "value": "7"}}
        page = client.post(f"{PAGE}add/", form(owner, query=json.dumps(query)))
        return errors(page).replace(column, "it") if page.status_code == 200 else "made"

    assert "no column" in answer("price")
    assert answer("price") == answer("nosuch")
    assert answer("stock") == "made"


def test_a_question_that_is_no_object_is_refused_on_the_form(boss: Client) -> None:
    answer = boss.post(f"{PAGE}add/", form(person("ann"), query="[1]"))
    assert "begins with {" in errors(answer)
    answer = boss.post(f"{PAGE}add/", form(person("bob"), options="[1]"))
    assert "begins with {" in errors(answer)


def view_of(owner: User, name: str, **more: Any) -> SavedView:
    return SavedView.objects.create(**{"grid": GRID, "name": name, "owner": owner, "state": {"v": 1}, **more})


def test_the_views_that_the_owner_sees_in_the_grid_are_offered_and_others_refused(boss: Client) -> None:
    ann, bob = person("ann"), person("bob")
    mine, shared = view_of(ann, "Mine"), view_of(bob, "Shared", scope=ViewScope.PUBLIC)
    hidden, other = view_of(bob, "Hidden"), view_of(ann, "Elsewhere", grid="other-grid")
    offered = boss.get(f"{PAGE}views/", {"grid": GRID, "owner": ann.pk}).json()["views"]
    assert [key for key, _name in offered] == [str(mine.pk), str(shared.pk)]
    for refused in (hidden, other):
        answer = boss.post(f"{PAGE}add/", form(ann, view=str(refused.pk)))
        assert "sees no view" in errors(answer)
        assert "Mine" in answer.content.decode()
    assert boss.post(f"{PAGE}add/", form(ann, view=str(shared.pk))).status_code == 302
    row = ExportSchedule.objects.get()
    assert row.view == shared.pk
    page = boss.get(f"{PAGE}{row.pk}/change/").content.decode()
    assert f'<option value="{shared.pk}" selected>' in page
    assert "Hidden" not in page


@pytest.mark.parametrize("asked", [{}, {"grid": "no-such", "owner": "1"}, {"grid": GRID, "owner": "nonsense"}])
def test_there_are_no_views_where_grid_or_owner_are_not_there(boss: Client, asked: dict[str, str]) -> None:
    assert boss.get(f"{PAGE}views/", asked).json() == {"views": []}


def test_who_makes_no_schedules_is_told_no_views(client: Client) -> None:
    reader = person("clerk", "gridkit_django.view_exportschedule")
    reader.is_staff = True
    reader.save()
    client.force_login(reader)
    assert client.get(f"{PAGE}views/").status_code == 403


def clerk_with(client: Client, *rights: str) -> User:
    """Somebody who may add and change schedules, logged in."""
    clerk = person("clerk", *(f"gridkit_django.{act}_exportschedule" for act in ("add", "view", "change")), *rights)
    clerk.is_staff = True
    clerk.save()
    client.force_login(clerk)
    return clerk


def test_private_views_of_an_owner_are_named_to_those_only_who_may_look_at_anybodys_views(client: Client) -> None:
    ann = person("ann")
    mine, shared = view_of(ann, "Mine"), view_of(ann, "Shared", scope=ViewScope.PUBLIC)
    asked = {"grid": GRID, "owner": ann.pk}
    clerk = clerk_with(client)
    assert [key for key, _name in client.get(f"{PAGE}views/", asked).json()["views"]] == [str(shared.pk)]
    answer = client.post(f"{PAGE}add/", form(ann, view=str(mine.pk)))
    assert "sees no view" in errors(answer)
    assert "Mine" not in answer.content.decode()
    row = ExportSchedule.objects.create(name="Hers", grid=GRID, format="csv", cron="0 6 * * *", owner=ann, view=mine.pk)
    page = client.get(f"{PAGE}{row.pk}/change/").content.decode()
    assert str(mine.pk) not in page
    assert 'name="_save"' not in page
    clerk.user_permissions.add(Permission.objects.get(codename="view_savedview"))
    assert len(client.get(f"{PAGE}views/", asked).json()["views"]) == 2
    assert f'<option value="{mine.pk}" selected>' in client.get(f"{PAGE}{row.pk}/change/").content.decode()


def test_a_view_is_judged_as_who_chooses_it_too_and_its_column_stays_unsaid(client: Client) -> None:
    ann = person("ann", "shop.view_price")
    by_price = {"v": 1, "query": {"filter": {"col": "price", "op": "gt", "value": "7"}}}
    by_stock = {"v": 1, "query": {"filter": {"col": "stock", "op": "gt", "value": 7}}}
    dear = view_of(ann, "Dear", scope=ViewScope.PUBLIC, state=by_price)
    many = view_of(ann, "Many", scope=ViewScope.PUBLIC, state=by_stock)
    clerk_with(client)
    answer = client.post(f"{PAGE}add/", form(ann, view=str(dear.pk)))
    assert "by what you may not see" in errors(answer)
    assert "price" not in errors(answer)
    assert client.post(f"{PAGE}add/", form(ann, view=str(many.pk))).status_code == 302
    row = ExportSchedule.objects.get()
    ExportSchedule.objects.update(view=dear.pk)
    assert 'name="_save"' not in client.get(f"{PAGE}{row.pk}/change/").content.decode()

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from guardian.models import GroupObjectPermission

from example_project.flights.people import EDIT, EXPORT, OPEN, ROLES, ensure_people
from gridkit_django.models import RegisteredGrid

pytestmark = pytest.mark.django_db
PASSWORD = "a stable one for 2013"


def rights(name: str, grid_id: str) -> set[str]:
    """Return what a user may do with a grid, on the object or on all grids."""
    user = User.objects.get(username=name)
    grid = RegisteredGrid.objects.get(grid_id=grid_id)
    return {right for right in (OPEN, EDIT, EXPORT) if user.has_perm(right) or user.has_perm(right, grid)}


def test_first_start_makes_three_users_with_passwords_of_their_own():
    accounts = ensure_people(None)

    passwords = {account.role.name: account.password for account in accounts}
    assert list(passwords) == ["admin", "analyst", "editor"]
    assert len(set(passwords.values())) == 3
    for name, password in passwords.items():
        assert password is not None
        assert len(password) >= 16
        assert User.objects.get(username=name).check_password(password)


def test_second_start_changes_no_password_and_shows_none():
    ensure_people(None)
    before = list(User.objects.order_by("pk").values_list("username", "password"))

    accounts = ensure_people(None)

    assert [account.password for account in accounts] == [None, None, None]
    assert list(User.objects.order_by("pk").values_list("username", "password")) == before


def test_fixed_password_is_set_for_everybody_at_each_start():
    ensure_people(None)

    accounts = ensure_people(PASSWORD)

    assert {account.password for account in accounts} == {PASSWORD}
    assert all(User.objects.get(username=role.name).check_password(PASSWORD) for role in ROLES)


def test_fixed_password_that_is_in_force_is_not_written_again():
    ensure_people(PASSWORD)
    before = set(User.objects.values_list("password", flat=True))

    ensure_people(PASSWORD)

    assert set(User.objects.values_list("password", flat=True)) == before


def test_only_admin_is_superuser_and_enters_the_django_admin():
    ensure_people(None)

    assert set(User.objects.filter(is_superuser=True, is_staff=True).values_list("username", flat=True)) == {"admin"}
    assert not User.objects.filter(is_staff=True).exclude(username="admin").exists()


@pytest.mark.parametrize("grid_id", ["flights", "airlines", "airports", "planes", "weather"])
def test_analyst_opens_and_exports_every_grid_and_edits_none(grid_id: str):
    ensure_people(None)

    assert rights("analyst", grid_id) == {OPEN, EXPORT}


@pytest.mark.parametrize(
    ("grid_id", "expected"),
    [("flights", {OPEN, EDIT, EXPORT}), ("airlines", {OPEN, EXPORT}), ("planes", {OPEN, EXPORT})],
)
def test_editor_edits_flights_only(grid_id: str, expected: set[str]):
    ensure_people(None)

    assert rights("editor", grid_id) == expected


def test_tail_numbers_are_for_editor_and_admin():
    ensure_people(None)

    seeing = {role.name for role in ROLES if User.objects.get(username=role.name).has_perm("flights.view_tailnum")}

    assert seeing == {"admin", "editor"}


def test_rights_on_grids_are_held_on_single_objects_through_guardian():
    ensure_people(None)
    analyst = User.objects.get(username="analyst")

    assert not analyst.has_perm(OPEN)
    assert GroupObjectPermission.objects.filter(group__name="Flight analysts").count() == 10


def test_rights_that_an_administrator_changed_stay_changed():
    ensure_people(None)
    group = Group.objects.get(name="Flight editors")
    group.permissions.clear()
    User.objects.get(username="analyst").groups.clear()

    ensure_people(PASSWORD)

    assert not group.permissions.exists()
    assert rights("analyst", "flights") == set()

"""The gate: who may open, see, edit and export, and which rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.db.models import QuerySet
from guardian.shortcuts import assign_perm

from gridkit_django.exceptions import AccessDeniedError, GridNotFoundError, UnknownColumnError
from gridkit_django.grids import Grid, GridAccess, TextColumn, grid_registry, open_grid, open_grids
from gridkit_django.models import RegisteredGrid
from tests.grids.shop import ADMIN, CLERK, OrderGrid, ProductGrid, make_products
from tests.shop.models import Product


class NotesGrid(Grid):
    """Something to edit, and something that nobody can."""

    description = TextColumn(editable=True)

    class Meta:
        model = Product
        id = "access-notes"
        columns = ["sku", "description"]


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    for grid in (NotesGrid, OrderGrid):
        grid_registry().register(grid)
    yield
    for grid in (NotesGrid, OrderGrid):
        grid_registry().unregister(grid.options.id)


@pytest.fixture
def clerk(db: None) -> User:
    return User.objects.create_user("clerk")


def grant(user: User, codename: str) -> User:
    """Give a permission on all grids, and forget what Django cached."""
    user.user_permissions.add(Permission.objects.get(codename=codename, content_type__app_label="gridkit_django"))
    return User.objects.get(pk=user.pk)


def refusal(grid_id: str, user: Any) -> GridNotFoundError:
    with pytest.raises(GridNotFoundError) as caught:
        open_grid(grid_id, user)
    return caught.value


def test_unknown_and_forbidden_grids_answer_alike(clerk: User) -> None:
    forbidden, unknown = refusal("access-notes", clerk), refusal("access-nothing", clerk)
    assert forbidden.detail.replace("access-notes", "X") == unknown.detail.replace("access-nothing", "X")
    assert (forbidden.code, forbidden.extra, forbidden.errors) == (unknown.code, unknown.extra, unknown.errors)


@pytest.mark.django_db
def test_anonymous_visitor_may_open_nothing() -> None:
    refusal("access-notes", AnonymousUser())
    assert open_grids(AnonymousUser()) == ()


def test_right_on_all_grids_opens_them(clerk: User) -> None:
    clerk = grant(clerk, "open_grid")
    assert open_grid("access-notes", clerk).grid is NotesGrid
    assert {"access-notes", "query-orders"} <= {access.grid_id for access in open_grids(clerk)}


def test_right_on_one_grid_opens_just_that_one(clerk: User) -> None:
    row = RegisteredGrid.objects.create(grid_id="access-notes", label="Notes", model_label="shop.Product")
    assign_perm("open_grid", clerk, row)
    access = open_grid("access-notes", User.objects.get(pk=clerk.pk))
    assert not access.can_edit
    assert not access.can_export
    assert [found.grid_id for found in open_grids(User.objects.get(pk=clerk.pk))] == ["access-notes"]


def test_inactive_user_opens_nothing(clerk: User) -> None:
    clerk = grant(clerk, "open_grid")
    clerk.is_active = False
    refusal("access-notes", clerk)


def test_editable_columns_need_the_right_to_edit(clerk: User) -> None:
    clerk = grant(clerk, "open_grid")
    assert GridAccess(NotesGrid, clerk).editable_columns == ()
    editor = GridAccess(NotesGrid, grant(clerk, "edit_grid"))
    assert [column.id for column in editor.editable_columns] == ["description"]


def test_missing_right_is_named(clerk: User) -> None:
    access = GridAccess(NotesGrid, clerk)
    access.require()
    with pytest.raises(AccessDeniedError, match="may not edit"):
        access.require(edit=True)
    with pytest.raises(AccessDeniedError, match="may not export"):
        access.require(export=True)
    GridAccess(NotesGrid, ADMIN).require(edit=True, export=True)


@pytest.mark.django_db
def test_column_permission_by_name_and_by_function() -> None:
    assert "price" in GridAccess(ProductGrid, ADMIN).by_id
    assert "price" not in GridAccess(ProductGrid, CLERK_ROW()).by_id
    assert "email" in GridAccess(OrderGrid, ADMIN).by_id
    assert "email" not in GridAccess(OrderGrid, CLERK).by_id
    assert [column.id for column in GridAccess(OrderGrid, CLERK).version_columns] == [
        "id",
        "customer",
        "product",
        "referrer",
        "quantity",
        "state",
        "note",
        "placed",
    ]


def CLERK_ROW() -> User:  # noqa: N802 - stands next to CLERK, with a row
    return User.objects.get_or_create(username="clerk")[0]


def test_unknown_and_hidden_columns_answer_alike() -> None:
    access = GridAccess(OrderGrid, CLERK)
    caught = []
    for name in ("email", "nothing"):
        with pytest.raises(UnknownColumnError) as error:
            access.column(name, "/sort/0/col")
        caught.append((error.value.detail.replace(name, "X"), error.value.errors[0].pointer, error.value.code))
    assert caught[0] == caught[1]
    assert caught[0][1] == "/sort/0/col"


def only_cheap(rows: QuerySet[Any], user: Any) -> QuerySet[Any]:
    return rows.filter(stock__lt=user.pk)


def rows_grid(rule: Any) -> type[Grid]:
    meta = type("Meta", (), {"model": Product, "id": "rows", "columns": ["sku"], "row_permission": rule})
    return type("RowsGrid", (Grid,), {"Meta": meta})


def skus(grid: type[Grid], user: Any) -> list[str]:
    return sorted(GridAccess(grid, user).queryset().values_list("sku", flat=True))


def test_row_permission_by_function_narrows_the_rows() -> None:
    grid = rows_grid(staticmethod(only_cheap))
    assert str(GridAccess(grid, User(pk=5)).queryset().query).count("< 5") == 1


def test_row_permission_by_object_shows_the_granted_rows_only(clerk: User) -> None:
    first, _second = make_products([{}, {}])
    grid = rows_grid("shop.view_price")
    assert skus(grid, clerk) == []
    assign_perm("view_price", clerk, first)
    assert skus(grid, User.objects.get(pk=clerk.pk)) == [first.sku]
    assert skus(grid, AnonymousUser()) == []
    assert len(skus(grid, User(username="root", is_superuser=True))) == 2


def test_row_permission_held_globally_shows_all_rows(clerk: User) -> None:
    make_products([{}, {}])
    clerk.user_permissions.add(Permission.objects.get(codename="view_price"))
    assert len(skus(rows_grid("shop.view_price"), User.objects.get(pk=clerk.pk))) == 2


def test_row_permission_without_guardian_is_all_or_nothing(clerk: User, monkeypatch: pytest.MonkeyPatch) -> None:
    make_products([{}])
    monkeypatch.setattr("django.apps.apps.is_installed", lambda name: False)
    assert skus(rows_grid("shop.view_price"), clerk) == []

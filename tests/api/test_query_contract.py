"""What a request costs in SQL queries: the same for few and for many rows and grids, six at most."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from guardian.backends import ObjectPermissionBackend
from guardian.shortcuts import assign_perm
from rest_framework.test import APIClient

from gridkit_django.exceptions import GridNotFoundError
from gridkit_django.grids import Grid, IntegerColumn, grid_registry, open_grid, open_grids
from gridkit_django.grids.registration import sync_registered_grids
from gridkit_django.models import RegisteredGrid
from tests.api.conftest import PRODUCTS, client_of
from tests.shop.models import Customer, Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.usefixtures("idle_thread")]

RIGHTS = ("open_grid", "edit_grid", "export_grid")
MOST = 6


def permission(codename: str) -> Permission:
    return Permission.objects.get(codename=codename)


def admin(name: str) -> User:
    return User.objects.create_superuser(name)


def holder_by_user(name: str) -> User:
    user = User.objects.create_user(name)
    user.user_permissions.add(permission("open_grid"), permission("view_price"))
    return user


def holder_by_group(name: str) -> User:
    group = Group.objects.create(name=name)
    group.permissions.add(*(permission(right) for right in RIGHTS), permission("view_price"))
    user = User.objects.create_user(name)
    user.groups.add(group)
    return user


def holder_by_object(name: str) -> User:
    user = User.objects.create_user(name)
    for grid in RegisteredGrid.objects.all():
        for right in RIGHTS:
            assign_perm(right, user, grid)
    return user


def holder_by_object_of_group(name: str) -> User:
    group = Group.objects.create(name=name)
    user = User.objects.create_user(name)
    user.groups.add(group)
    for grid in RegisteredGrid.objects.all():
        assign_perm("open_grid", group, grid)
    return user


PEOPLE = (admin, holder_by_user, holder_by_group, holder_by_object, holder_by_object_of_group)
Person = Callable[[str], User]


def more_grids(count: int) -> list[type[Grid]]:
    def grid(number: int) -> type[Grid]:
        meta = type("Meta", (), {"model": Product, "id": f"api-more-{number}", "columns": ["sku"]})
        return type(f"More{number}", (Grid,), {"Meta": meta})

    return [grid(number) for number in range(count)]


@pytest.fixture(autouse=True)
def grids(db: None) -> Iterator[None]:
    """Five more grids, all with a row, so that rights can be given on them."""
    made = more_grids(5)
    for grid in made:
        grid_registry().register(grid)
    sync_registered_grids()
    yield
    for grid in made:
        grid_registry().unregister(grid.options.id)


def stock(count: int) -> None:
    Product.objects.bulk_create(
        Product(sku=f"M{number:04}", name=f"thing {number}", price=Decimal(number)) for number in range(count)
    )


def queries(act: Callable[[], Any]) -> list[str]:
    """Run what a request does and return its statements; what a process reads once was read before."""
    assert act().status_code == 200
    with CaptureQueriesContext(connection) as captured:
        assert act().status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def rows(client: APIClient, size: int) -> Callable[[], Any]:
    body = {"window": {"kind": "cursor", "size": size}, "filter": {"col": "stock", "op": "gte", "value": 0}}

    def act() -> Any:
        response = client.post(PRODUCTS + "rows/", body, format="json")
        assert len(response.json()["rows"]) == size
        return response

    return act


@pytest.mark.parametrize("person", PEOPLE)
def test_rows_cost_the_same_few_queries_for_ten_rows_and_for_five_hundred(person: Person) -> None:
    stock(502)
    client = client_of(person("someone"))
    few, many = queries(rows(client, 10)), queries(rows(client, 500))
    assert len(few) == len(many)
    assert len(many) <= MOST, "\n".join(many)


class LabelledOrders(Grid):
    customer = IntegerColumn(lookup="api-customers")
    referrer = IntegerColumn(lookup="api-customers")

    class Meta:
        model = Order
        id = "api-labelled"
        columns = ["customer", "referrer", "quantity"]


@pytest.fixture
def orders() -> Iterator[None]:
    """Sixty orders, each of a customer of its own."""
    grid_registry().register(LabelledOrders)
    sync_registered_grids()
    stock(1)
    Customer.objects.bulk_create(Customer(name=f"N{n}", email=f"{n}@x.example") for n in range(60))
    placed = datetime(2024, 1, 1, tzinfo=UTC)
    product = Product.objects.get(sku="M0000")
    Order.objects.bulk_create(Order(customer=one, product=product, placed=placed) for one in Customer.objects.all())
    yield
    grid_registry().unregister("api-labelled")


@pytest.mark.parametrize("person", PEOPLE)
def test_labels_of_other_grids_rows_cost_one_query_for_all_rows(person: Person, orders: None) -> None:
    client = client_of(person("someone"))

    def asked(size: int, *include: str) -> Callable[[], Any]:
        body = {"window": {"kind": "cursor", "size": size}, "include": include, "count": "none"}
        return lambda: client.post("/gridkit/api/grids/api-labelled/rows/", body, format="json")

    assert len(asked(50, "labels")().json()["labels"]["customer"]) == 50
    bare, few, many = queries(asked(50)), queries(asked(5, "labels")), queries(asked(50, "labels"))
    assert len(few) == len(many) == len(bare) + 1
    assert len(many) <= MOST, "\n".join(many)


def test_rows_cost_the_same_however_long_ago_the_last_request_was(
    orders: None, pass_time: Callable[[float], None]
) -> None:
    client = client_of(admin("someone"))
    body = {"window": {"kind": "cursor", "size": 5}, "include": ["labels"], "count": "exact"}
    counts = []
    for seconds in (0.0, 0.0, 20.0, 4000.0, 100_000.0):
        pass_time(seconds)
        with CaptureQueriesContext(connection) as captured:
            assert client.post("/gridkit/api/grids/api-labelled/rows/", body, format="json").status_code == 200
        counts.append(len(captured))
    assert len(set(counts[1:])) == 1, f"the first one reads what a process reads once: {counts}"


@pytest.mark.parametrize("person", PEOPLE)
def test_rows_with_labels_and_their_number_cost_at_most_six_queries_once_the_user_is_known(
    person: Person, orders: None
) -> None:
    client = APIClient()
    client.force_authenticate(person("someone"))

    def asked(size: int) -> Callable[[], Any]:
        body = {"window": {"kind": "cursor", "size": size}, "include": ["labels"], "count": "exact"}
        return lambda: client.post("/gridkit/api/grids/api-labelled/rows/", body, format="json")

    few, many = queries(asked(5)), queries(asked(50))
    assert len(few) == len(many) <= MOST, "\n".join(many)


@pytest.mark.parametrize("person", PEOPLE)
def test_list_of_grids_costs_the_same_few_queries_however_many_there_are(person: Person) -> None:
    client = client_of(person("someone"))
    many = queries(lambda: client.get("/gridkit/api/grids/"))
    opened = {entry["id"] for entry in client.get("/gridkit/api/grids/").json()["results"]}
    assert {f"api-more-{number}" for number in range(5)} <= opened
    for number in range(1, 5):
        grid_registry().unregister(f"api-more-{number}")
    few = queries(lambda: client.get("/gridkit/api/grids/"))
    assert len(few) == len(many)
    assert len(many) <= MOST, "\n".join(many)


def test_rights_on_one_grid_are_read_right_among_those_on_others(make_user: Callable[..., User]) -> None:
    user = make_user("guest")
    rows = {row.grid_id: row for row in RegisteredGrid.objects.all()}
    assign_perm("open_grid", user, rows["api-more-1"])
    assign_perm("edit_grid", user, rows["api-more-1"])
    assign_perm("edit_grid", user, rows["api-more-2"])
    group = Group.objects.create(name="exporters")
    user.groups.add(group)
    assign_perm("open_grid", group, rows["api-more-3"])
    assign_perm("export_grid", group, rows["api-more-3"])
    entries = client_of(user).get("/gridkit/api/grids/").json()["results"]
    assert {entry["id"]: entry["permissions"] for entry in entries} == {
        "api-more-1": {"edit": True, "create": False, "delete": False, "export": False},
        "api-more-3": {"edit": False, "create": False, "delete": False, "export": True},
    }


class Doorkeeper(BaseBackend):
    """Opens one grid to everybody, by its row; nobody may edit, whatever later backends say."""

    asked: ClassVar[list[Any]] = []

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        if perm == "gridkit_django.edit_grid" and obj is not None:
            raise PermissionDenied
        self.asked.append(obj)
        return perm == "gridkit_django.open_grid" and getattr(obj, "grid_id", "") == "api-more-4"


class HouseRules(ObjectPermissionBackend):
    """A backend of the site, made from guardian's: it closes what guardian opens."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return getattr(obj, "grid_id", "") != "api-more-1" and super().has_perm(user_obj, perm, obj)


def opened_with(user: User, *backends: str) -> dict[str, bool]:
    """The grids that a user may open, and whether they may be edited, with these backends behind Django's own."""
    with override_settings(AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend", *backends]):
        return {access.grid_id: access.can_edit for access in open_grids(User.objects.get(pk=user.pk))}


def test_other_authentication_backends_are_asked_as_ever(make_user: Callable[..., User]) -> None:
    user = make_user("guest")
    for number in (1, 2):
        row = RegisteredGrid.objects.get(grid_id=f"api-more-{number}")
        assign_perm("open_grid", user, row)
        assign_perm("edit_grid", user, row)
    here, guardian = __name__, "guardian.backends.ObjectPermissionBackend"
    assert opened_with(user) == {}
    assert opened_with(user, guardian) == {"api-more-1": True, "api-more-2": True}
    assert opened_with(user, f"{here}.HouseRules") == {"api-more-2": True}
    keeper = f"{here}.Doorkeeper"
    assert opened_with(user, keeper, guardian) == dict.fromkeys(["api-more-1", "api-more-2", "api-more-4"], False)
    assert opened_with(user, guardian, keeper) == {"api-more-1": True, "api-more-2": True, "api-more-4": False}
    with override_settings(AUTHENTICATION_BACKENDS=[guardian]):
        assert {access.grid_id for access in open_grids(user)} == {"api-more-1", "api-more-2"}


def test_user_class_that_judges_by_itself_is_asked(
    make_user: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    def judges(_user: User, perm: str, obj: Any = None) -> bool:
        return getattr(obj, "grid_id", "") == "api-more-3" and perm.endswith("open_grid")

    user = make_user("guest")
    monkeypatch.setattr(User, "has_perm", judges)
    assert {access.grid_id: access.can_edit for access in open_grids(user)} == {"api-more-3": False}
    with pytest.raises(GridNotFoundError):
        open_grid("api-more-2", user)


def test_rights_that_django_has_read_already_are_not_read_again(make_user: Callable[..., User]) -> None:
    user = make_user("guest", "gridkit_django.open_grid")
    assert user.has_perm("gridkit_django.open_grid")
    with CaptureQueriesContext(connection) as captured:
        assert open_grid("api-more-1", user).can_open
        assert user.has_perm("gridkit_django.open_grid")
    assert len(captured) == 1

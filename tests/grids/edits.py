"""The grids of the editing tests, and a listener that notes the events of an edit. They are not registered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import models

from gridkit_django.events import GridEvent, Moment, signal_for
from gridkit_django.grids import (
    BooleanColumn,
    ChoiceColumn,
    Column,
    DateColumn,
    DateTimeColumn,
    DecimalColumn,
    FloatColumn,
    Grid,
    GridAccess,
    IntegerColumn,
    JSONColumn,
    TextColumn,
    TimeColumn,
)
from gridkit_django.grids.editing import EditResult, apply_edit
from gridkit_django.grids.records import get_record
from gridkit_django.typing import User as AnyUser
from tests.shop.models import Customer, Order, Product

ADMIN = User(pk=1, username="ada", is_superuser=True)


class ProductEditGrid(Grid):
    """Every kind of editable column."""

    sku = TextColumn(editable=True)
    name = TextColumn(editable=True)
    category = ChoiceColumn(editable=True)
    price = DecimalColumn(permission="shop.view_price", editable=True)
    stock = IntegerColumn(editable=True)
    active = BooleanColumn(editable=True)
    attributes = JSONColumn(editable=True)
    description = TextColumn(editable=True)
    rating = FloatColumn(editable=True)
    released = DateColumn(editable=True)
    restocked = DateTimeColumn(editable=True)
    opens = TimeColumn(editable=True)
    discount = DecimalColumn(editable=True)

    class Meta:
        model = Product
        id = "edit-products"
        columns = [
            "sku",
            "name",
            "category",
            "price",
            "stock",
            "active",
            "token",
            "attributes",
            "description",
            "rating",
            "released",
            "restocked",
            "opens",
            "discount",
            "updated",
        ]
        time_zone = "America/New_York"
        creatable = True
        deletable = True


def _unsent(rows: models.QuerySet[Any], user: AnyUser) -> models.QuerySet[Any]:
    return rows.exclude(state=Order.State.SENT)


class OrderEditGrid(Grid):
    """Foreign keys and a row permission: sent orders are out of sight."""

    customer = IntegerColumn(editable=True)
    customer_name = TextColumn("customer__name")
    referrer = IntegerColumn(editable=True)
    referrer_name = TextColumn("referrer__name")
    quantity = IntegerColumn(editable=True)
    state = ChoiceColumn(editable=True)
    note = TextColumn(editable=True)
    remark: Column = TextColumn("note", editable=True)

    class Meta:
        model = Order
        id = "edit-orders"
        columns = ["customer", "customer_name", "referrer", "referrer_name", "quantity", "state", "note", "remark"]
        row_permission = _unsent
        creatable = True
        deletable = True

    @classmethod
    def new_row(cls, user: AnyUser) -> Order:
        """Start from the product that the user's last name says."""
        found = Product.objects.filter(sku=getattr(user, "last_name", "")).first()
        return Order(product=found, placed=datetime(2024, 1, 1, tzinfo=UTC))


class AllOrdersEditGrid(OrderEditGrid):
    """The same without a row permission."""

    class Meta(OrderEditGrid.Meta):
        id = "edit-all-orders"
        row_permission = None


class CustomerEditGrid(Grid):
    """Customers, who take their orders along."""

    name = TextColumn(editable=True)
    email = TextColumn(editable=True)
    vip = BooleanColumn(editable=True)

    class Meta:
        model = Customer
        id = "edit-customers"
        columns = ["name", "email", "country", "vip"]
        creatable = True
        deletable = True


class ReferredOrderGrid(Grid):
    """Orders whose customer must be one that the grid of customers shows."""

    customer = IntegerColumn(editable=True, lookup="edit-customers")

    class Meta:
        model = Order
        id = "edit-referred-orders"
        columns = ["customer", "quantity"]


def product(**values: Any) -> Product:
    """Store a product."""
    return Product.objects.create(**{"sku": "A-1", "name": "Hammer", "price": Decimal("9.90"), "stock": 3, **values})


def order(**values: Any) -> Order:
    """Store an order of Ann's."""
    ann = Customer.objects.create(name="Ann", email="ann@example.org")
    return Order.objects.create(
        **{"customer": ann, "product": product(), "placed": datetime(2024, 1, 1, tzinfo=UTC), **values}
    )


def edit(grid: type[Grid], row: models.Model, *, user: AnyUser = ADMIN, **changes: Any) -> EditResult:
    """Edit a row from the version that it has now."""
    access = GridAccess(grid, user)
    return apply_edit(access, str(row.pk), changes, get_record(access, row.pk).version)


@contextmanager
def receiving(event_type: str, moment: Moment, receiver: Callable[..., Any]) -> Iterator[None]:
    """Connect a receiver for the length of the block."""
    signal = signal_for(event_type, moment)
    signal.connect(receiver, weak=False)
    try:
        yield
    finally:
        signal.disconnect(receiver)


class Heard(list[tuple[str, str, GridEvent]]):
    """Type, moment and event of what was told, in order."""

    def told(self) -> list[tuple[str, str]]:
        """Return types and moments only."""
        return [(name, moment) for name, moment, _ in self]

    def payload(self, name: str, moment: str) -> dict[str, Any]:
        """Return the payload of the one event of this type and moment."""
        (event,) = [event for heard, when, event in self if (heard, when) == (name, moment)]
        return dict(event.payload)


@contextmanager
def hearing() -> Iterator[Heard]:
    """Note each moment of the facts about rows."""
    heard = Heard()

    def listener(name: str, moment: Moment) -> Callable[..., None]:
        def receive(event: GridEvent, **_kwargs: Any) -> None:
            heard.append((name, moment.value, event))

        return receive

    with ExitStack() as stack:
        for name in ("row:create", "row:update", "row:delete", "cell:edit"):
            for moment in Moment:
                stack.enter_context(receiving(name, moment, listener(name, moment)))
        yield heard

"""The grids that the element shows in these tests, and what lies in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import django_filters
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone

from gridkit_django.grids import (
    BooleanColumn,
    CellStyle,
    ChoiceColumn,
    DateColumn,
    DateTimeColumn,
    Grid,
    IntegerColumn,
    TextColumn,
)
from gridkit_django.typing import User as AnyUser
from tests.shop.models import Customer, Order, Product

ORDERS = 120
PEOPLE = ("Ada", "Bob", "Cyd <b>")


class OrderGrid(Grid):
    """Orders: to be grouped, summed, made, changed and deleted."""

    customer = IntegerColumn(editable=True, lookup="browser-customers")
    buyer = TextColumn("customer__name", label="Buyer")
    country = TextColumn("customer__country", label="Country", styles=[CellStyle("eq", "B", tone="good")])
    quantity = IntegerColumn(editable=True)
    state = ChoiceColumn(editable=True)
    note = TextColumn(editable=True)
    placed = DateTimeColumn(label="Placed")

    class Meta:
        model = Order
        id = "browser-orders"
        label = "Orders"
        columns = ["buyer", "country", "quantity", "state", "note", "placed", "customer"]
        default_sort = ["placed"]
        search = ["buyer", "note"]
        time_zone = "America/New_York"
        creatable = True
        deletable = True

    @classmethod
    def new_row(cls, user: AnyUser) -> Order:
        """Start from the only product, now."""
        return Order(product=Product.objects.first(), placed=timezone.now())


class ReasonedGrid(OrderGrid):
    """Orders whose changes need a reason."""

    class Meta(OrderGrid.Meta):
        id = "browser-reasons"
        audit_reason = "required"


class CustomerFilter(django_filters.FilterSet):  # type: ignore[misc]
    """What no operator of a column says."""

    since = django_filters.DateFromToRangeFilter(label="Between two days")
    lands = django_filters.MultipleChoiceFilter(
        field_name="country", label="Lands", choices=[("A", "Aland"), ("B", "Bland")]
    )


class CustomerGrid(Grid):
    """Customers, who take their orders along."""

    name = TextColumn(editable=True, filters=["lands"])
    email = TextColumn(editable=True)
    vip = BooleanColumn(editable=True)
    since = DateColumn(editable=True)

    class Meta:
        model = Customer
        id = "browser-customers"
        label = "Customers"
        columns = ["name", "email", "vip", "since"]
        search = ["name"]
        creatable = True
        deletable = True
        filterset_class = CustomerFilter


GRIDS = (OrderGrid, ReasonedGrid, CustomerGrid)


def fill() -> None:
    """Store three customers and their orders, one an hour: half of them new, every tenth without a note."""
    people = [Customer(name=name, email=f"{name[:3]}@x.test", country=name[0]) for name in PEOPLE]
    people[2].country = ""
    Customer.objects.bulk_create(people)
    hammer = Product.objects.create(sku="H", name="Hammer", price=Decimal("9.90"))
    start = datetime(2024, 1, 30, 12, tzinfo=UTC)
    Order.objects.bulk_create(
        Order(
            customer=people[number % 3],
            product=hammer,
            quantity=number % 7 + 1,
            state=Order.State.PAID if number % 2 else Order.State.NEW,
            note="" if number % 10 == 0 else f"note {number:03}",
            placed=start + timedelta(hours=number),
        )
        for number in range(ORDERS)
    )


def make_people() -> None:
    """Make an administrator, and a reader who may only look."""
    User.objects.create_superuser("boss", password="secret").groups.add(Group.objects.create(name="Sales"))
    reader = User.objects.create_user("reader", password="secret")
    reader.user_permissions.add(Permission.objects.get(codename="open_grid"))

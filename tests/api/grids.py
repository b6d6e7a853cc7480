"""The grids that the API's tests show; `conftest.shop_grids` registers them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from gridkit_django.grids import DecimalColumn, Grid, TextColumn
from gridkit_django.typing import User
from tests.shop.models import Customer, Product


class ProductGrid(Grid):
    """Products; the price is for holders of `shop.view_price`."""

    name = TextColumn(editable=True)
    price = DecimalColumn(permission="shop.view_price", editable=True)

    class Meta:
        model = Product
        id = "api-products"
        label = "Products"
        columns = ["sku", "name", "category", "price", "stock", "rating"]
        default_sort = ["sku"]
        search = ["name"]
        page_size = 3


def only_own_country(rows: QuerySet[Any], user: User) -> QuerySet[Any]:
    """Show the customers of the country that the user's last name says."""
    return rows.filter(country=getattr(user, "last_name", ""))


class CustomerGrid(Grid):
    """Customers of the user's own country."""

    name = TextColumn(editable=True)

    class Meta:
        model = Customer
        id = "api-customers"
        label = "Customers"
        columns = ["name", "country"]
        row_permission = only_own_country

"""The ready pages and the template tag, as a browser without JavaScript sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from html import unescape

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from gridkit_django.grids import BooleanColumn, DecimalColumn, Grid, grid_registry
from tests.shop.models import Product

PAGE = "/gridkit/grids/page-products/"


class PageProductGrid(Grid):
    """Products, prices for some eyes only."""

    price = DecimalColumn(permission="shop.view_price")
    active = BooleanColumn(sortable=False)

    class Meta:
        model = Product
        id = "page-products"
        label = "Products"
        columns = ["sku", "name", "price", "active", "rating", "released", "restocked"]
        time_zone = "America/New_York"
        default_sort = ["sku"]
        search = ["name"]
        page_size = 3


@pytest.fixture(autouse=True)
def grid() -> Iterator[None]:
    grid_registry().register(PageProductGrid)
    yield
    grid_registry().unregister("page-products")


@pytest.fixture(autouse=True)
def products(db: None) -> None:
    for number in range(1, 8):
        Product.objects.create(
            sku=f"S{number}",
            name=f"<i>Thing</i> {number}",
            price=Decimal("7.77"),
            stock=1,
            active=number % 2 == 0,
            released=date(2013, 2, 3),
            restocked=datetime(2013, 2, 3, 2, 30, tzinfo=UTC),
        )


@pytest.fixture
def reader() -> Client:
    user = User.objects.create_user("reader")
    user.user_permissions.add(Permission.objects.get(codename="open_grid"))
    client = Client()
    client.force_login(user)
    return client


def _skus(page: str) -> list[str]:
    return re.findall(r"<td>(S\d)</td>", page)


def _follow(client: Client, page: str, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    assert found is not None, f"no link {rel}"
    return client.get(f"{PAGE}{unescape(found[1])}").content.decode()


def test_page_shows_the_first_rows_escaped_without_the_hidden_column(reader: Client) -> None:
    page = reader.get(PAGE).content.decode()

    assert _skus(page) == ["S1", "S2", "S3"]
    assert "&lt;i&gt;Thing&lt;/i&gt;" in page
    assert "7.77" not in page
    assert "<td>yes</td>" in page
    assert "<td>no</td>" in page
    assert '<td class="gridkit-plain-number">\N{EN DASH}</td>' in page
    assert "<td>02/03/2013</td>" in page
    assert "<td>02/02/2013 9:30 p.m.</td>" in page
    assert 'src="/gridkit/api/grids/page-products/"' in page


def test_page_links_turn_the_pages_forward_and_back(reader: Client) -> None:
    first = reader.get(PAGE).content.decode()
    assert 'rel="prev"' not in first

    second = _follow(reader, first, "next")
    third = _follow(reader, second, "next")

    assert (_skus(second), _skus(third)) == (["S4", "S5", "S6"], ["S7"])
    assert 'rel="next"' not in third
    assert _skus(_follow(reader, third, "prev")) == ["S4", "S5", "S6"]


def test_page_sorted_by_a_link_keeps_the_sort_on_the_next_page(reader: Client) -> None:
    page = reader.get(f"{PAGE}?sort=-sku").content.decode()

    assert _skus(page) == ["S7", "S6", "S5"]
    assert 'aria-sort="descending"' in page
    assert _skus(_follow(reader, page, "next")) == ["S4", "S3", "S2"]


def test_page_has_a_search_form_that_keeps_what_was_asked(reader: Client) -> None:
    page = reader.get(f"{PAGE}?sort=-sku&search=thing").content.decode()

    assert '<input type="search" name="search" value="thing">' in page
    assert '<input type="hidden" name="sort" value="-sku">' in page


def test_page_of_a_grid_that_can_not_be_searched_has_no_search_form(
    reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PageProductGrid, "options", replace(PageProductGrid.options, search=()))

    assert 'role="search"' not in reader.get(PAGE).content.decode()


def test_page_searched_shows_what_matches(reader: Client) -> None:
    assert _skus(reader.get(f"{PAGE}?search=thing+5").content.decode()) == ["S5"]


@pytest.mark.parametrize("query", ["sort=nosuch", "sort=price", "after=forged", "sort=-active"])
def test_page_with_a_link_that_makes_no_sense_shows_the_first_rows_and_says_why(reader: Client, query: str) -> None:
    page = reader.get(f"{PAGE}?{query}").content.decode()

    assert 'role="alert"' in page
    assert _skus(page) == ["S1", "S2", "S3"]


def test_page_without_rows_says_so(reader: Client) -> None:
    Product.objects.all().delete()

    assert "No rows." in reader.get(PAGE).content.decode()


def test_index_lists_the_grids_that_the_user_may_open(reader: Client) -> None:
    assert "Products" in reader.get("/gridkit/").content.decode()


def test_index_without_any_grid_says_whom_to_ask() -> None:
    client = Client()
    client.force_login(User.objects.create_user("stranger"))

    assert "Ask an administrator" in client.get("/gridkit/").content.decode()


def test_page_not_open_to_the_user_answers_as_one_that_does_not_exist() -> None:
    client = Client()
    client.force_login(User.objects.create_user("stranger"))

    hidden, missing = client.get(PAGE), client.get("/gridkit/grids/nosuch/")

    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert hidden.content == missing.content


@pytest.mark.parametrize("path", ["/gridkit/", PAGE])
def test_page_without_login_leads_to_the_login(client: Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")

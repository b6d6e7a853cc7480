"""A page, a count, a group, a facet and an edit of two million rows: bare SQL, the engine, the API, and the peers.

``GRIDKIT_BENCH_ROWS=200000`` makes a quicker run.
"""

from __future__ import annotations

import json
import time
import tracemalloc
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test import override_settings
from rest_framework.test import APIRequestFactory, force_authenticate

from gridkit_django.api.renderers import CompactJSONRenderer
from gridkit_django.api.serializers.rows import page_body
from gridkit_django.api.views.records import RecordView
from gridkit_django.api.views.rows import RowsView
from gridkit_django.api.views.values import FacetView
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.grids import GridQuery, fetch_rows, get_record, grid_registry, open_grid
from gridkit_django.grids.bulk import BulkChange, carry_out_bulk
from gridkit_django.grids.selection import Selection
from tests.benchmarks.database import server_version
from tests.benchmarks.grid.peers import SIZE, TEMPLATES, Peers, by_discount
from tests.benchmarks.grid.sales import ROWS, Sale, SaleGrid, fill_up, make_tables
from tests.benchmarks.harness import Variant, compare, table

NAMES = ("id", "code", "buyer_name", "category", "amount", "discount", "active", "placed")
SELECT = (
    "SELECT s.id, s.code, b.name, s.category, s.amount, s.discount, s.active, s.placed "
    "FROM bench_sale s JOIN bench_buyer b ON b.id = s.buyer_id"
)
DEEP = ROWS // 100 * 95
FILTER = {
    "and": [
        {"col": "category", "op": "eq", "value": "category 7", "ci": False},
        {"col": "amount", "op": "gte", "value": 200},
        {"col": "amount", "op": "lt", "value": 800},
    ]
}
"""Half of the sales of one category."""

BULK = 2_000
"""The rows of one change of many."""

BY_PLACED = [{"col": "placed", "dir": "desc"}]
BY_DISCOUNT = [{"col": "discount", "dir": "desc"}]


def run() -> Iterator[str]:
    """Make the table and compare."""
    make_tables()
    grid_registry().register(SaleGrid)
    user = get_user_model().objects.create_superuser("bench", "bench@example.org", "bench")
    asker = Asker(user)
    fill_up(ROWS // 100)
    small = asker.memory()
    fill_up(ROWS)
    yield _memory_text(small, asker.memory())
    under = {"rows": f"{ROWS:,}", "database": server_version(), "page": SIZE}
    with override_settings(TEMPLATES=TEMPLATES):
        for title, variants, rounds in asker.comparisons():
            yield table(title, compare(variants, rounds=rounds), conditions=under)
        for title, variants, rounds in asker.comparisons_of_work():
            found = compare(variants, rounds=rounds, clock=time.process_time)
            yield table(f"{title}, processor time of Python alone", found, conditions=under)


class Asker:
    """Asks bare SQL, the engine, the API and the peers the same questions.

    Args:
        user: on whose behalf.
    """

    def __init__(self, user: Any) -> None:
        self._user = user
        self._peers = Peers(user)
        self._requests = APIRequestFactory(SERVER_NAME="localhost")
        self._rows, self._facets, self._record = RowsView.as_view(), FacetView.as_view(), RecordView.as_view()

    def comparisons(self) -> Iterator[tuple[str, Mapping[str, Variant], int]]:
        """Yield each comparison: its title, its variants (bare SQL first), and its rounds."""
        yield "First page, newest first", self._first(), 15
        yield f"Page at row {DEEP:,}, newest first", self._deep(), 5
        yield "Filtered and sorted page", self._filtered(), 9
        yield "Page across the boundary to the blanks", self._boundary(), 5
        yield "Count of all rows", self._counts(), 5
        yield "Groups with a sum", self._groups(), 5
        yield "Facet under a filter", self._facet(), 7
        yield "One edit", self._edits(), 15
        yield f"One change of {BULK:,} rows", self._bulk(), 5

    def comparisons_of_work(self) -> Iterator[tuple[str, Mapping[str, Variant], int]]:
        """Yield comparisons of Python's own work, which a busy machine does not lengthen as it does the waits."""
        pages = {name: variant for name, variant in self._first().items() if "count" in name or "bare" in name}
        deep = {name: variant for name, variant in self._deep().items() if "cursor" in name or "keyset" in name}
        yield "First page, newest first", pages, 60
        yield f"Page at row {DEEP:,}, newest first", deep, 60
        yield "One edit", self._edits(), 30
        yield f"One change of {BULK:,} rows", self._bulk(), 7

    def memory(self) -> dict[str, int]:
        """Return the peak of the heap in bytes for a first page, and for one at 95 % of the rows."""
        found = {}
        deep = Sale.objects.count() // 100 * 95
        for name, start in (("first page", 0), ("page at 95 %", deep)):
            window = {"kind": "offset", "start": start, "end": start + SIZE}
            self.api(sort=BY_PLACED, window=window)
            tracemalloc.start()
            self.api(sort=BY_PLACED, window=window)
            found[name] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return found

    def engine(self, **asked: Any) -> bytes:
        """The engine's answer as JSON, without the HTTP layer."""
        page = fetch_rows(open_grid("bench-sales", self._user), GridQuery.from_dict(asked))
        return bytes(CompactJSONRenderer().render(page_body(page)))

    def api(self, **asked: Any) -> bytes:
        """The whole request in process: parsing, rights, engine, JSON."""
        return self._answer(self._rows, "post", asked, grid="bench-sales")

    def _answer(self, view: Callable[..., Any], method: str, body: Any, **names: Any) -> bytes:
        headers = names.pop("headers", {})
        request = getattr(self._requests, method)("/", body, format="json", headers=headers)
        force_authenticate(request, user=self._user)
        response = view(request, **names).render()
        if response.status_code != 200:
            raise ValueError(f"The API answered {response.status_code}: {response.content[:500]!r}")
        return bytes(response.content)

    def _cursor(self, sort: Any, start: int) -> str | None:
        """The cursor to the page that starts at a row."""
        window = {"kind": "offset", "start": start - 1, "end": start}
        page = fetch_rows(open_grid("bench-sales", self._user), GridQuery.from_dict({"sort": sort, "window": window}))
        return page.window.next

    def _first(self) -> Mapping[str, Variant]:
        window = {"kind": "cursor", "size": SIZE}
        return {
            "bare SQL and json.dumps": lambda: bare(f"{SELECT} ORDER BY s.placed DESC, s.id DESC LIMIT {SIZE + 1}"),
            "engine, no count": lambda: self.engine(sort=BY_PLACED, window=window, count="none"),
            "API, no count": lambda: self.api(sort=BY_PLACED, window=window, count="none"),
            "API, capped count": lambda: self.api(sort=BY_PLACED, window=window),
            "DRF by cursor (no count)": lambda: self._peers.cursor_page(None),
            "DRF by page": lambda: self._peers.pages(1, "-placed"),
            "django-tables2": lambda: self._peers.tables2(1, "-placed"),
            "DRF DataTables": lambda: self._peers.data_tables(0, "placed"),
        }

    def _deep(self) -> Mapping[str, Variant]:
        after = {"kind": "cursor", "size": SIZE, "after": self._cursor(BY_PLACED, DEEP)}
        offset = {"kind": "offset", "start": DEEP, "end": DEEP + SIZE}
        place = Sale.objects.order_by("-placed", "-id")[DEEP - 1]
        page = DEEP // SIZE + 1
        keyset = (
            f"{SELECT} WHERE s.placed <= %s AND (s.placed < %s OR s.id < %s) "
            f"ORDER BY s.placed DESC, s.id DESC LIMIT {SIZE + 1}"
        )
        link = self._drf_link(place)
        return {
            "bare SQL, keyset, and json.dumps": lambda: bare(keyset, [place.placed, place.placed, place.pk]),
            "engine by cursor, no count": lambda: self.engine(sort=BY_PLACED, window=after, count="none"),
            "API by cursor, no count": lambda: self.api(sort=BY_PLACED, window=after, count="none"),
            "API by cursor, capped count": lambda: self.api(sort=BY_PLACED, window=after),
            "API by offset, capped count": lambda: self.api(sort=BY_PLACED, window=offset),
            "DRF by cursor (no count)": lambda: self._peers.cursor_page(link),
            "bare SQL, OFFSET": lambda: bare(
                f"{SELECT} ORDER BY s.placed DESC, s.id DESC LIMIT {SIZE + 1} OFFSET {DEEP}"
            ),
            "DRF by page": lambda: self._peers.pages(page, "-placed"),
            "django-tables2": lambda: self._peers.tables2(page, "-placed"),
            "DRF DataTables": lambda: self._peers.data_tables(DEEP, "placed"),
        }

    def _drf_link(self, place: Sale) -> str:
        """The link that DRF makes to the page after a row; its position is the first key alone."""
        position = urlencode({"p": str(place.placed)})
        return "/?" + urlencode({"cursor": b64encode(position.encode()).decode()})

    def _filtered(self) -> Mapping[str, Variant]:
        window = {"kind": "cursor", "size": SIZE}
        where = "WHERE s.category = 'category 7' AND s.amount >= 200 AND s.amount < 800"
        asked = {"category": "category 7", "amount__gte": 200, "amount__lt": 800}
        rows = Sale.objects.select_related("buyer").filter(**asked)
        return {
            "bare SQL and json.dumps": lambda: bare(
                f"{SELECT} {where} ORDER BY s.placed DESC, s.id DESC LIMIT {SIZE + 1}"
            ),
            "API, no count": lambda: self.api(sort=BY_PLACED, filter=FILTER, window=window, count="none"),
            "API, capped count": lambda: self.api(sort=BY_PLACED, filter=FILTER, window=window),
            "DRF by cursor (no count)": lambda: self._peers.cursor_page(None, **asked),
            "DRF by page": lambda: self._peers.pages(1, "-placed", **asked),
            "django-tables2": lambda: self._peers.tables2(1, "-placed", rows),
            "DRF DataTables (category only)": lambda: self._peers.data_tables(0, "placed", category="category 7"),
        }

    def _boundary(self) -> Mapping[str, Variant]:
        with_value = Sale.objects.filter(discount__isnull=False).count()
        start = with_value - SIZE // 2
        after = {"kind": "cursor", "size": SIZE, "after": self._cursor(BY_DISCOUNT, start)}
        place = by_discount()[start - 1]
        last = (
            f"({SELECT} WHERE s.discount <= %s AND (s.discount < %s OR s.id < %s) "
            f"ORDER BY s.discount DESC, s.id DESC LIMIT {SIZE + 1}) UNION ALL "
            f"({SELECT} WHERE s.discount IS NULL ORDER BY s.discount DESC, s.id DESC LIMIT {SIZE + 1}) LIMIT {SIZE + 1}"
        )
        page = start // SIZE + 1
        return {
            "bare SQL, two segments, and json.dumps": lambda: bare(last, [place.discount, place.discount, place.pk]),
            "engine by cursor, no count": lambda: self.engine(sort=BY_DISCOUNT, window=after, count="none"),
            "API by cursor, no count": lambda: self.api(sort=BY_DISCOUNT, window=after, count="none"),
            "API by cursor, capped count": lambda: self.api(sort=BY_DISCOUNT, window=after),
            "bare SQL, OFFSET": lambda: bare(
                f"{SELECT} ORDER BY s.discount DESC NULLS LAST, s.id DESC LIMIT {SIZE + 1} OFFSET {start}"
            ),
            "DRF by page": lambda: self._peers.pages(page, "-discount"),
            "django-tables2": lambda: self._peers.tables2(page, "-discount"),
            "DRF DataTables": lambda: self._peers.data_tables(start, "discount"),
        }

    def _counts(self) -> Mapping[str, Variant]:
        def count(mode: str) -> Variant:
            window = {"kind": "cursor", "size": 1}
            return lambda: self.engine(columns=["id"], sort=[{"col": "id"}], window=window, count=mode)

        counting = "SELECT count(*) FROM bench_sale"
        return {
            "bare SQL, count(*), as the peers by page": lambda: bare(counting, names=["n"]),
            "engine, exact, with a row": count("exact"),
            "engine, capped, with a row": count("capped"),
            "engine, estimated, with a row": count("estimated"),
        }

    def _groups(self) -> Mapping[str, Variant]:
        sums = "SELECT category, count(*), sum(amount) FROM bench_sale GROUP BY category ORDER BY category LIMIT 101"
        asked: dict[str, Any] = {"group": ["category"], "aggregates": [{"fn": "sum", "col": "amount"}]}
        return {
            "bare SQL and json.dumps": lambda: bare(sums, names=["category", "count", "sum"]),
            "API": lambda: self.api(**asked, count="none"),
        }

    def _facet(self) -> Mapping[str, Variant]:
        sql = (
            "SELECT category, count(*) FROM bench_sale WHERE amount >= 200 AND amount < 210 "
            "GROUP BY category ORDER BY count(*) DESC, category LIMIT 51"
        )
        body = {
            "filter": {
                "and": [
                    {"col": "category", "op": "eq", "value": "category 7", "ci": False},
                    {"col": "amount", "op": "gte", "value": 200},
                    {"col": "amount", "op": "lt", "value": 210},
                ]
            }
        }
        return {
            "bare SQL and json.dumps": lambda: bare(sql, names=["category", "count"]),
            "API": lambda: self._answer(self._facets, "post", body, grid="bench-sales", column="category"),
        }

    def _edits(self) -> Mapping[str, Variant]:
        by_hand, by_drf, by_locked, by_api = (
            sale.pk for sale in Sale.objects.order_by("pk")[ROWS // 2 : ROWS // 2 + 4]
        )
        turn = iter(range(10_000_000))
        held = {"version": get_record(open_grid("bench-sales", self._user), by_api).version}

        def ours() -> None:
            names = {"grid": "bench-sales", "record": str(by_api), "headers": {"If-Match": f'"{held["version"]}"'}}
            answer = self._answer(self._record, "patch", {"changes": {"code": f"E{next(turn)}"}}, **names)
            held["version"] = json.loads(answer)["row"]["v"]

        def update() -> None:
            with connection.cursor() as cursor:
                cursor.execute("UPDATE bench_sale SET code = %s WHERE id = %s", [f"B{next(turn)}", by_hand])

        return {
            "bare SQL, UPDATE": update,
            "DRF, PATCH: no lock, no full_clean": lambda: self._peers.edit(by_drf, f"D{next(turn)}"),
            "DRF, PATCH: lock, full_clean": lambda: self._peers.edit(by_locked, f"L{next(turn)}", locked=True),
            "API, PATCH: these, version, events, undo": ours,
        }

    def _bulk(self) -> Mapping[str, Variant]:
        first = ROWS // 4
        turn = iter(range(10_000_000))
        rows = Sale.objects.filter(pk__gt=first, pk__lte=first + BULK)

        def update() -> None:
            with connection.cursor() as cursor:
                sql = "UPDATE bench_sale SET code = %s WHERE id > %s AND id <= %s"
                cursor.execute(sql, [f"B{next(turn)}", first, first + BULK])

        def save_each() -> None:
            code = f"S{next(turn)}"
            with transaction.atomic():
                for sale in rows.select_for_update():
                    sale.code = code
                    sale.full_clean()
                    sale.save(update_fields=["code"])

        def ours() -> None:
            conditions = [{"col": "id", "op": "gt", "value": first}, {"col": "id", "op": "lte", "value": first + BULK}]
            selection = Selection.from_dict({"query": {"filter": {"and": conditions}}})
            with acting(Actor.from_user(self._user), EventSource.API):
                access = open_grid("bench-sales", self._user)
                carry_out_bulk(access, BulkChange("update", selection, BULK, {"code": f"E{next(turn)}"}))

        return {
            "bare SQL, one UPDATE": update,
            "Django, lock, judge and save each row": save_each,
            "engine (versions, events, undo)": ours,
        }


def bare(sql: str, parameters: list[Any] | None = None, names: Any = NAMES) -> str:
    """Run SQL that was written by hand and write the rows as plain JSON."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return json.dumps([dict(zip(names, row, strict=True)) for row in cursor.fetchall()], default=str)


def _memory_text(small: dict[str, int], large: dict[str, int]) -> str:
    lines = [f"  {name}: {small[name] / 1e3:,.0f} kB and {large[name] / 1e3:,.0f} kB" for name in small]
    return "\n".join([f"Peak of the heap for one request, {ROWS // 100:,} rows and {ROWS:,} rows", *lines])

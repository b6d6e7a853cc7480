"""Eight products with ties, blanks, odd letters and times around midnight, and an oracle of queries over them.

The oracle knows nothing of the engine: it evaluates a query's JSON over plain Python values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cmp_to_key
from typing import Any
from zoneinfo import ZoneInfo

from tests.grids.shop import make_products

ZONE = ZoneInfo("America/New_York")
"""The zone of the product grid."""

Row = dict[str, Any]


def _utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


_NAMES = ("sku", "name", "category", "price", "stock", "active", "description", "rating", "released", "restocked")
_VALUES: list[tuple[Any, ...]] = [
    ("A1", "Atlas", "book", "10.00", 5, True, "old maps", 4.5, date(2024, 3, 9), _utc(2024, 3, 10, 4, 59)),
    ("A2", "Ärmel", "toy", "20.50", 0, False, None, None, date(2024, 3, 10), _utc(2024, 3, 10, 5)),
    ("B1", "Ball", "toy", "5.25", 12, True, "", 3.0, date(2024, 3, 11), _utc(2024, 3, 11, 3, 59, 59)),
    ("B2", "Bolt", "tool", "0.10", 100, True, "small bolt", 3.0, None, None),
    ("C1", "Clamp", "tool", "15.00", 7, False, "holds", -1.5, date(2023, 12, 31), _utc(2024, 3, 11, 4)),
    ("C2", "ball pen", "book", "1.00", 0, True, None, None, date(2024, 2, 29), None),
    ("D1", "100%_sure", "toy", "99.99", 5, True, "50% off", 0.5, date(2022, 1, 1), _utc(2022, 1, 1, 12)),
    ("D2", "Dice", "toy", "2.00", 3, False, "roll", 4.5, date(2024, 3, 10), _utc(2024, 7, 1, 3, 30)),
]
SHELF: list[Row] = [{**dict(zip(_NAMES, values, strict=True)), "price": Decimal(values[3])} for values in _VALUES]


def fill_shelf() -> None:
    """Store the products."""
    make_products(SHELF)


def chosen(query: dict[str, Any], rows: Sequence[Row] = ()) -> list[Row]:
    """Return the rows that a canonical query finds, in its order, cut to its window."""
    found = [row for row in rows or SHELF if query.get("filter") is None or matches(query["filter"], row)]
    words = query.get("search", "").split()
    found = [row for row in found if all(_searched(word, row) for word in words)]
    found = [
        row
        for row in found
        if all(_key(term, row) == key for term, key in zip(query.get("group", []), query.get("path", []), strict=False))
    ]
    ordered = sorted(found, key=cmp_to_key(lambda a, b: _order(query.get("sort", []), a, b)))
    window = query.get("window", {})
    start = window.get("start", 0)
    return ordered[start : window.get("end", start + (window.get("size") or 100))]


def sums(query: dict[str, Any], column: str) -> dict[Any, tuple[int, Any]]:
    """Return number of rows and sum of a column for each key of the level that a canonical query asks for."""
    term = query["group"][len(query.get("path", []))]
    groups: dict[Any, list[Row]] = {}
    for row in chosen({**query, "sort": [], "window": {}}):
        groups.setdefault(_key(term, row), []).append(row)
    return {key: (len(rows), sum(row[column] for row in rows)) for key, rows in groups.items()}


def matches(node: dict[str, Any], row: Row) -> bool:
    """Whether a filter tree matches a row."""
    if "and" in node:
        return all(matches(member, row) for member in node["and"])
    if "or" in node:
        return any(matches(member, row) for member in node["or"])
    if "not" in node:
        return not matches(node["not"], row)
    negative = {"ne": "eq", "nin": "in", "ncontains": "contains", "nblank": "blank"}
    if node["op"] in negative:
        return not matches({**node, "op": negative[node["op"]]}, row)
    return _compare(node, row[node["col"]])


def _compare(node: dict[str, Any], value: Any) -> bool:
    op = node["op"]
    if op == "blank":
        return value is None or value == ""
    if op == "in":
        return any((value in (None, "")) if item is None else _equal(value, item, node) for item in node["value"])
    if value is None:
        return False
    if op in ("isTrue", "isFalse"):
        return bool(value is (op == "isTrue"))
    if op == "between":
        return _ordered("gte", value, node["value"]) and _ordered("lte", value, node["to"])
    if op in ("contains", "starts", "ends"):
        return _text(op, value, node)
    return _equal(value, node["value"], node) if op == "eq" else _ordered(op, value, node["value"])


def _text(op: str, value: str, node: dict[str, Any]) -> bool:
    wanted = node["value"]
    if node.get("ci", True):
        value, wanted = value.upper(), wanted.upper()
    return {"contains": wanted in value, "starts": value.startswith(wanted), "ends": value.endswith(wanted)}[op]


def _equal(value: Any, wanted: Any, node: dict[str, Any]) -> bool:
    if value is None:
        return False
    if isinstance(value, str):
        return bool(value.upper() == wanted.upper() if node.get("ci", True) else value == wanted)
    return _ordered("gte", value, wanted) and _ordered("lte", value, wanted)


def _ordered(op: str, value: Any, wanted: Any) -> bool:
    """Compare in the zone of the grid: a day means all of its moments."""
    if isinstance(value, datetime):
        if len(wanted) == 10:
            value, wanted = value.astimezone(ZONE).date(), date.fromisoformat(wanted)
        else:
            point = datetime.fromisoformat(wanted)
            wanted = point if point.tzinfo else point.replace(tzinfo=ZONE)
    elif isinstance(value, date):
        wanted = date.fromisoformat(wanted)
    elif not isinstance(value, (str, bool)):
        value, wanted = Decimal(str(value)), Decimal(str(wanted))
    return {"lt": value < wanted, "lte": value <= wanted, "gt": value > wanted, "gte": value >= wanted}[op]


def _searched(word: str, row: Row) -> bool:
    """Whether a word is in one of the search columns of the product grid that the shelf fills."""
    labels = {"book": "Book", "toy": "Toy", "tool": "Tool"}
    texts = [row["name"], row["description"] or "", labels[row["category"]]]
    exact = [str(row["stock"]), str(row["price"]), str(row["released"])]
    return any(word.casefold() in text.casefold() for text in texts) or word in exact


def _key(term: Any, row: Row) -> Any:
    column = term if isinstance(term, str) else term["col"]
    value = row[column]
    if value is None or isinstance(term, str):
        return value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else value
    day = value.astimezone(ZONE).date() if isinstance(value, datetime) else value
    first = {"day": day, "month": day.replace(day=1), "year": day.replace(month=1, day=1)}[term["by"]]
    return first.isoformat()


def _order(sort: Iterable[dict[str, Any]], a: Row, b: Row) -> int:
    for term in sort:
        left, right = a[term["col"]], b[term["col"]]
        if left is None or right is None:
            if (left is None) is not (right is None):
                first = term.get("nulls") == "first"
                return -1 if (left is None) is first else 1
            continue
        if left != right:
            less = left < right
            return -1 if less is (term.get("dir", "asc") == "asc") else 1
    return 0

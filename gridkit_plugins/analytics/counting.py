"""The site's own counts: what an event adds, and how a day of a grid is kept. Plain data, no values of rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import timezone

from gridkit_django.events import GridEvent
from gridkit_plugins.analytics.config import AnalyticsConfig
from gridkit_plugins.analytics.distinct import joined, sketch_of
from gridkit_plugins.analytics.identity import pseudonym
from gridkit_plugins.analytics.properties import properties_of

COLUMNS_MAX = 300
"""Columns of one grid that are counted apart, for one event and day."""

SLOW_MAX = 20
"""Slowest questions of one grid and day that are kept."""

SLOW_MS = 1000
"""From so many milliseconds on a question is slow."""

BOUNDS = (100, 250, 500, 1000, 2500, 5000, 10_000)
"""The upper ends of the classes of duration in milliseconds; the last class has none."""

_QUESTIONS = frozenset({"filter:apply", "sort:change"})
"""After which a person waits for rows; an export takes its time behind his back."""

Day = dict[str, Any]


def count_of(event: GridEvent, config: AnalyticsConfig, *, known: bool) -> Day:
    """Return what an event adds to the counts, as a message of the outbox.

    Args:
        event: what happened.
        config: of its grid.
        known: whether it may be counted who acted.
    """
    told = properties_of(event, config)
    columns = told.get("columns") or ([told["column"]] if told.get("column") else [])
    return {
        "day": timezone.localtime(event.timestamp).date().isoformat(),
        "grid": event.grid,
        "type": event.type,
        "columns": sorted(set(columns)),
        "user": pseudonym(config, "counts", event.actor.id) if known and event.actor.id else "",
        "ms": told.get("durationMs") if event.type in _QUESTIONS else None,
    }


def days_of(counts: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Day]:
    """Add up counts: day and grid to what happened then and there."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for count in counts:
        found[count["day"], count["grid"]].append(count)
    return {key: _day(items) for key, items in found.items()}


def joined_days(one: Day, other: Day) -> Day:
    """Return two parts of the same day as one."""
    events = {
        name: _joined(one.get("events", {}).get(name, {}), other.get("events", {}).get(name, {}))
        for name in {**one.get("events", {}), **other.get("events", {})}
    }
    slow = sorted([*one.get("slow", ()), *other.get("slow", ())], key=lambda item: -item["ms"])[:SLOW_MAX]
    waits = [a + b for a, b in zip(one.get("waits") or _NO_WAITS, other.get("waits") or _NO_WAITS, strict=True)]
    return {"events": events, "slow": slow, "waits": waits}


_NO_WAITS = [0] * (len(BOUNDS) + 1)


def _day(counts: list[Mapping[str, Any]]) -> Day:
    by_type: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    waits = list(_NO_WAITS)
    slow = []
    for count in counts:
        by_type[count["type"]].append(count)
        if (ms := count["ms"]) is not None:
            waits[sum(ms > bound for bound in BOUNDS)] += 1
            if ms >= SLOW_MS:
                slow.append({"ms": ms, "type": count["type"], "columns": count["columns"]})
    return joined_days(
        {"events": {kind: _tallied(items) for kind, items in by_type.items()}, "waits": waits}, {"slow": slow}
    )


def _tallied(counts: list[Mapping[str, Any]]) -> dict[str, Any]:
    users: dict[str, list[str]] = defaultdict(list)
    numbers: dict[str, int] = defaultdict(int)
    for count in counts:
        for column in count["columns"]:
            numbers[column] += 1
            users[column].append(count["user"])
    columns = {column: {"n": numbers[column], "users": sketch_of(users[column])} for column in numbers}
    return {"n": len(counts), "users": sketch_of(count["user"] for count in counts), "columns": columns}


def _joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for part in (one, other):
        for name, entry in part.get("columns", {}).items():
            if name in columns or len(columns) < COLUMNS_MAX:
                columns[name] = _joined_entry(columns.get(name, {}), entry)
    return {**_joined_entry(one, other), "columns": columns}


def _joined_entry(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {"n": one.get("n", 0) + other.get("n", 0), "users": joined(one.get("users", ""), other.get("users", ""))}

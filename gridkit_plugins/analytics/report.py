"""The report on the use of grids: what people do, in which columns, how many they are, and where they wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from gridkit_django.plugins import ReportCall
from gridkit_plugins.analytics.counting import BOUNDS, SLOW_MAX, SLOW_MS, Day, joined_days
from gridkit_plugins.analytics.distinct import estimate, joined
from gridkit_plugins.analytics.naming import NAMES
from gridkit_plugins.analytics.store import CountStore

_RANKINGS = (
    ("sort:change", "Columns that are sorted by"),
    ("filter:apply", "Columns that are filtered by"),
    ("export:request", "Columns that are exported"),
    ("cell:edit", "Columns that are edited"),
)
_LINES_MAX = 25

Part = dict[str, Any]


class UsageReport:
    """Makes the report.

    Args:
        store: holds the counts.
    """

    def __init__(self, store: CountStore) -> None:
        self._store = store

    def parts(self, call: ReportCall) -> list[Part]:
        """Return the parts of the report, on the grids and columns that the person may see."""
        found = self._store.days(call.since, call.until)
        days = [(day, grid, value) for day, grid, value in found if grid in call.grids]
        if not days:
            return [{"kind": "text", "text": "Nothing was counted in this time."}]
        by_grid: dict[str, Day] = {}
        for _, grid, value in days:
            by_grid[grid] = joined_days(by_grid.get(grid, {}), value)
        per_day = Counter[str]()
        for day, _, value in days:
            per_day[day.isoformat()] += sum(event["n"] for event in value.get("events", {}).values())
        return [
            _series(call, per_day),
            _actions(by_grid.values()),
            *(_ranking(call, by_grid, kind, title) for kind, title in _RANKINGS),
            _waits(by_grid.values()),
            _slow(call, by_grid),
            {"kind": "text", "text": _ON_USERS},
        ]


_ON_USERS = (
    "Users are counted without their names: exactly up to 32, above that to within about 5 % (the standard error is "
    "4.6 %). People whose browser asks not to be followed are counted among the events, not among the users."
)


def _series(call: ReportCall, per_day: Mapping[str, int]) -> Part:
    count = (call.until - call.since).days + 1
    dates = [(call.since + timedelta(days=number)).isoformat() for number in range(count)]
    points = [{"label": day, "value": per_day.get(day, 0)} for day in dates]
    return {"kind": "series", "title": "Events a day", "value_label": "Events", "points": points}


def _actions(days: Iterable[Day]) -> Part:
    numbers, users = Counter[str](), dict[str, str]()
    for day in days:
        for name, event in day["events"].items():
            numbers[name] += event["n"]
            users[name] = joined(users.get(name, ""), event["users"])
    points = [
        {"label": NAMES.get(name, name), "value": number, "note": str(estimate(users[name]))}
        for name, number in numbers.most_common(_LINES_MAX)
    ]
    return _ranked("What people do", points)


def _ranking(call: ReportCall, by_grid: Mapping[str, Day], kind: str, title: str) -> Part:
    found = []
    for grid, day in by_grid.items():
        for column, entry in day["events"].get(kind, {}).get("columns", {}).items():
            if column in call.columns[grid]:
                label = call.columns[grid][column] + (f" ({call.labels[grid]})" if len(by_grid) > 1 else "")
                found.append((entry["n"], label, estimate(entry["users"])))
    points = [
        {"label": label, "value": number, "note": str(users)}
        for number, label, users in sorted(found, key=lambda item: (-item[0], item[1]))[:_LINES_MAX]
    ]
    return _ranked(title, points)


def _waits(days: Iterable[Day]) -> Part:
    sums = [sum(numbers) for numbers in zip(*(day["waits"] for day in days), strict=True)]
    labels = [*(f"up to {_seconds(bound)}" for bound in BOUNDS), f"over {_seconds(BOUNDS[-1])}"]
    points = [{"label": label, "value": number} for label, number in zip(labels, sums, strict=True)]
    title = "How long people wait after a sort or a filter"
    return {"kind": "ranking", "title": title, "value_label": "Questions", "points": points}


def _slow(call: ReportCall, by_grid: Mapping[str, Day]) -> Part:
    found = sorted(
        ((item["ms"], grid, item) for grid, day in by_grid.items() for item in day["slow"]), key=lambda entry: -entry[0]
    )
    rows = [
        [
            call.labels[grid],
            NAMES.get(item["type"], item["type"]),
            ", ".join(call.columns[grid][column] for column in item["columns"] if column in call.columns[grid]) or None,
            _seconds(ms),
        ]
        for ms, grid, item in found[:SLOW_MAX]
    ]
    title = f"The slowest questions (from {_seconds(SLOW_MS)} on)"
    return {"kind": "table", "title": title, "columns": ["Grid", "Event", "Columns", "Waited"], "rows": rows}


def _ranked(title: str, points: list[Part]) -> Part:
    return {"kind": "ranking", "title": title, "value_label": "Times", "note_label": "Users", "points": points}


def _seconds(ms: int) -> str:
    return f"{ms / 1000:g} s"

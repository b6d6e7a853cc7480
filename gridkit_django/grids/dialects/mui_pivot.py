"""The pivot of the MUI X Data Grid: what is asked for, and the tree of columns that it makes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gridkit_django.exceptions import DialectError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.dialects.questions import Question
from gridkit_django.grids.dialects.reading import BLANKS
from gridkit_django.grids.dialects.strictness import direction, flag, known_object, plain_list, text, word
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.rows import RowsPage
from gridkit_django.typing import JSONValue, MutableJSONObject

AT = "/pivotModel"
FUNCTIONS: Mapping[str, Fn] = {"sum": Fn.SUM, "avg": Fn.AVG, "min": Fn.MIN, "max": Fn.MAX, "size": Fn.COUNT}
"""The names of MUI's functions; ``size`` counts rows."""


@dataclass(frozen=True, slots=True)
class PivotModel:
    """A pivot model that was understood.

    Attributes:
        rows: the columns whose values go down.
        columns: the columns whose values go across.
        descending: for each of them, whether its largest value comes first.
        values: column and function of each figure.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    descending: tuple[bool, ...]
    values: tuple[tuple[str, Fn], ...]

    @property
    def goes_across(self) -> bool:
        """Whether figures stand beside each other; without columns or without figures there is nothing to pivot."""
        return bool(self.columns and self.values)

    def put_into(self, question: Question, access: GridAccess) -> None:
        """Say what goes across in a question, or else the figures alone.

        Raises:
            UnknownColumnError: for a column that plays no part in the question and that the user does not see.
        """
        for index, name in enumerate(self.columns):
            at = f"{AT}/columns/{index}/field"
            if self.values:
                question.add("pivot/cols", name, at)
            else:
                access.column(name, at)
        for index, (name, fn) in enumerate(self.values):
            at = f"{AT}/values/{index}"
            item: MutableJSONObject = {"fn": fn.value, "as": name}
            if fn is Fn.COUNT:
                access.column(name, f"{at}/field")  # the size of a group counts rows, with a value or without
            else:
                item["col"] = name
            question.add("pivot/values" if self.columns else "aggregates", item, at, col=f"{at}/field")

    def names(self, page: RowsPage) -> dict[str, str]:
        """Return the engine's name of each made column with the one that MUI's callback makes of its path."""
        found: dict[str, str] = {}
        for field in page.pivot_fields or ():
            made: Any = field
            found[made["field"]] = _json([*map(_json, made["keys"]), made["value"]])
        return found

    def tree(self, page: RowsPage) -> list[JSONValue]:
        """Return ``pivotColumns``: a node for each value that goes across, with those of the next column inside."""
        tree: list[Any] = []
        for field in page.pivot_fields or ():
            made: Any = field
            level = tree
            for key, label in zip(made["keys"], made["labels"], strict=True):
                name = _json(key)
                if not level or level[-1]["key"] != name:
                    level.append({"key": name, "group": BLANKS if label is None else label, "children": []})
                level = level[-1]["children"]
        return self._in_order(tree, 0) if tree else []

    def _in_order(self, nodes: list[Any], level: int) -> list[JSONValue]:
        """Order the nodes of a level; those of the rows without a value stay last."""
        blank = [node for node in nodes if node["key"] == "null"]
        present = [node for node in nodes if node["key"] != "null"]
        inner = level + 1 < len(self.columns)
        return [
            {**node, "children": self._in_order(node["children"], level + 1)} if inner else _leaf(node)
            for node in [*(present[::-1] if self.descending[level] else present), *blank]
        ]


def read_pivot_model(raw: Any) -> PivotModel:
    """Read a ``pivotModel``.

    Raises:
        DialectError: for what is not understood.
    """
    model = known_object(raw, AT, ("rows", "columns", "values"))
    rows = [item for item, _ in _items(model, "rows", ())]
    columns = _items(model, "columns", ("sort",))
    values = [
        (name, FUNCTIONS[word(item.get("aggFunc"), f"{AT}/values/{index}/aggFunc", FUNCTIONS, "function")])
        for index, (name, item) in enumerate(_items(model, "values", ("aggFunc",)))
    ]
    descending = [
        item.get("sort") is not None and direction(item["sort"], f"{AT}/columns/{index}/sort") == "desc"
        for index, (_, item) in enumerate(columns)
    ]
    return PivotModel(tuple(rows), tuple(name for name, _ in columns), tuple(descending), tuple(values))


def _items(model: Mapping[str, Any], part: str, more: Sequence[str]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the items of a part, each with its column."""
    items: list[tuple[str, Mapping[str, Any]]] = []
    for index, raw in enumerate(plain_list(model.get(part), f"{AT}/{part}")):
        at = f"{AT}/{part}/{index}"
        item = known_object(raw, at, ("field", "hidden", *more))
        if flag(item.get("hidden"), f"{at}/hidden"):
            raise DialectError.at(f"{at}/hidden", "Leave out what is hidden, as MUI does.")
        items.append((text(item.get("field"), f"{at}/field"), item))
    return items


def _leaf(node: Mapping[str, JSONValue]) -> dict[str, JSONValue]:
    return {"key": node["key"], "group": node["group"]}


def _json(value: Any) -> str:
    """Write JSON as ``JSON.stringify`` does."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

"""The filter models of AG Grid: one model for each column, or one tree of the Advanced Filter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from gridkit_django.exceptions import DialectError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.dialects.questions import Leaf, Node, joined
from gridkit_django.grids.dialects.strictness import join_word, known_object, plain_list, word
from gridkit_django.grids.dialects.values import any_of, day_of_midnight
from gridkit_django.grids.operators import WITHOUT_VALUE, Op
from gridkit_django.grids.periods import PRESETS
from gridkit_django.grids.pointers import pointer

_COMPARED = {
    "equals": Op.EQ,
    "notEqual": Op.NE,
    "lessThan": Op.LT,
    "lessThanOrEqual": Op.LTE,
    "greaterThan": Op.GT,
    "greaterThanOrEqual": Op.GTE,
    "inRange": Op.BETWEEN,
}
_FOUND = {
    "equals": Op.EQ,
    "notEqual": Op.NE,
    "contains": Op.CONTAINS,
    "notContains": Op.NCONTAINS,
    "startsWith": Op.STARTS,
    "endsWith": Op.ENDS,
}
_EMPTY = {"blank": Op.BLANK, "notBlank": Op.NBLANK}
_TRUTH = {"true": Op.IS_TRUE, "false": Op.IS_FALSE}
_SETS = {"isAnyOf": Op.IN, "isNoneOf": Op.NIN}
_SPANS = dict.fromkeys(PRESETS, Op.RELATIVE)

# A boolean column gets a text filter with the options true and false from AG Grid's own cell data type.
_TEXT = _FOUND | _EMPTY | _TRUTH
_NUMBER = _COMPARED | _EMPTY
_DATE = _COMPARED | _EMPTY | _SPANS

TYPES: Mapping[str, Mapping[str, Op]] = MappingProxyType(
    {
        "text": _TEXT,
        "object": _TEXT,
        "number": _NUMBER,
        "bigint": _NUMBER,
        "date": _DATE,
        "dateString": _DATE,
        "dateTime": _DATE,
        "dateTimeString": _DATE,
        "boolean": _TRUTH | _EMPTY,
    }
)
"""Kind of filter to its options, beside ``set``, ``multi`` and ``join``."""

_DATES = frozenset({"date", "dateString", "dateTime", "dateTimeString"})
_SIMPLE = frozenset({"filterType", "type", "filter", "filterTo", "dateFrom", "dateTo"})


class FilterReader:
    """Reads the filter model of one request.

    Args:
        access: the grid and the user; only the types of visible columns are looked at.
    """

    def __init__(self, access: GridAccess) -> None:
        self._access = access

    def read(self, raw: Any, at: str) -> Node | None:
        """Read a filter model, or an advanced one; null and ``{}`` filter nothing.

        Raises:
            DialectError: for what is not understood.
        """
        if raw is None:
            return None
        if not isinstance(raw, Mapping):
            raise DialectError.at(at, "Expected a filter model: an object.")
        if isinstance(raw.get("filterType"), str):
            return self._advanced(raw, at)
        return joined("and", [self._model(name, model, at + pointer(name)) for name, model in raw.items()], at)

    def _advanced(self, raw: Any, at: str) -> Node | None:
        if not isinstance(raw, Mapping):
            raise DialectError.at(at, "Expected a node of an advanced filter: an object.")
        if raw.get("filterType") != "join":
            if not isinstance(raw.get("colId"), str):
                raise DialectError.at(at, "Expected the text 'colId': the column of the condition.")
            model = {key: value for key, value in raw.items() if key != "colId"}
            return self._model(raw["colId"], model, at, named_at=f"{at}/colId", advanced=True)
        raw = known_object(raw, at, ("filterType", "type", "conditions"))
        kind = join_word(raw.get("type"), f"{at}/type")
        conditions = plain_list(raw.get("conditions"), f"{at}/conditions")
        return joined(kind, [self._advanced(item, f"{at}/conditions/{i}") for i, item in enumerate(conditions)], at)

    def _model(self, col: str, raw: Any, at: str, *, named_at: str = "", advanced: bool = False) -> Node | None:
        if not isinstance(raw, Mapping):
            raise DialectError.at(at, "Expected a filter model: an object.")
        match _kind(raw, at):
            case "set":
                return self._set(col, raw, at, named_at, advanced=advanced)
            case "multi" if not advanced:
                return self._multi(col, raw, at)
            case _ if "operator" in raw and not advanced:
                return self._combined(col, raw, at)
            case _:
                return self._simple(col, raw, at, named_at)

    def _multi(self, col: str, raw: Mapping[str, Any], at: str) -> Node | None:
        """All filters of a column at once; one that is not in use leaves its place empty (null)."""
        raw = known_object(raw, at, ("filterType", "filterModels"))
        models = plain_list(raw.get("filterModels"), f"{at}/filterModels")
        places = ((model, f"{at}/filterModels/{index}") for index, model in enumerate(models))
        return joined("and", [self._model(col, model, place) for model, place in places if model is not None], at)

    def _set(self, col: str, raw: Mapping[str, Any], at: str, named_at: str, *, advanced: bool) -> Node:
        """One of some values; null is the rows without one, and an empty list matches nothing."""
        raw = known_object(raw, at, ("filterType", "values", *(("type",) if advanced else ())))
        op = _SETS[word(raw.get("type"), f"{at}/type", _SETS, "option")] if advanced else Op.IN
        values_at = f"{at}/values"
        if not isinstance(raw.get("values"), list):
            raise DialectError.at(values_at, "Expected the list of values of a set filter.")
        leaf = Leaf(col, op, raw["values"], at=at, col_at=named_at, value_at=values_at)
        return any_of(leaf, self._access.by_id.get(col))

    def _combined(self, col: str, raw: Mapping[str, Any], at: str) -> Node | None:
        """Conditions on one column: ``conditions``, and before AG Grid 29 ``condition1`` and ``condition2``."""
        raw = known_object(raw, at, ("filterType", "operator", "conditions", "condition1", "condition2"))
        kind = join_word(raw["operator"], f"{at}/operator")
        legacy = [(f"{at}/{key}", raw[key]) for key in ("condition1", "condition2") if raw.get(key) is not None]
        listed = plain_list(raw.get("conditions"), f"{at}/conditions")
        if listed and legacy and list(listed) != [condition for _place, condition in legacy]:
            raise DialectError.at(
                f"{at}/conditions", "'conditions' and 'condition1', 'condition2' say different things."
            )
        places = [(f"{at}/conditions/{index}", condition) for index, condition in enumerate(listed)] or legacy
        if not places:
            raise DialectError.at(at, "Expected at least one of 'conditions'.")
        outer = raw.get("filterType")
        return joined(kind, [self._part(col, condition, place, outer) for place, condition in places], at)

    def _part(self, col: str, raw: Any, at: str, outer: Any) -> Node | None:
        """One condition of several; what kind of filter it is may be said outside only."""
        if not isinstance(raw, Mapping):
            raise DialectError.at(at, "Expected a condition: an object.")
        return self._simple(col, {"filterType": outer, **raw} if outer is not None else raw, at, "")

    def _simple(self, col: str, raw: Mapping[str, Any], at: str, named_at: str) -> Node | None:
        raw = known_object(raw, at, _SIMPLE)
        kind = word(_kind(raw, at), f"{at}/filterType", TYPES, "kind of filter with options")
        if raw.get("type") == "empty":
            return None
        option = word(raw.get("type"), f"{at}/type", TYPES[kind], f"option of a {kind} filter")
        op = TYPES[kind][option]
        value_key, to_key = ("dateFrom", "dateTo") if "dateFrom" in raw or "dateTo" in raw else ("filter", "filterTo")
        taken = {value_key} if op not in WITHOUT_VALUE and op is not Op.RELATIVE else set()
        taken |= {to_key} if op is Op.BETWEEN else set()
        _refuse_unused(raw, taken, at, option)
        return Leaf(
            col,
            op,
            option if op is Op.RELATIVE else _value(kind, raw.get(value_key)),
            _value(kind, raw.get(to_key)) if op is Op.BETWEEN else None,
            at=at,
            col_at=named_at,
            op_at=f"{at}/type",
            value_at=f"{at}/type" if op is Op.RELATIVE else f"{at}/{value_key}",
            to_at=f"{at}/{to_key}",
        )


def _value(kind: str, raw: Any) -> Any:
    """Return a value; a date filter without times writes a day as its midnight, and means the whole day."""
    return day_of_midnight(raw) if kind in _DATES else raw


def _kind(raw: Mapping[str, Any], at: str) -> str:
    """Return the kind of a filter model; the kind that the model itself need not say is seen by its keys."""
    kind = raw.get("filterType")
    if kind is None:
        kind = "set" if "values" in raw else "multi" if "filterModels" in raw else None
    if kind is None:
        kind = "date" if "dateFrom" in raw else "text" if isinstance(raw.get("filter"), str) else "number"
    return word(kind, f"{at}/filterType", (*TYPES, "set", "multi"), "kind of filter")


def _refuse_unused(raw: Mapping[str, Any], taken: Iterable[str], at: str, option: str) -> None:
    """Refuse a value that the option would ignore; date filters send the end of no range as null."""
    for key in sorted(_SIMPLE - {"filterType", "type"} - set(taken)):
        if raw.get(key) is not None:
            raise DialectError.at(f"{at}/{key}", f"The option {option} takes no {key!r}.")
    for key in taken:
        if raw.get(key) is None:
            raise DialectError.at(f"{at}/{key}", f"The option {option} needs {key!r}.")

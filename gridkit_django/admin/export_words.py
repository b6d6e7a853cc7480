"""What an export was asked for, in words: its columns, rows, order and options, by the labels that people know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from gridkit_django.exceptions import GridNotFoundError, UnknownFormatError
from gridkit_django.exports import exporters
from gridkit_django.grids import GridAccess, open_grid
from gridkit_django.models import ExportJob
from gridkit_django.typing import User

_OPS: Mapping[str, Any] = MappingProxyType(
    {
        "eq": gettext_lazy("is"),
        "ne": gettext_lazy("is not"),
        "lt": gettext_lazy("is less than"),
        "lte": gettext_lazy("is at most"),
        "gt": gettext_lazy("is more than"),
        "gte": gettext_lazy("is at least"),
        "between": gettext_lazy("is between"),
        "in": gettext_lazy("is one of"),
        "nin": gettext_lazy("is none of"),
        "contains": gettext_lazy("contains"),
        "ncontains": gettext_lazy("does not contain"),
        "starts": gettext_lazy("starts with"),
        "ends": gettext_lazy("ends with"),
        "blank": gettext_lazy("is empty"),
        "nblank": gettext_lazy("is not empty"),
        "isTrue": gettext_lazy("is yes"),
        "isFalse": gettext_lazy("is no"),
        "relative": gettext_lazy("is in"),
    }
)


def question_words(job: ExportJob, reader: User) -> SafeString:
    """Return what a job asks as a list of facts; what has no words of ours stands as it was sent.

    Args:
        job: the job, as far as the reader may see its question.
        reader: who reads it: the columns have the labels that they see.
    """
    try:
        names = _labels(open_grid(job.grid, reader))
    except GridNotFoundError:
        names = {}
    query = job.query
    if not query:
        return format_html('<span class="gridkit-quiet">{}</span>', _("Not shown: this grid does not have it for you."))
    facts = [
        (_("Columns"), _names(query.get("columns"), names)),
        (_("Filter"), _condition(query.get("filter"), names)),
        (_("Search"), query.get("search")),
        (_("Groups"), _names(query.get("group"), names)),
        (_("Order"), ", ".join(_term(term, names) for term in query.get("sort") or ())),
        (_("Rows"), _picked(job.selection, names)),
        (_("Time zone"), query.get("tz")),
    ]
    told = [(label, text) for label, text in facts if text]
    raw = json.dumps(query, ensure_ascii=False, indent=2)
    return format_html("{}<details><summary>{}</summary><pre>{}</pre></details>", _list(told), _("Query as JSON"), raw)


def option_words(job: ExportJob) -> SafeString:
    """Return the options of the format that were given, by the titles of its schema."""
    try:
        schema: Mapping[str, Any] = exporters().get(job.format).options_schema
    except UnknownFormatError:
        schema = {}
    told = [
        (str(schema.get(name, {}).get("title", name)), _choice(schema.get(name, {}), value))
        for name, value in job.options.items()
    ]
    return _list(told) if told else SafeString("-")


def _list(facts: list[tuple[str, Any]]) -> SafeString:
    return format_html('<dl class="gridkit-facts">{}</dl>', format_html_join("", "<dt>{}</dt><dd>{}</dd>", facts))


def _labels(access: GridAccess) -> dict[str, str]:
    return {column.id: str(column.label) for column in access.columns}


def _names(given: Any, names: Mapping[str, str]) -> str:
    """Return columns by label; a group may be an object that names its column."""
    columns = [item.get("col", item) if isinstance(item, Mapping) else item for item in given or ()]
    return ", ".join(names.get(str(column), str(column)) for column in columns)


def _term(term: Mapping[str, Any], names: Mapping[str, str]) -> str:
    column = names.get(str(term.get("col")), str(term.get("col")))
    return _("%(column)s, descending") % {"column": column} if term.get("dir") == "desc" else column


def _condition(node: Any, names: Mapping[str, str]) -> str:
    """Return a tree of conditions as one line, with brackets where it needs them."""
    if not isinstance(node, Mapping):
        return ""
    for key, word in (("and", _(" and ")), ("or", _(" or "))):
        if key in node:
            return word.join(_inner(part, names) for part in node[key])
    if "not" in node:
        return _("not (%(condition)s)") % {"condition": _condition(node["not"], names)}
    column = names.get(str(node.get("col")), str(node.get("col")))
    op = str(_OPS.get(str(node.get("op")), node.get("op")))
    return " ".join(filter(None, (column, op, _value(node.get("value")))))


def _inner(node: Any, names: Mapping[str, str]) -> str:
    text = _condition(node, names)
    return f"({text})" if isinstance(node, Mapping) and ("and" in node or "or" in node) else text


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    if isinstance(value, Mapping):
        return " ".join(_value(part) for part in value.values())
    return f"“{value}”" if isinstance(value, str) else str(value)


def _picked(selection: Mapping[str, Any] | None, names: Mapping[str, str]) -> str:
    """Return which rows were picked; empty for all that match."""
    if selection is None:
        return ""
    if selection.get("query") is None:
        number = len(selection["include"])
        return ngettext("%d picked row", "%d picked rows", number) % number
    number = len(selection["exclude"])
    whole = _condition(selection["query"].get("filter"), names) or selection["query"].get("search") or _("all")
    without = ngettext("without %d row", "without %d rows", number) % number if number else ""
    return ", ".join(filter(None, (whole, without)))


def _choice(schema: Mapping[str, Any], value: Any) -> str:
    """Return a value of an option as the form of exports names it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    choices = zip(schema.get("enum", ()), schema.get("enumNames", ()), strict=False)
    return str(next((name for choice, name in choices if choice == value), value))

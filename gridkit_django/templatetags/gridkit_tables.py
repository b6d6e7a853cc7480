"""Tables of the admin that need no scrolling sideways: each cell carries the head of its column for narrow screens.

`gridkit/narrow.css` shows the heads where there is no room for columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape
from typing import Any

from django import template
from django.contrib.admin.utils import label_for_field
from django.contrib.admin.views.main import ChangeList
from django.utils.html import escape, strip_tags
from django.utils.safestring import SafeString
from django.utils.text import capfirst

register = template.Library()

COLUMNS_MIN = 5
"""Tables with fewer columns fit as they are."""

_LIST_CELL = re.compile(r'<(t[dh]) class="([^"]*\bfield-(\w+)[^"]*)"(?=>(-|&nbsp;|)</t[dh]>)?')
_TABLE = re.compile(r"<table(?: class=\"([^\"]*)\")?>(.*?)</table>", re.DOTALL)
_HEAD = re.compile(r"<th[ >].*?</th>|<td[ >].*?</td>", re.DOTALL)
_CELL = re.compile(r"<t[dh](?=[ >])")


@register.simple_block_tag(takes_context=True)
def labelled_list(context: template.Context, content: str) -> SafeString:
    """Return a changelist with the label of its column at each cell; cells that hold nothing are marked."""
    found: ChangeList = context["cl"]
    labels = {getattr(item, "__name__", item): _label(found, item) for item in found.list_display}

    def labelled(match: re.Match[str]) -> str:
        tag, classes, name, nothing = match.groups()
        more = " gridkit-nothing" if nothing is not None else ""
        return f'<{tag} data-label="{labels.get(name, "")}" class="{classes}{more}"'

    return SafeString(_LIST_CELL.sub(labelled, content))


@register.simple_block_tag
def stacked_tables(content: str) -> SafeString:
    """Return a part of a page with the head of its column at each cell of its wide tables."""
    return SafeString(_TABLE.sub(_stacked, content))


def _label(found: ChangeList, item: Any) -> str:
    return escape(capfirst(str(label_for_field(item, found.model, model_admin=found.model_admin))))


def _stacked(match: re.Match[str]) -> str:
    head, end, body = match[2].partition("</thead>")
    labels = [escape(unescape(strip_tags(cell)).strip()) for cell in _HEAD.findall(head)]
    if not end or len(labels) < COLUMNS_MIN or "colspan" in head:
        return match[0]
    rows = [_labelled_row(row, labels) for row in body.split("<tr")]
    classes = f"{match[1]} gridkit-stack" if match[1] else "gridkit-stack"
    return f'<table class="{classes}">{head}{end}{"<tr".join(rows)}</table>'


def _labelled_row(row: str, labels: Iterable[str]) -> str:
    if "colspan" in row:
        return row
    left = iter(labels)
    return _CELL.sub(lambda cell: f'{cell[0]} data-label="{next(left, "")}"', row)

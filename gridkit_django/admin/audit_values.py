"""Values before and after, shown by their kind: what differs is to be seen at a glance."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from itertools import islice
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from gridkit_django.admin.audit_links import object_link
from gridkit_django.audit.state import is_withheld

SHORT_MAX = 3
"""Changes that a line of a list shows."""

SHORT_TEXT = 60
"""Characters of a document that a line of a list shows."""

LINES_MAX = 200
"""Lines of a document that are compared; longer ones are shown whole."""


class Fields:
    """Fields by model and name, each looked up once a page."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Any] = {}

    def of(self, target_type: str, name: str) -> Any:
        """Return a field, None when it is not known."""
        key = (target_type, name)
        if key not in self._found:
            self._found[key] = _field(target_type, name)
        return self._found[key]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a change.

    Attributes:
        name: the field.
        label: what people call it, empty when that is the same.
        before: the value before, ready to be shown.
        after: the value after, ready to be shown.
        lines: documents and long texts, line by line; then before and after are not shown.
    """

    name: str
    label: str
    before: SafeString
    after: SafeString
    lines: tuple[tuple[str, str], ...] = ()


def differences(target_type: str, changes: Mapping[str, Any]) -> list[Difference]:
    """Return the fields of a change for people.

    Args:
        target_type: ``app_label.model`` of a row; other targets have no fields that are known here.
        changes: field to ``[before, after]``, as far as the reader may see them.
    """
    return [_difference(_field(target_type, name), name, pair) for name, pair in changes.items()]


def short_differences(
    target_type: str, changes: Mapping[str, Any], most: int | None, fields: Fields
) -> list[tuple[str, SafeString, SafeString]]:
    """Return field, before and after of the first changes, short enough for a line of a list.

    Args:
        target_type: see ``differences``.
        changes: see ``differences``.
        most: how many; None for all.
        fields: the fields that this page has looked up already.
    """
    told = []
    for name, pair in islice(changes.items(), most):
        field = fields.of(target_type, name)
        before, after = _pair(pair)
        told.append((name, _short(field, before), _short(field, after)))
    return told


def shown(target_type: str, name: str, value: Any) -> SafeString:
    """Return one value of a field, ready to be shown."""
    return _shown(_field(target_type, name), value)


def _difference(field: Any, name: str, pair: Any) -> Difference:
    before, after = _pair(pair)
    label = "" if field is None else str(getattr(field, "verbose_name", ""))
    label = "" if label == name else label
    lines = tuple(_lines(before, after))
    if isinstance(before, list) and isinstance(after, list) and isinstance(field, models.ManyToManyField):
        return Difference(name, label, _keys(field, before, after), _keys(field, after, before))
    return Difference(name, label, _shown(field, before), _shown(field, after), lines)


def _pair(pair: Any) -> tuple[Any, Any]:
    """Return before and after; records of other code may hold something else."""
    return (pair[0], pair[1]) if isinstance(pair, list) and len(pair) == 2 else (None, pair)


def _short(field: Any, value: Any) -> SafeString:
    if isinstance(value, (dict, list)) and not is_withheld(value):
        text = json.dumps(value, ensure_ascii=False)
        return format_html("<code>{}</code>", text if len(text) <= SHORT_TEXT else f"{text[:SHORT_TEXT]}…")
    return _shown(field, value)


def _field(target_type: str, name: str) -> Any:
    try:
        return apps.get_model(target_type)._meta.get_field(name)
    except (LookupError, ValueError, FieldDoesNotExist):
        return None


def _shown(field: Any, value: Any) -> SafeString:
    if value is None:
        return format_html('<span class="gridkit-none">{}</span>', _("none"))
    if is_withheld(value):
        text = _("masked") if isinstance(value, str) else _("encrypted")
        return format_html('<span class="gridkit-badge">{}</span>', text)
    if value == "":
        return format_html('<span class="gridkit-none">{}</span>', _("empty"))
    if isinstance(value, bool):
        return format_html("{}", _("yes") if value else _("no"))
    if isinstance(field, models.ForeignKey):
        return object_link(field.related_model._meta.label_lower, str(value), str(value))
    if isinstance(value, (dict, list)):
        return format_html("<pre>{}</pre>", _document(value))
    return SafeString(escape(_text(field, value)))


def _text(field: Any, value: Any) -> str:
    """Return a plain value for people; a point in time exactly, for two may differ by less than a second."""
    if getattr(field, "choices", None):
        choices = dict(field.flatchoices)
        if value in choices:
            return f"{choices[value]} ({value})"
    if isinstance(field, models.DateTimeField) and isinstance(value, str):
        moment = _moment(value)
        return value if moment is None else timezone.localtime(moment).isoformat(sep=" ")
    if isinstance(field, models.DateField) and isinstance(value, str):
        try:
            return str(formats.localize(date.fromisoformat(value)))
        except ValueError:
            return value
    return str(value)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _keys(field: Any, keys: list[Any], others: list[Any]) -> SafeString:
    """Return keys of a many-to-many field; those that the other side lacks stand out."""
    if not keys:
        return format_html('<span class="gridkit-none">{}</span>', _("none"))
    label = field.related_model._meta.label_lower
    chips = (("gridkit-chip" if key in others else "gridkit-chip gridkit-chip-new", key) for key in keys)
    return format_html_join(
        " ",
        '<span class="{}">{}</span>',
        ((kind, object_link(label, str(key), str(key))) for kind, key in chips),
    )


def _lines(before: Any, after: Any) -> Iterator[tuple[str, str]]:
    """Yield sign and text of each line that differs, with the lines around it."""
    old, new = _as_lines(before), _as_lines(after)
    if old is None or new is None or len(old) + len(new) > 2 * LINES_MAX:
        return
    for line in list(difflib.unified_diff(old, new, lineterm="", n=2))[2:]:
        yield ("…", "") if line.startswith("@@") else (line[:1].strip(), line[1:])


def _as_lines(value: Any) -> list[str] | None:
    if isinstance(value, (dict, list)) and not is_withheld(value):
        return _document(value).splitlines()
    return value.splitlines() if isinstance(value, str) and "\n" in value else None


def _document(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)

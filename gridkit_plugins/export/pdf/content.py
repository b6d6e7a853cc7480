"""What stands on the page: texts, made harmless, their looks, and the template's context."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from django.utils import formats, translation
from django.utils.translation import gettext, ngettext

from gridkit_django.exports import ExportColumn, ExportSheet
from gridkit_django.exports.texts import text_writer
from gridkit_django.grids.columns.styles import TONES
from gridkit_plugins.export.exporters.celltext import cell_text
from gridkit_plugins.export.pdf.plan import PagePlan

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_LINE_END = re.compile("\r\n?|[\x85\u2028\u2029]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_REPEATED = ("boolean", "date", "choice")
"""Types whose few values come again and again, so that their texts are kept."""
_TEXTS_KEPT = 5_000


class Look(NamedTuple):
    """How a cell looks, apart from its column.

    Attributes:
        css: classes of the style that its value meets, or empty.
        direction: ``rtl`` or ``ltr`` where it differs from the page's, else empty.
    """

    css: str = ""
    direction: str = ""


class Row(NamedTuple):
    """One row of the table.

    Attributes:
        texts: of its cells.
        looks: of its cells; None when all are plain.
        kind: ``subtotal`` or ``total``, or empty for a row of data.
        even: every other row of data is.
    """

    texts: Sequence[str]
    looks: Sequence[Look] | None = None
    kind: str = ""
    even: bool = False


PLAIN = Look()


class Content:
    """Turns values into rows, and the sheet into the template's context. The sheet's language must be active.

    Args:
        sheet: title, columns and options of the file.
    """

    def __init__(self, sheet: ExportSheet) -> None:
        self.sheet = sheet
        self.direction = "rtl" if translation.get_language_bidi() else "ltr"
        formatted = sheet.options.get("formatting", True) is not False
        self._writers = [_writer(column, sheet.language, formatted=formatted) for column in sheet.columns]
        self._finders = [column.style_finder(sheet.time_zone) for column in sheet.columns]
        self._styled = any(self._finders)
        self.ends = tuple(column.align == "end" for column in sheet.columns)
        self.looks = tuple(
            Look(css, direction)
            for css in ("", *sorted({style.css for column in sheet.columns for style in column.styles}))
            for direction in ("", "ltr" if self.direction == "rtl" else "rtl")
        )

    def row(self, values: Sequence[Any], number: int) -> Row:
        """Return a row of data.

        Args:
            values: one for each column.
            number: of the row in the file, from 0.
        """
        texts = [clean(write(value)) for write, value in zip(self._writers, values, strict=True)]
        looks = self._looks(texts, values) if self._styled else self.directions(texts)
        return Row(texts, looks, "", number % 2 == 1)

    def directions(self, texts: Sequence[str]) -> Sequence[Look] | None:
        """Return the looks of cells that have no style."""
        if self.direction == "ltr" and not _RIGHT_TO_LEFT.search("".join(texts)):
            return None
        looks = [Look("", self.direction_of(text)) for text in texts]
        return looks if any(look.direction for look in looks) else None

    def _looks(self, texts: Sequence[str], values: Sequence[Any]) -> Sequence[Look] | None:
        found = [None if find is None else find(value) for find, value in zip(self._finders, values, strict=True)]
        looks = [
            Look("" if style is None else style.css, self.direction_of(text))
            for text, style in zip(texts, found, strict=True)
        ]
        return None if all(look == PLAIN for look in looks) else looks

    def direction_of(self, text: str) -> str:
        """Return the direction of a text where it is not the page's: its first letter decides."""
        if self.direction == "ltr" and (text.isascii() or not _RIGHT_TO_LEFT.search(text)):
            return ""
        for character in text:
            bidirectional = unicodedata.bidirectional(character)
            if bidirectional in ("L", "R", "AL"):
                found = "ltr" if bidirectional == "L" else "rtl"
                return "" if found == self.direction else found
        return ""

    def context(self, plan: PagePlan, rows: Iterable[Row], *, pages: int) -> dict[str, Any]:
        """Return the template's context.

        Args:
            plan: paper, type size and widths.
            rows: what stands in the table.
            pages: how many pages the file has; 0 leaves it to WeasyPrint, which knows when all rows are laid out.
        """
        labels = [clean(column.label) for column in self.sheet.columns]
        headings = Row(labels, self.directions(labels))
        return {
            "language": self.sheet.language,
            "direction": self.direction,
            "title": clean(self.sheet.title),
            "author": clean(self.sheet.owner_label),
            "origin": self.origin(),
            "page_words": self._page_words(),
            "pages": formats.localize(pages) if pages else "",
            "no_rows": gettext("No rows."),
            "cover": bool(self.sheet.options.get("cover", False)),
            "sheet": self.sheet,
            "tones": [{"name": name, "ink": ink, "ground": ground} for name, (ink, ground) in TONES.items()],
            "plan": {
                "paper": plan.paper,
                "type_size": f"{plan.type_size:g}",
                "widths": [f"{width:g}" for width in plan.widths],
            },
            "headings": list(self._cells(headings)),
            "rows": [
                {"classes": row.kind or ("even" if row.even else ""), "cells": list(self._cells(row))} for row in rows
            ],
        }

    def _cells(self, row: Row) -> Iterator[dict[str, str]]:
        """Yield cells as the template sees them."""
        looks = row.looks or [PLAIN] * len(row.texts)
        for text, look, at_end in zip(row.texts, looks, self.ends, strict=True):
            classes = " ".join(name for name in ("number-cell" if at_end else "", look.css) if name)
            yield {"text": text, "classes": classes, "direction": look.direction}

    def origin(self) -> str:
        """Return who made the file, when, and of how many rows."""
        local = self.sheet.created_at.astimezone(self.sheet.time_zone)
        count = self.sheet.total_rows
        return clean(
            ngettext("%(count)s row", "%(count)s rows", count) % {"count": formats.localize(count)}
            + f" · {self.sheet.owner_label} · {local:%Y-%m-%d %H:%M} {self.sheet.time_zone}"
        )

    def _page_words(self) -> list[str]:
        """Return what stands before, between and after the page's number and the number of pages."""
        words = gettext("Page %(page)s of %(pages)s") % {"page": "\0", "pages": "\0"}
        return words.split("\0")


def clean(text: str) -> str:
    """Return ``text`` with one kind of line end, tabs as spaces, and control characters made visible.

    Marks that turn the direction of what follows are control characters, too: a cell must not rearrange the row.
    """
    if text.isascii() and text.isprintable():
        return text
    plain = _CONTROL.sub("\ufffd", _LINE_END.sub("\n", text)).expandtabs(4)
    return plain.removesuffix("\n")


def _writer(column: ExportColumn, language: str, *, formatted: bool) -> Callable[[Any], str]:
    """Return what writes the values of a column: for people, or exactly."""
    if not formatted:
        return cell_text
    write = text_writer(column, language)
    return lru_cache(_TEXTS_KEPT)(write) if column.type in _REPEATED else write

"""Text: found and compared without regard to case, in any script, on every database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from django.db import models
from django.db.models import Q

from gridkit_django.grids.columns.base import Column
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.columns.text_lists import EqualsAny
from gridkit_django.grids.operators import TEXTUAL, Op
from gridkit_django.typing import JSONValue

_LOOKUPS = {Op.EQ: "exact", Op.CONTAINS: "contains", Op.STARTS: "startswith", Op.ENDS: "endswith"}
_PATTERNS = {Op.EQ: r"\A{}\Z", Op.CONTAINS: "{}", Op.STARTS: r"\A{}", Op.ENDS: r"{}\Z"}


class TextColumn(Column):
    """Text. Comparisons ignore case unless the condition says ``"ci": false``.

    SQLite's LIKE ignores case for ASCII letters only and can't heed it, so that text with other letters, and text
    that heeds case, goes through Django's Python-backed REGEXP there. A filter text of ASCII letters only keeps the
    quick LIKE.
    """

    type = "text"
    operators = TEXTUAL
    fields = (models.CharField, models.TextField, models.FileField, models.FilePathField)

    @property
    def editor(self) -> str:
        """A long text gets room."""
        return "textarea" if isinstance(self.field, models.TextField) else "text"

    def clean(self, raw: JSONValue) -> str:
        """Accept a string that a database can hold.

        Raises:
            FilterValueError: when the value is no string, or holds NUL or a lone surrogate (RFC 8259, 8.2).
        """
        if not isinstance(raw, str):
            raise self._refuse("a string")
        if not storable(raw):
            raise self._refuse("text without NUL characters and lone surrogates")
        return raw

    def blank(self) -> Q:
        """No value and the empty text look alike to people, so both are blank."""
        return Q((f"{self.path}__isnull", True)) | Q((f"{self.path}__exact", ""))

    def compare(self, op: Op, value: Any, frame: Frame) -> Q:
        """Return the condition of ``eq``, ``contains``, ``starts`` or ``ends``."""
        return text_condition(self.path, op, value, frame)

    def equal_to_any(self, values: Sequence[Any], frame: Frame) -> Q:
        """Return the condition "equal to one of these texts", as one comparison however long the list is."""
        if not frame.ignore_case:
            return super().equal_to_any(values, frame)
        if frame.vendor == "sqlite" and not all(value.isascii() for value in values):
            pattern = "|".join(re.escape(value) for value in values)
            return Q((f"{self.path}__iregex", rf"\A(?:{pattern})\Z"))
        return Q(EqualsAny(self.path, values))

    def search(self, word: str, frame: Frame) -> Q | None:
        """A word is found anywhere in the text."""
        return self.compare(Op.CONTAINS, word, frame)

    def to_wires(self, values: Sequence[Any], zone: tzinfo | None = None) -> Sequence[JSONValue]:
        """Texts are their own wire form; the names of files must be read out of their objects."""
        if self._writes_as(TextColumn) and not isinstance(self.value_field, models.FileField):
            return values
        return super().to_wires(values, zone)

    def from_cursor(self, raw: JSONValue) -> Any:
        """A cursor stands on a stored text, which needs no check."""
        return raw

    def _wire(self, value: Any, zone: tzinfo | None) -> JSONValue:
        del zone
        return str(value)


def storable(text: str) -> bool:
    """Whether a database can take the text: no NUL (PostgreSQL refuses it) and no lone surrogate."""
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def text_condition(path: str, op: Op, value: str, frame: Frame) -> Q:
    """Return the condition of a text operator, right for the database at hand.

    Args:
        path: ORM path of the text.
        op: ``eq``, ``contains``, ``starts`` or ``ends``.
        value: the text to compare with, taken literally.
        frame: the database and the case rule.
    """
    prefix = "i" if frame.ignore_case else ""
    if frame.vendor == "sqlite" and not _native_on_sqlite(op, value, frame):
        return Q((f"{path}__{prefix}regex", _PATTERNS[op].format(re.escape(value))))
    return Q((f"{path}__{prefix}{_LOOKUPS[op]}", value))


def _native_on_sqlite(op: Op, value: str, frame: Frame) -> bool:
    """Whether SQLite's own comparison does what is meant: LIKE for ASCII without case, = for equality with case."""
    return value.isascii() if frame.ignore_case else op is Op.EQ

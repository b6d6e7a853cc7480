"""Values out of a closed list, each with a label."""

from __future__ import annotations

from typing import Any, TypeAlias

from django.db import models
from django.db.models import Q

from gridkit_django.grids.columns.base import Column
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.typing import JSONValue

Choice: TypeAlias = "tuple[JSONValue, str]"


class ChoiceColumn(Column):
    """A field with ``choices``. The stored value crosses the wire; the schema carries the labels."""

    type = "choice"
    fields = (models.CharField, models.TextField, models.IntegerField)

    @classmethod
    def accepts(cls, field: Any) -> bool:
        """A choice needs a field that names its choices."""
        return super().accepts(field) and bool(field.choices)

    @property
    def editor(self) -> str:
        """A value is picked from a list."""
        return "select"

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Value and label of each choice, groups flattened, in the field's order."""
        return tuple((value, str(label)) for value, label in self.value_field.flatchoices)

    def clean(self, raw: JSONValue) -> Any:
        """Accept a value from the list.

        Raises:
            FilterValueError: for anything else.
        """
        for value, _label in self.choices:
            if type(value) is type(raw) and value == raw:
                return value
        raise self._refuse("one of the values in the schema's choices")

    def search(self, word: str, frame: Frame) -> Q | None:
        """A word is found in the labels, which is what people see."""
        wanted = word.casefold()
        values = [value for value, label in self.choices if wanted in label.casefold()]
        return self.equal_to_any(values, frame) if values else None

    def from_cursor(self, raw: JSONValue) -> Any:
        """A row may hold a value that has left the list, and a cursor may stand on it."""
        return raw

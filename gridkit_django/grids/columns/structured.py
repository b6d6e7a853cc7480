"""Structured values."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from gridkit_django.grids.columns.base import Column
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.operators import BLANKS
from gridkit_django.typing import JSONValue


class JSONColumn(Column):
    """A JSON document per row. It can be shown and edited whole; it has no order and no equality."""

    type = "json"
    operators = BLANKS
    fields = (models.JSONField,)
    orderable = False
    functions = (Fn.COUNT,)

    def clean(self, raw: JSONValue) -> Any:
        """No operator of this column takes a value.

        Raises:
            FilterValueError: always.
        """
        raise self._refuse("no value: a JSON column can only be blank or not")

    def blank(self) -> Q:
        """SQL's NULL and JSON's null look alike, so both are blank."""
        return Q((f"{self.path}__isnull", True)) | Q((self.path, None))

    def search(self, word: str, frame: Frame) -> Q | None:
        """The search does not look into documents."""
        del word, frame
        return None

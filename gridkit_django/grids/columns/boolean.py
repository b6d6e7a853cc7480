"""Truth values."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from gridkit_django.grids.columns.base import Column
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.functions import COUNTS
from gridkit_django.grids.operators import TRUTH, Op
from gridkit_django.typing import JSONValue


class BooleanColumn(Column):
    """True, false, or no value."""

    type = "boolean"
    functions = COUNTS
    operators = TRUTH
    fields = (models.BooleanField,)

    def clean(self, raw: JSONValue) -> bool:
        """Accept true or false.

        Raises:
            FilterValueError: for anything else.
        """
        if not isinstance(raw, bool):
            raise self._refuse("true or false")
        return raw

    def compare(self, op: Op, value: Any, frame: Frame) -> Q:
        """Return the condition of ``eq``, ``isTrue`` or ``isFalse``."""
        if op is not Op.EQ:
            value = op is Op.IS_TRUE
        return super().compare(Op.EQ, value, frame)

    def search(self, word: str, frame: Frame) -> Q | None:
        """Words are not truth values."""
        del word, frame
        return None

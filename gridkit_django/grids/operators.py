"""The filter operators of the wire protocol, by name and by what they compare."""

from __future__ import annotations

from enum import StrEnum


class Op(StrEnum):
    """One operator of a filter condition, spelled as on the wire."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    BETWEEN = "between"
    IN = "in"
    NIN = "nin"
    CONTAINS = "contains"
    NCONTAINS = "ncontains"
    STARTS = "starts"
    ENDS = "ends"
    BLANK = "blank"
    NBLANK = "nblank"
    IS_TRUE = "isTrue"
    IS_FALSE = "isFalse"
    RELATIVE = "relative"
    FILTER = "filter"

    @property
    def positive(self) -> Op:
        """The operator that this one is the exact complement of, or itself.

        ``ne``, ``nin``, ``ncontains`` and ``nblank`` match every row that their positive twin does not match,
        rows without a value included: who says "not AA" expects the blanks to stay.
        """
        return _POSITIVE.get(self, self)


_POSITIVE = {Op.NE: Op.EQ, Op.NIN: Op.IN, Op.NCONTAINS: Op.CONTAINS, Op.NBLANK: Op.BLANK}

WITHOUT_VALUE = frozenset({Op.BLANK, Op.NBLANK, Op.IS_TRUE, Op.IS_FALSE})
"""Operators that take no value."""

WITH_LIST = frozenset({Op.IN, Op.NIN})
"""Operators whose value is a list; null in it stands for "no value"."""

WITH_CASE = frozenset({Op.EQ, Op.NE, Op.IN, Op.NIN, Op.CONTAINS, Op.NCONTAINS, Op.STARTS, Op.ENDS})
"""Operators that compare text, and so take ``ci``."""

WITH_NAME = frozenset({Op.FILTER})
"""Operators that are one of the column's django-filter filters, by its name."""

BLANKS = (Op.BLANK, Op.NBLANK)
EQUALITY = (Op.EQ, Op.NE, Op.IN, Op.NIN, *BLANKS)
ORDERED = (Op.EQ, Op.NE, Op.LT, Op.LTE, Op.GT, Op.GTE, Op.BETWEEN, Op.IN, Op.NIN, *BLANKS)
TEMPORAL = (*ORDERED, Op.RELATIVE)
TEXTUAL = (Op.CONTAINS, Op.NCONTAINS, Op.EQ, Op.NE, Op.STARTS, Op.ENDS, Op.IN, Op.NIN, *BLANKS)
TRUTH = (Op.IS_TRUE, Op.IS_FALSE, *EQUALITY)

"""Kinds of Django's fields, by the name that ``Field.get_internal_type`` gives, whose columns SQL can treat alike."""

from __future__ import annotations

WHOLE = frozenset(
    {
        "AutoField",
        "BigAutoField",
        "SmallAutoField",
        "IntegerField",
        "BigIntegerField",
        "SmallIntegerField",
        "PositiveIntegerField",
        "PositiveBigIntegerField",
        "PositiveSmallIntegerField",
    }
)
"""Kinds that hold whole numbers."""

TEXTS = frozenset({"CharField", "TextField", "SlugField", "EmailField", "URLField", "FileField", "ImageField"})
"""Kinds that hold texts."""

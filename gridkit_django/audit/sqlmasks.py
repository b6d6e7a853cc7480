"""Masks in SQL: the parts that ``gridkit_django.audit.masks`` tells of a value, told by the database itself.

No expression holds a percent sign, so it can stand in a statement with parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field

from gridkit_django.audit.kinds import WHOLE
from gridkit_django.audit.masks import MASK
from gridkit_django.audit.sqljson import stored_field
from gridkit_django.audit.sqljson_sqlite import AS_TEXT

AnyField: TypeAlias = "Field[Any, Any]"

_IN_PYTHON = frozenset({"FloatField", "JSONField", "ArrayField", "BooleanField", "BinaryField"})
"""Kinds of fields whose text is another in Python, or which have none."""


def has_form(field: AnyField, form: str, connection: BaseDatabaseWrapper) -> bool:
    """Say whether SQL can tell the part of a value that a form of masks tells. Nothing is told of a full mask."""
    kind = stored_field(field).get_internal_type()
    if connection.vendor == "postgresql":
        return form in _POSTGRES and kind not in _IN_PYTHON
    # SQLite's parser allows no deep nesting, and the text of other kinds is a long expression itself.
    return form in _SQLITE and kind in AS_TEXT | WHOLE


def masked_sql(form: str, text: str, connection: BaseDatabaseWrapper) -> str:
    """Return the SQL expression for what stands for a text; for NULL it is the mask.

    Args:
        form: one for which ``has_form`` is true.
        text: the text, as SQL.
        connection: the database.
    """
    forms = _POSTGRES if connection.vendor == "postgresql" else _SQLITE
    condition, shown = forms[form](text)
    return f"CASE WHEN {condition} THEN {shown} ELSE '{MASK}' END"


_Form: TypeAlias = Callable[[str], tuple[str, str]]
"""Makes, of a text, when a part of it is told, and which."""


def _end(text: str) -> tuple[str, str]:
    return f"length({text}) > 8", f"'{MASK}' || substr({text}, length({text}) - 3)"


def _initial(text: str) -> tuple[str, str]:
    return f"length({text}) > 2", f"substr({text}, 1, 1) || '{MASK}'"


def _email_postgres(text: str) -> tuple[str, str]:
    return f"strpos({text}, '@') > 0", f"'{MASK}@' || right({text}, strpos(reverse({text}), '@') - 1)"


def _year_postgres(text: str) -> tuple[str, str]:
    return f"{text} ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}'", f"left({text}, 4) || '-{MASK}'"


def _network_postgres(text: str) -> tuple[str, str]:
    groups = f"string_to_array({text}, ':')"
    is_four = f"{text} ~ '^[0-9]+(\\.[0-9]+){{3}}$'"
    is_six = f"(cardinality({groups}) > 4 AND '' <> ALL (({groups})[1:3]))"
    four = f"split_part({text}, '.', 1) || '.' || split_part({text}, '.', 2) || '.{MASK}'"
    six = f"array_to_string(({groups})[1:3], ':') || ':{MASK}'"
    return f"{is_four} OR {is_six}", f"CASE WHEN {is_four} THEN {four} ELSE {six} END"


def _email_sqlite(text: str) -> tuple[str, str]:
    # What is left of a text when all that is no @ is cut off its end.
    kept = f"rtrim({text}, replace({text}, '@', ''))"
    return f"instr({text}, '@') > 0", f"'{MASK}@' || substr({text}, length({kept}) + 1)"


def _year_sqlite(text: str) -> tuple[str, str]:
    digits = "[0-9]"
    return (
        f"{text} GLOB '{digits * 4}-{digits * 2}-{digits * 2}*'",
        f"substr({text}, 1, 4) || '-{MASK}'",
    )


_POSTGRES: Mapping[str, _Form] = MappingProxyType(
    {
        "end": _end,
        "initial": _initial,
        "email": _email_postgres,
        "year": _year_postgres,
        "network": _network_postgres,
    }
)
_SQLITE: Mapping[str, _Form] = MappingProxyType(
    {"end": _end, "initial": _initial, "email": _email_sqlite, "year": _year_sqlite}
)
"""SQLite knows no regular expressions, so addresses of networks are masked in Python."""

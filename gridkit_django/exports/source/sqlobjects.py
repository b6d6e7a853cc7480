"""How PostgreSQL puts the values of a row together to a JSON object.

``concat`` writes a value of any type without a text of its own in between, and leaves NULL out. ``row_to_json`` would
ask the catalogue for the type of each value of each row: it takes a third longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gridkit_django.exports.source.sqlcells import JsonForm, SqlCell

_PARTS_MOST = 100
"""What one call puts together at most."""

_PARTS: Mapping[JsonForm, Sequence[str]] = {
    JsonForm.WRITTEN: ("'{start}'", "{x}"),
    JsonForm.PLAIN: ("'{start}'", "{x}"),
    JsonForm.QUOTED: ("'{start}\"'", "{x}", "'\"'"),
}
"""What ``concat`` gets of a cell, by its form, to write the key and the value."""

_PARTS_OR_NULL: Mapping[JsonForm, Sequence[str]] = {
    JsonForm.WRITTEN: _PARTS[JsonForm.WRITTEN],
    JsonForm.PLAIN: (*_PARTS[JsonForm.PLAIN], "CASE WHEN {x} IS NULL THEN 'null' END"),
    JsonForm.QUOTED: (
        "CASE WHEN {x} IS NULL THEN '{start}null' ELSE '{start}\"' END",
        "{x}",
        "CASE WHEN {x} IS NOT NULL THEN '\"' END",
    ),
}
"""The same where the value may be NULL."""


def json_object(keys: Sequence[str], cells: Sequence[SqlCell]) -> str:
    """Return the SQL of an object.

    Cells that have a value in nearly each row are looked at together first, and one by one only where one has none:
    each part that ``concat`` gets has its price.

    Args:
        keys: names of the values.
        cells: the values, which the columns ``gridkit_0`` and so on hold.
    """
    if not keys:
        return "'{}'"
    usual = [f"gridkit_{index}" for index, cell in enumerate(cells) if cell.usual and cell.form is not JsonForm.WRITTEN]
    careful = _concat(_parts(keys, cells, sure=False))
    if not usual:
        return careful
    there = " AND ".join(f"{name} IS NOT NULL" for name in usual)
    return f"CASE WHEN {there} THEN {_concat(_parts(keys, cells, sure=True))} ELSE {careful} END"


def _parts(keys: Sequence[str], cells: Sequence[SqlCell], *, sure: bool) -> list[str]:
    """Return what the object is put together of; texts that follow each other are one."""
    parts = ["'{'"]
    for part in (*_pieces(keys, cells, sure=sure), "'}'"):
        if parts[-1].startswith("'") and part.startswith("'"):
            parts[-1] = parts[-1][:-1] + part[1:]
        else:
            parts.append(part)
    return parts


def _pieces(keys: Sequence[str], cells: Sequence[SqlCell], *, sure: bool) -> Iterator[str]:
    for index, (key, cell) in enumerate(zip(keys, cells, strict=True)):
        start = f'{"," if index else ""}"{key}":'
        known = _PARTS if sure and cell.usual else _PARTS_OR_NULL
        yield from (part.format(x=f"gridkit_{index}", start=start) for part in known[cell.form])


def _concat(parts: Sequence[str]) -> str:
    while len(parts) > _PARTS_MOST:
        several = (parts[first : first + _PARTS_MOST] for first in range(0, len(parts), _PARTS_MOST))
        parts = [f"concat({', '.join(some)})" for some in several]
    return f"concat({', '.join(parts)})"

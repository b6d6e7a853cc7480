"""The filter expressions of DevExtreme: nested arrays of conditions with ``and``, ``or`` and ``!``."""

from __future__ import annotations

from typing import Any

from gridkit_django.exceptions import DialectError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.dialects.questions import Leaf, Node, Not, joined
from gridkit_django.grids.dialects.strictness import join_word, plain_list, word
from gridkit_django.grids.dialects.values import day_of_point, typed_value
from gridkit_django.grids.operators import Op
from gridkit_django.grids.zones import zone_of

OPS = {
    "=": Op.EQ,
    "<>": Op.NE,
    ">": Op.GT,
    ">=": Op.GTE,
    "<": Op.LT,
    "<=": Op.LTE,
    "startswith": Op.STARTS,
    "endswith": Op.ENDS,
    "contains": Op.CONTAINS,
    "notcontains": Op.NCONTAINS,
}
_BLANKS = {Op.EQ: Op.BLANK, Op.NE: Op.NBLANK}


def read_expression(raw: Any, at: str, access: GridAccess) -> Node | None:
    """Read a filter expression; null and ``[]`` filter nothing.

    Args:
        raw: the expression.
        at: where it stands (JSON Pointer).
        access: the grid and the user; only the types of visible columns are looked at.

    Raises:
        DialectError: for what is not understood.
    """
    items = plain_list(raw, at)
    if not items:
        return None
    if items[0] == "!" and len(items) == 2 and isinstance(items[1], list):
        node = read_expression(items[1], f"{at}/1", access)
        if node is None:
            raise DialectError.at(f"{at}/1", "Expected a condition to negate.")
        return Not(node, at)
    if isinstance(items[0], str):
        return condition(items, at, access)
    return _group(items, at, access)


def condition(items: Any, at: str, access: GridAccess) -> Leaf:
    """Read one condition: ``[field, operator, value]``, or ``[field, value]`` for equality.

    Raises:
        DialectError: for what is not understood.
    """
    if len(items) not in (2, 3) or not isinstance(items[0], str):
        raise DialectError.at(at, "Expected a condition [field, operator, value].")
    raw_op = items[1] if len(items) == 3 else "="
    last = len(items) - 1
    lower = raw_op.lower() if isinstance(raw_op, str) else raw_op
    op = OPS[word(lower, f"{at}/1", OPS, "operator")]
    value = items[last]
    if value is None:
        if op not in _BLANKS:
            raise DialectError.at(f"{at}/{last}", "Null can only be compared with = and <>.")
        op = _BLANKS[op]
    column = access.by_id.get(items[0])
    value = typed_value(column, day_of_point(column, value, zone_of(access)))
    return Leaf(items[0], op, value, at=at, col_at=f"{at}/0", op_at=f"{at}/1", value_at=f"{at}/{last}")


def _group(items: Any, at: str, access: GridAccess) -> Node | None:
    """Read conditions with words between them; two of them side by side mean ``and``."""
    kinds: list[str] = []
    nodes: list[Node | None] = []
    after_word = True
    for index, item in enumerate(items):
        if isinstance(item, list):
            if not after_word:
                kinds.append("and")
            nodes.append(read_expression(item, f"{at}/{index}", access))
            after_word = False
            continue
        if after_word:
            raise DialectError.at(f"{at}/{index}", "Expected a condition here.")
        kinds.append(join_word(item, f"{at}/{index}"))
        after_word = True
    if after_word:
        raise DialectError.at(at, "The expression ends with a word that joins nothing.")
    if len(set(kinds)) > 1:
        raise DialectError.at(at, "'and' and 'or' stand side by side; put one of them in an array of its own.")
    return joined("or" if kinds and kinds[0] == "or" else "and", nodes, at)

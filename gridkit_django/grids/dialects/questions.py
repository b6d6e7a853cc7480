"""A canonical question in the making, with the places of the foreign request that each part of it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from gridkit_django.exceptions import QueryError
from gridkit_django.grids.operators import WITHOUT_VALUE, Op
from gridkit_django.grids.query import GridQuery
from gridkit_django.typing import MutableJSONObject


@dataclass(frozen=True, slots=True)
class Leaf:
    """One condition.

    Attributes:
        col: what the request names as the column.
        op: the operator.
        value: the value in its canonical form; a list for ``in`` and ``nin``.
        to: the upper end of ``between``.
        at: where the condition stands in the request (JSON Pointer).
        col_at: where the column is named; empty means ``at``.
        op_at: where the operator stands; empty means ``at``.
        value_at: where the value stands; empty means ``at``.
        to_at: where the upper end stands; empty means ``at``.
        ci: whether text compares without regard to case.
    """

    col: Any
    op: Op
    value: Any = None
    to: Any = None
    at: str = ""
    col_at: str = ""
    op_at: str = ""
    value_at: str = ""
    to_at: str = ""
    ci: bool = True


@dataclass(frozen=True, slots=True)
class Join:
    """Conditions joined by ``and`` or ``or``; at least one."""

    kind: Literal["and", "or"]
    nodes: tuple[Node, ...]
    at: str = ""


@dataclass(frozen=True, slots=True)
class Not:
    """The complement of a condition."""

    node: Node
    at: str = ""


Node: TypeAlias = Leaf | Join | Not


def joined(kind: Literal["and", "or"], nodes: Sequence[Node | None], at: str) -> Node | None:
    """Join what there is: None when there is nothing, and a single node stays as it is."""
    present = tuple(node for node in nodes if node is not None)
    if len(present) < 2:
        return present[0] if present else None
    return Join(kind, present, at)


class Question:
    """The body of a canonical question, written part by part.

    Attributes:
        body: the question, as ``GridQuery.from_dict`` reads it.
    """

    def __init__(self) -> None:
        self.body: MutableJSONObject = {}
        self._places: dict[str, str] = {}

    def put(self, key: str, value: Any, at: str) -> None:
        """Say one part, and where in the request it comes from."""
        self.body[key] = value
        self._places[f"/{key}"] = at

    def add(self, key: str, item: Any, at: str, **parts: str) -> None:
        """Add an item to a part that is a list.

        Args:
            key: the part, or a path like ``pivot/cols`` into one.
            item: the item.
            at: where in the request it comes from.
            parts: where members of the item come from.
        """
        items = self._list(key)
        self._places[f"/{key}/{len(items)}"] = at
        for part, place in parts.items():
            self._places[f"/{key}/{len(items)}/{part}"] = place
        items.append(item)

    def sort_by(self, col: Any, direction: Literal["asc", "desc"], at: str, *, col_at: str = "") -> None:
        """Add a term of the order."""
        self.add("sort", {"col": col, "dir": direction}, at, col=col_at or at)

    def filter_by(self, node: Node | None) -> None:
        """Say the filter; None says that there is none."""
        if node is not None:
            self.body["filter"] = self._written(node, "/filter")

    def offset(self, start: Any, end: Any, *, start_at: str, end_at: str) -> None:
        """Ask for the rows from ``start`` up to but not including ``end``."""
        self.body["window"] = {"kind": "offset", "start": start, "end": end}
        self._places |= {"/window": start_at, "/window/start": start_at, "/window/end": end_at}

    def cursor(self, size: Any, *, size_at: str, after: Any = None, after_at: str = "") -> None:
        """Ask for at most ``size`` rows after a cursor, or the first."""
        self.body["window"] = {"kind": "cursor", "size": size, "after": after}
        self._places |= {"/window": size_at, "/window/size": size_at, "/window/after": after_at or size_at}

    def query(self) -> GridQuery:
        """Return the question, judged as every question is.

        Raises:
            QueryError: when it is not a sound question; the pointers are canonical.
        """
        return GridQuery.from_dict(self.body)

    def place_of(self, pointer: str) -> str:
        """Return where in the request a place of the canonical question comes from.

        The position in a list of plain values is kept. What the translation added has the nearest place that is known.
        """
        rest = ""
        while pointer:
            found = self._places.get(pointer)
            if found is not None:
                return found + rest if rest.removeprefix("/").isdigit() else found
            pointer, _, last = pointer.rpartition("/")
            rest = f"/{last}{rest}"
        return ""

    @contextmanager
    def told_in_place(self) -> Iterator[None]:
        """Turn the pointers of a refusal into places of the foreign request.

        A translator's own refusals are raised outside of this.
        """
        try:
            yield
        except QueryError as error:
            error.errors = tuple(replace(item, pointer=self.place_of(item.pointer)) for item in error.errors)
            raise

    def _list(self, key: str) -> list[Any]:
        inside: Any = self.body
        *outer, last = key.split("/")
        for name in outer:
            inside = inside.setdefault(name, {})
        items: list[Any] = inside.setdefault(last, [])
        return items

    def _written(self, node: Node, at: str) -> MutableJSONObject:
        self._places[at] = node.at
        match node:
            case Join():
                return {node.kind: [self._written(item, f"{at}/{node.kind}/{i}") for i, item in enumerate(node.nodes)]}
            case Not():
                return {"not": self._written(node.node, f"{at}/not")}
            case Leaf():
                return self._leaf(node, at)

    def _leaf(self, leaf: Leaf, at: str) -> MutableJSONObject:
        places = {"col": leaf.col_at, "op": leaf.op_at, "value": leaf.value_at, "to": leaf.to_at, "ci": ""}
        self._places |= {f"{at}/{part}": place or leaf.at for part, place in places.items()}
        written: MutableJSONObject = {"col": leaf.col, "op": leaf.op.value}
        if leaf.op not in WITHOUT_VALUE:
            written["value"] = leaf.value
        if leaf.op is Op.BETWEEN:
            written["to"] = leaf.to
        return written if leaf.ci else {**written, "ci": False}

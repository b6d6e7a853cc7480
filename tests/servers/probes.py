"""Puts probes into code, so that what runs is seen at a small price: tracing every line doubles what the tests cost.

A statement is preceded by one that notes its line together with the line before, in coverage.py's own terms: pairs of
lines ("arcs"), from which coverage.py itself judges statements and branches. What a tracer sees as a new visit of a
line is told by a probe, too: the head of a loop after its body, an `except` that is tried, cases that did not match.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import chain

ARCS = "__arcs__"
"""The name in a module under which its arcs are noted."""

AT = "__at__"
"""The name in a function under which the line lies that ran last."""

RETURNS = "__returns__"
"""The name in a function with a `finally` that says whether it is on its way out."""

_STEP = 1 << 20
_START = -1

Function = ast.FunctionDef | ast.AsyncFunctionDef
Loop = ast.For | ast.AsyncFor | ast.While
Block = list[ast.stmt]


def arc_of(key: int) -> tuple[int, int]:
    """Return the lines of an arc that was noted: from, to."""
    line = (key + _STEP // 2) // _STEP
    return key - line * _STEP, line


def with_probes(source: bytes | str, path: str) -> ast.Module:
    """Parse a module and put the probes in.

    Args:
        source: Its text.
        path: Where it lies, for errors of syntax.
    """
    tree = ast.parse(source, path)
    tree.body = _Scope(moves=True, leaves=1).opened(tree.body, ast.Constant(None))
    ast.fix_missing_locations(tree)
    return tree


def _placed(statement: ast.stmt, place: ast.AST) -> ast.stmt:
    """Return a statement in the line of another node; `fix_missing_locations` sees to what is inside."""
    statement.lineno = statement.end_lineno = getattr(place, "lineno", 1)
    statement.col_offset = statement.end_col_offset = 0
    return statement


def _read(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _set(name: str, value: object) -> ast.stmt:
    """Return `name = value`."""
    return ast.Assign([ast.Name(name, ast.Store())], ast.Constant(value))


def _key(line: int) -> ast.expr:
    """Return the key of the arc from the last line to this one."""
    return ast.BinOp(_read(AT), ast.Add(), ast.Constant(line * _STEP))


def _noted(key: ast.expr) -> ast.stmt:
    """Return the statement that notes an arc."""
    return ast.Assign([ast.Subscript(_read(ARCS), key, ast.Store())], ast.Constant(None))


def _lines(node: ast.stmt) -> Iterator[int]:
    """Return the lines that a statement begins with, one after the other: those of its decorators are lines, too."""
    for decorator in getattr(node, "decorator_list", ()):
        yield decorator.lineno
    yield node.lineno


def _catches_all(case: ast.match_case) -> bool:
    pattern: ast.pattern | None = case.pattern
    while isinstance(pattern, ast.MatchOr):
        pattern = pattern.patterns[-1]
    return case.guard is None and isinstance(pattern, ast.MatchAs) and pattern.pattern is None


def _has_finally(node: Function) -> bool:
    """Say whether a function has a `finally` of its own."""
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        found = waiting.pop()
        if isinstance(found, ast.Try | ast.TryStar) and found.finalbody:
            return True
        if not isinstance(found, Function | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(found)
    return False


class _Scope:
    """One scope of names: a module, a function or a class.

    Args:
        moves: Whether it may keep the last line in a name; a class must not, since that would be an attribute.
        leaves: The first line of a function or a module, by which coverage.py calls its end.
        has_finally: Whether a `return` may pass a `finally`.
    """

    def __init__(self, *, moves: bool, leaves: int | None = None, has_finally: bool = False) -> None:
        self._moves = moves
        self._leaves = leaves
        self._has_finally = has_finally
        self._loops: list[Loop] = []

    def opened(self, body: Block, docstring_of: ast.AST) -> Block:
        """Return the body of the scope with its probes; a docstring and `from __future__` stay in front."""
        start = 0
        while start < len(body) and _stays_first(body[start], start):
            start += 1
        first: ast.AST = body[start] if start < len(body) else docstring_of
        begin = [_placed(_set(AT, _START), first)] if self._moves else []
        if self._has_finally:
            begin.append(_placed(_set(RETURNS, False), first))  # noqa: FBT003
        for node in body[:start]:
            begin += self._probe(first, node.lineno) if isinstance(node, ast.ImportFrom) else []
        end = self._exit(body[-1]) if self._leaves is not None and body else []
        return [*body[:start], *begin, *self.block(body[start:]), *end]

    def block(self, body: Sequence[ast.stmt]) -> Block:
        """Return statements, each after its probe."""
        return [made for statement in body for made in self._statement(statement)]

    def _probe(self, place: ast.AST, line: int) -> Block:
        """Return what notes that a line runs."""
        if not self._moves:
            return [_placed(_noted(ast.Constant(line * _STEP + _START)), place)]
        return [_placed(_noted(_key(line)), place), _placed(_set(AT, line), place)]

    def _exit(self, place: ast.AST) -> Block:
        """Return what notes that the function ends here."""
        return [_placed(_noted(_key(-(self._leaves or 1))), place)]

    def _statement(self, node: ast.stmt) -> Iterator[ast.stmt]:
        for line in _lines(node):
            yield from self._probe(node, line)
        match node:
            case ast.Continue():
                yield from self._again(self._loops[-1], node)
            case ast.Return():
                yield from self._exit(node)
                if self._has_finally:
                    yield _placed(_set(RETURNS, True), node)  # noqa: FBT003
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self._define(node)
            case _:
                self._enter(node)
        yield node

    def _define(self, node: Function | ast.ClassDef) -> None:
        """Put probes into what is a scope of its own."""
        if isinstance(node, ast.ClassDef):
            inner = _Scope(moves=False)
        else:
            inner = _Scope(moves=True, leaves=next(_lines(node)), has_finally=_has_finally(node))
        node.body = inner.opened(node.body, node)

    def _enter(self, node: ast.stmt) -> None:
        """Put probes into the blocks of a statement."""
        match node:
            case ast.For() | ast.AsyncFor() | ast.While():
                self._loop(node)
            case ast.Match():
                self._match(node)
            case ast.Try() | ast.TryStar():
                self._try(node)
            case ast.If():
                node.body, node.orelse = self.block(node.body), self.block(node.orelse)
            case ast.With() | ast.AsyncWith():
                node.body = self.block(node.body)

    def _again(self, loop: Loop, place: ast.AST) -> Block:
        """Return what notes that a loop's head is visited again."""
        return self._probe(place, loop.lineno)

    def _loop(self, node: Loop) -> None:
        self._loops.append(node)
        last = node.body[-1]
        node.body = [*self.block(node.body), *self._again(node, last)]
        self._loops.pop()
        node.orelse = self.block(node.orelse)

    def _try(self, node: ast.Try | ast.TryStar) -> None:
        node.body = self.block(node.body)
        for handler in node.handlers:
            handler.body = self.block(handler.body)
            if handler.type is None:
                handler.body = [*self._probe(handler, handler.lineno), *handler.body]
            else:
                handler.type = self._seen(handler.type, handler)
        node.orelse = self.block(node.orelse)
        if node.finalbody:
            last = node.finalbody[-1]
            node.finalbody = self.block(node.finalbody)
            if self._has_finally:
                node.finalbody.append(_placed(ast.If(_read(RETURNS), self._exit(last), []), last))

    def _seen(self, value: ast.expr, place: ast.ExceptHandler) -> ast.expr:
        """Return an expression of the same value that notes its line."""
        if not self._moves:
            return value
        line = place.lineno
        note = ast.Call(ast.Attribute(_read(ARCS), "__setitem__", ast.Load()), [_key(line), ast.Constant(None)], [])
        moved = ast.NamedExpr(ast.Name(AT, ast.Store()), ast.Constant(line))
        return ast.Subscript(ast.Tuple([note, moved, value], ast.Load()), ast.Constant(2), ast.Load())

    def _match(self, node: ast.Match) -> None:
        """Note the cases that were tried until one matched."""
        tried: list[int] = []
        for case in node.cases:
            place = case.body[0]
            tried.append(case.pattern.lineno)
            body = self.block(case.body)
            case.body = [*chain.from_iterable(self._probe(place, line) for line in tried), *body]
        if not _catches_all(node.cases[-1]):
            body = list(chain.from_iterable(self._probe(node, line) for line in tried))
            node.cases.append(ast.match_case(pattern=ast.MatchAs(), body=body or [ast.Pass()]))
            ast.copy_location(node.cases[-1].pattern, node)


def _stays_first(node: ast.stmt, position: int) -> bool:
    """Say whether a statement must come before any other: a docstring, or what it takes from the future."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "__future__"
    return position == 0 and isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str)

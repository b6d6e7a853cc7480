"""Through which grid rows are being changed, carried by a context variable down to the records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from gridkit_django.audit.targets import ModelClass


@dataclass(frozen=True, slots=True)
class AuditScope:
    """A grid at work.

    Attributes:
        grid: id of the grid.
        model_label: the model behind it, ``app_label.model``; rows of other models are not changed through the grid.
    """

    grid: str
    model_label: str


_current: ContextVar[AuditScope | None] = ContextVar("gridkit_audit_scope", default=None)


def grid_of(model_label: str) -> str:
    """Return the id of the grid through which rows of a model are being changed; empty for none."""
    scope = _current.get()
    return scope.grid if scope is not None and scope.model_label == model_label else ""


def current_scope() -> AuditScope | None:
    """Return the grid at work, None for none."""
    return _current.get()


@contextmanager
def through_grid(grid: str, model: ModelClass) -> Iterator[None]:
    """Say that the rows of a model that are changed in the block are changed through a grid.

    Args:
        grid: id of the grid.
        model: the model behind it.
    """
    token = _current.set(AuditScope(grid, model._meta.concrete_model._meta.label_lower))  # type: ignore[union-attr]
    try:
        yield
    finally:
        _current.reset(token)

"""The root of the error tree, and the errors of no particular room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

__all__ = ["AccessDeniedError", "ErrorItem", "GridKitError", "SettingsError", "TaskQueueUnsetError", "TimingError"]


@dataclass(frozen=True, slots=True)
class ErrorItem:
    """One fault inside a larger refusal.

    Attributes:
        pointer: where it is, as a JSON Pointer (RFC 6901) into the request body, like ``/filter/and/0``.
        code: a stable kebab-case code.
        detail: what is wrong and what was expected, for a person.
    """

    pointer: str
    code: str
    detail: str


class GridKitError(Exception):
    """The root of every error that GridKit raises on purpose.

    Args:
        detail: what happened, what was expected and what to do next, in plain words.
        errors: the single faults, when there is more than one or when a place can be named.
        extra: plain values that a face may show next to the text (for example the current row of a conflict).
    """

    code: str = "gridkit-error"

    def __init__(
        self, detail: str, *, errors: Sequence[ErrorItem] = (), extra: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.extra = dict(extra or {})

    @classmethod
    def at(cls, pointer: str, detail: str) -> Self:
        """Make this error with one fault at ``pointer`` (a JSON Pointer, RFC 6901)."""
        return cls(detail, errors=[ErrorItem(pointer, cls.code, detail)])


class SettingsError(GridKitError):
    """The ``GRIDKIT`` settings dict holds an unknown key or a value of the wrong type."""

    code = "settings-invalid"


class TaskQueueUnsetError(GridKitError):
    """No broker is named for tasks in this process, and Celery's own default could not be reached."""

    code = "task-queue-unset"

    @classmethod
    def tell(cls, error: Exception, again: str = "Ask again") -> str:
        """Return what a person is told when a task could not be handed over.

        Args:
            error: what the queue raised.
            again: what to do when the queue is back, in the words of the caller.
        """
        if isinstance(error, cls):
            return error.detail
        return f"The task queue could not be reached ({type(error).__name__}). {again} when it is back."


class TimingError(GridKitError):
    """A crontab can't be read or never comes, or an interval is out of bounds."""

    code = "timing-invalid"


class AccessDeniedError(GridKitError):
    """The user lacks a right whose existence is no secret (for example to edit a grid that they may open)."""

    code = "access-denied"

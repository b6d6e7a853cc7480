"""One run of an operation: named steps that are done once, each with a mark, and undone in reverse on failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from gridkit_django.exceptions import OperationCancelled, OperationLostError
from gridkit_django.models import OperationState, PluginOperation
from gridkit_django.plugins.change import riding
from gridkit_django.plugins.encryption import Keyring, is_sealed
from gridkit_django.plugins.operation_lease import lease_time, this_run
from gridkit_django.typing import User

OPEN = (OperationState.QUEUED, OperationState.RUNNING)
"""The states of an operation that has not ended."""


class OperationRun:
    """What a step sees of its operation. All that it writes is lost when the operation is another worker's by now.

    Args:
        operation: the operation, claimed by this worker.
    """

    def __init__(self, operation: PluginOperation) -> None:
        self.operation = operation
        self._facts: dict[str, Any] = {}
        self._share = (0, 1)

    @property
    def plugin_id(self) -> str:
        """The plugin that the operation is about."""
        return self.operation.plugin_id

    @property
    def user(self) -> User | None:
        """Who asked for it."""
        return self.operation.requested_by

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What it was asked for with."""
        arguments: Mapping[str, Any] = self.operation.arguments
        return arguments

    def config(self) -> Mapping[str, Any] | None:
        """Return the configuration among the arguments.

        Raises:
            PluginSecretError: when this worker lacks the key that it was sealed with.
        """
        config: Mapping[str, Any] | None = self.arguments.get("config")
        return Keyring.of_site().unseal(config) if config is not None and is_sealed(config) else config

    def result(self, step: str) -> Mapping[str, Any]:
        """Return what a finished step noted; empty when it is not done."""
        found: Mapping[str, Any] = self.operation.results.get(step, {})
        return found

    def is_done(self, step: str) -> bool:
        """Whether a step is done."""
        return step in self.operation.results

    def note(self, **facts: Any) -> None:
        """Note what later steps, or the undoing of this one, need; it is written with the step's mark."""
        self._facts.update(facts)

    def note_anew(self, step: str, **facts: Any) -> None:
        """Change what a finished step noted, because that is not true any more.

        Raises:
            OperationLostError: when the operation is another worker's by now.
        """
        self.operation.results = {**self.operation.results, step: {**self.result(step), **facts}}
        self._write("results")

    def show_canary(self, **facts: Any) -> None:
        """Write how the process does that tries the new version first; nothing is written when nothing is new.

        Raises:
            OperationLostError: when the operation is another worker's by now.
        """
        found = {**self.operation.canary, **facts}
        if found != self.operation.canary:
            self.operation.canary = found
            self._write("canary")

    def log(self, text: str) -> None:
        """Write a line of the log, which also is a sign of life.

        Raises:
            OperationLostError: when the operation is another worker's by now.
        """
        self.operation.log = [*self.operation.log, {"at": timezone.now().isoformat(), "text": text}]
        self._write("log")

    def report(self, share: float) -> None:
        """Tell how much of the present step is done, from 0 to 1; stop when that was asked for.

        Raises:
            OperationLostError: when the operation is another worker's by now.
            OperationCancelled: when somebody stopped it.
        """
        number, count = self._share
        self.operation.progress = min((number + min(share, 1.0)) / count, 0.99)
        self._write("progress")
        self.check()

    def check(self) -> None:
        """Stop when that was asked for.

        Raises:
            OperationLostError: when the operation is another worker's by now.
            OperationCancelled: when somebody stopped it.
        """
        asked = this_run(self.operation).values_list("cancel_requested", flat=True).first()
        if asked is None:
            raise lost()
        if asked:
            raise OperationCancelled("It was stopped; what it had done is undone.")

    def is_to_switch_anyway(self) -> bool:
        """Whether somebody said that it is to switch although hosts are not ready; asked of the database."""
        rows = this_run(self.operation).filter(switch_anyway=True)
        return rows.exists()

    def begin(self, step: str, number: int, count: int) -> None:
        """Write that a step begins.

        Raises:
            OperationLostError: when the operation is another worker's by now.
        """
        self._facts, self._share = {}, (number, count)
        self.operation.step, self.operation.progress = step, min(number / count, 0.99)
        self._write("step", "progress")

    @contextmanager
    def marking(self, step: str) -> Iterator[None]:
        """Mark a step as done: inside the transaction of the change that it makes, or else at its end.

        Raises:
            OperationLostError: when the operation is another worker's by now; then the change is not made either.
        """
        with riding(lambda: self._mark(step)):
            yield
        if self.operation.results.get(step) != self._facts:
            self._mark(step)

    def unmark(self, step: str) -> None:
        """Write that a step is undone.

        Raises:
            OperationLostError: when the operation is another worker's by now.
        """
        self.operation.results = {key: facts for key, facts in self.operation.results.items() if key != step}
        self.operation.step = ""
        self._write("results", "step")

    def fail(self, code: str, detail: str) -> None:
        """Write why it failed; from now on it is being undone, whoever goes on with it.

        Raises:
            OperationLostError: when the operation is another worker's by now.
        """
        self.operation.error_code, self.operation.error_detail = code, detail
        self._write("error_code", "error_detail")

    def _mark(self, step: str) -> None:
        self.operation.results = {**self.operation.results, step: dict(self._facts)}
        self.operation.deaths = 0
        self._write("results", "deaths")

    def _write(self, *fields: str) -> None:
        values = {name: getattr(self.operation, name) for name in fields}
        if not this_run(self.operation).update(lease_until=timezone.now() + lease_time(), **values):
            raise lost()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an operation.

    Attributes:
        name: stable, unique in the operation.
        act: does it. It may be called again when its worker was killed before the mark, so it must bear that.
        undo: takes back what it did, or a part of that; None when there is nothing to take back.
        stops: whether the operation can still be stopped before this step.
    """

    name: str
    act: Callable[[OperationRun], None]
    undo: Callable[[OperationRun], None] | None = None
    stops: bool = True


def lost() -> OperationLostError:
    """Return the error that tells a worker to leave the operation alone."""
    return OperationLostError("The operation went to another worker, because this one gave no sign of life for long.")


def finish(operation: PluginOperation, state: OperationState, code: str = "", detail: str = "") -> bool:
    """Write the end down, unless the operation has ended already or is another worker's; whether it was written.

    A configuration among the arguments is forgotten, as it may hold secrets.
    """
    operation.state, operation.error_code, operation.error_detail = state, code, detail
    operation.finished_at = timezone.now()
    operation.arguments = {key: value for key, value in operation.arguments.items() if key != "config"}
    line = {"at": operation.finished_at.isoformat(), "text": detail or "Finished."}
    operation.log = [*operation.log, line]
    if state is OperationState.FINISHED:
        operation.progress = 1.0
    rows = PluginOperation.objects.filter(pk=operation.pk, fence=operation.fence, state__in=OPEN)
    return bool(
        rows.update(
            state=state,
            error_code=code,
            error_detail=detail,
            finished_at=operation.finished_at,
            arguments=operation.arguments,
            log=operation.log,
            progress=operation.progress,
            step="",
            lease_until=None,
        )
    )

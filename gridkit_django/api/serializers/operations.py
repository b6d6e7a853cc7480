"""Operations of plugins on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from rest_framework.request import Request

from gridkit_django.api.links import link
from gridkit_django.api.serializers.bodies import RequestBody, ResponseBody
from gridkit_django.exceptions import PeersNotAgreedError
from gridkit_django.models import OperationState as States
from gridkit_django.models import PluginOperation


class OperationError(ResponseBody):
    """Why an operation failed."""

    code: str
    detail: str


class CanaryFigures(ResponseBody):
    """What processes counted of one version during a trial."""

    processes: int
    calls: int
    errors: int
    error_share: float
    """How many of the calls raised, from 0 to 1."""
    mean_ms: float
    p95_ms: float
    """The time that 95 of 100 calls did not exceed, in milliseconds."""


class CanaryLimits(ResponseBody):
    """What the new version may reach."""

    error_share: float
    p95_ms: float | None
    """Null where the version in use had too few calls."""


class CanaryReport(ResponseBody):
    """How the process does, or did, that tries an update before the others."""

    state: Literal["running", "good", "few", "untried", "hurried", "stopped", "failed"]
    """Good, or too few calls to tell; not tried after all; ended early by somebody, or with the operation; or it did
    worse."""
    reason: str
    """Why it was not tried, or did worse."""
    version: str
    before: str
    """The version in use."""
    host: str
    pid: int
    kind: str
    seconds: int
    """For how long it is tried."""
    share: float
    """How much of that time is over, from 0 to 1."""
    lost: list[str]
    """The processes that tried it before and are gone."""
    new: CanaryFigures
    old: CanaryFigures
    limits: CanaryLimits


class OperationState(ResponseBody):
    """A change to a plugin that a worker carries out."""

    id: str
    kind: str
    plugin: str
    state: Literal["queued", "running", "finished", "failed", "cancelled", "waiting"]
    step: str
    """What it does now."""
    progress: float
    """How much is done, from 0 to 1."""
    cancel_requested: bool
    switch_anyway: bool
    """Whether it switches although hosts do not have the files."""
    log: list[Any]
    """The steps so far."""
    error: OperationError | None
    canary: CanaryReport | None
    """The trial of an update by one process; null where there was none, or not yet."""
    decide: str | None
    """Where to read what is to be decided: the plugin with the version that waits (``pending``), or the plan with the
    plugins that would come along; null unless it waited."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    url: str


class OperationPage(ResponseBody):
    """A page of operations, the newest first."""

    results: list[OperationState]
    next: str | None
    previous: str | None


class RetryRequest(RequestBody):
    """What has to be given again."""

    config: dict[str, Any] | None = None
    """The configuration, where there was one: it is forgotten at the end of an operation."""


class OperationAccepted(ResponseBody):
    """The operation that was queued."""

    operation: OperationState


def operation_body(operation: PluginOperation, request: Request) -> dict[str, Any]:
    """Return an operation; its arguments, which may hold secrets, stay on the server."""
    error = OperationError(code=operation.error_code, detail=operation.error_detail)
    return OperationState(
        id=str(operation.pk),
        kind=operation.kind,
        plugin=operation.plugin_id,
        state=operation.state,
        step=operation.step,
        progress=operation.progress,
        cancel_requested=operation.cancel_requested,
        switch_anyway=operation.switch_anyway,
        log=operation.log,
        error=error if operation.error_code else None,
        canary=CanaryReport.model_validate(operation.canary) if operation.canary else None,
        decide=_to_decide(operation, request),
        created_at=operation.created_at,
        started_at=operation.started_at,
        finished_at=operation.finished_at,
        url=link(request, "operation", operation=operation.pk),
    ).to_wire()


def _to_decide(operation: PluginOperation, request: Request) -> str | None:
    if operation.state != States.WAITING:
        return None
    place = "marketplace-plan" if operation.error_code == PeersNotAgreedError.code else "plugin"
    return link(request, place, plugin=operation.plugin_id)

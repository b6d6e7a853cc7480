"""What a problem document says, and what it keeps to itself."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from rest_framework import exceptions as drf

from gridkit_django import exceptions as e
from gridkit_django.api.problems import problem_of
from gridkit_django.api.statuses import status_of


def all_errors(kind: type[e.GridKitError] = e.GridKitError) -> list[type[e.GridKitError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in all_errors(child))]


STATUSES = {
    "access-denied": 403,
    "column-not-editable": 403,
    "column-unknown": 422,
    "cursor-invalid": 422,
    "cursor-mismatch": 409,
    "edit-invalid": 422,
    "event-origin-forbidden": 403,
    "event-rejected": 409,
    "event-type-unknown": 422,
    "export-format-unavailable": 422,
    "export-format-unknown": 422,
    "export-limit-reached": 409,
    "export-not-found": 404,
    "export-not-ready": 409,
    "export-options-invalid": 422,
    "export-too-large": 422,
    "filter-value-invalid": 422,
    "grid-not-found": 404,
    "method-arguments-invalid": 422,
    "method-not-found": 404,
    "operator-unknown": 422,
    "plugin-config-invalid": 422,
    "plugin-incompatible": 409,
    "plugin-initialize-failed": 422,
    "plugin-load-failed": 422,
    "plugin-manifest-invalid": 422,
    "plugin-method-failed": 500,
    "plugin-not-found": 404,
    "plugin-permission-denied": 422,
    "plugin-state-invalid": 409,
    "query-invalid": 422,
    "query-not-computable": 422,
    "query-limit-exceeded": 422,
    "record-not-found": 404,
    "settings-invalid": 500,
    "version-conflict": 412,
    "version-required": 428,
}


def test_each_error_of_the_tree_has_its_status() -> None:
    found = {kind.code: status_of(kind("x")) for kind in all_errors()}
    assert {code: found[code] for code in STATUSES} == STATUSES
    assert set(found.values()) <= {403, 404, 409, 412, 422, 428, 429, 500, 502, 503}


def test_expired_export_is_gone() -> None:
    assert status_of(e.ExportNotReadyError("x", extra={"expired": True})) == 410


def test_error_of_the_tree_speaks_for_itself() -> None:
    error = e.VersionConflictError("moved on", extra={"current": {"id": 1}, "type": "not this"})
    document = problem_of(error).document(instance="/p", request_id="r1")
    assert document == {
        "current": {"id": 1},
        "type": "urn:gridkit:problem:version-conflict",
        "title": "Version conflict",
        "status": 412,
        "detail": "moved on",
        "instance": "/p",
        "code": "version-conflict",
        "errors": [],
        "requestId": "r1",
    }


def test_single_faults_are_listed_with_their_pointers() -> None:
    problem = problem_of(e.FilterValueError.at("/filter/and/0", "no number"))
    assert problem.document(instance="", request_id="")["errors"] == [
        {"pointer": "/filter/and/0", "code": "filter-value-invalid", "detail": "no number"}
    ]


@pytest.mark.parametrize(
    "error", [e.SettingsError("SECRET"), e.GridDeclarationError("SECRET"), ValueError("SECRET"), KeyError("SECRET")]
)
def test_fault_of_the_site_tells_nothing_of_its_inside(error: Exception) -> None:
    problem = problem_of(error)
    assert problem.status == 500
    assert "SECRET" not in str(problem.document(instance="", request_id=""))


def test_failed_plugin_method_names_what_failed() -> None:
    assert problem_of(e.PluginMethodError("the plugin x failed")).detail == "the plugin x failed"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (drf.ParseError("x"), 400, "body-unreadable"),
        (drf.NotAuthenticated(), 401, "not-authenticated"),
        (drf.AuthenticationFailed(), 401, "authentication-failed"),
        (drf.PermissionDenied(), 403, "permission-denied"),
        (drf.NotFound(), 404, "not-found"),
        (drf.MethodNotAllowed("PUT"), 405, "method-not-allowed"),
        (drf.UnsupportedMediaType("text/plain"), 415, "media-type-unsupported"),
        (drf.Throttled(), 429, "throttled"),
        (Http404("No Secret matches"), 404, "not-found"),
        (PermissionDenied("secret"), 403, "permission-denied"),
        (SuspiciousOperation("secret"), 400, "request-suspicious"),
    ],
)
def test_errors_of_django_and_drf_have_stable_codes(error: Exception, status: int, code: str) -> None:
    problem = problem_of(error)
    assert (problem.status, problem.code) == (status, code)
    assert "ecret" not in problem.detail


def test_waiting_time_of_a_throttle_is_rounded_up() -> None:
    assert problem_of(drf.Throttled(wait=2.1)).headers == {"Retry-After": "3"}

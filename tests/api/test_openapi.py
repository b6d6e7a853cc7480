"""The OpenAPI document: valid, complete, and free of the project's settings."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from django.urls import URLPattern
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.validation import validate_schema
from rest_framework.test import APIClient

from gridkit_django.api.base import GridKitView
from gridkit_django.api.document import OpenAPIDocument
from gridkit_django.api.urls import endpoints
from tests.api.conftest import PRODUCTS, Provider

SCHEMA = "/gridkit/api/schema/"


@pytest.fixture
def document(anonymous: APIClient) -> dict[str, Any]:
    found: dict[str, Any] = anonymous.get(SCHEMA).json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, item) for path, methods in document["paths"].items() for method, item in methods.items()]


def test_document_is_public_and_says_what_it_is(anonymous: APIClient, document: dict[str, Any]) -> None:
    response = anonymous.get(SCHEMA)
    assert response["Content-Type"] == "application/vnd.oai.openapi+json"
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "/gridkit/api"}]


@pytest.mark.unmeasured
def test_document_is_valid_openapi(document: dict[str, Any]) -> None:
    validate_schema(document)


def test_document_is_made_without_a_warning() -> None:
    GENERATOR_STATS.reset()
    OpenAPIDocument(list(endpoints)).mounted_at("/x")
    assert not GENERATOR_STATS


def test_every_method_of_every_endpoint_is_described(document: dict[str, Any]) -> None:
    described = {(item["operationId"]) for _path, _method, item in operations(document)}
    known = [
        operation.id
        for pattern in endpoints
        if isinstance(pattern, URLPattern)
        for operation in pattern.callback.cls.operations.values()
    ]
    assert sorted(described) == sorted(known)
    assert len(known) == len(set(known))


def test_every_handler_of_a_view_has_its_operation() -> None:
    for pattern in endpoints:
        view: type[GridKitView] = pattern.callback.cls
        handlers = {name.upper() for name in view.http_method_names if hasattr(view, name)} - {"OPTIONS"}
        assert handlers == set(view.operations), view


def test_every_refusal_is_described_as_a_problem_document(document: dict[str, Any]) -> None:
    for path, method, item in operations(document):
        for status, answer in item["responses"].items():
            assert "X-Request-ID" in answer["headers"], (path, method, status)
            if int(status) >= 400:
                schema = answer["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, (path, method, status)
        assert {"400", "500"} <= set(item["responses"])


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*(references(item) for item in node.values()))
        return set().union(*(references(item) for item in node)) if isinstance(node, list) else set()

    names = {reference.removeprefix("#/components/schemas/") for reference in references(document)}
    assert names <= set(document["components"]["schemas"])


def test_every_endpoint_but_the_document_and_signed_links_needs_authentication(document: dict[str, Any]) -> None:
    public = {item["operationId"] for _path, _method, item in operations(document) if {} in item["security"]}
    assert public == {"getLinkedResult", "getOpenAPI"}
    assert set(document["components"]["securitySchemes"]) == {"basic", "session", "token"}


def test_settings_of_the_project_do_not_change_the_document(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TITLE": "Other", "CAMELIZE_NAMES": True, "SCHEMA_PATH_PREFIX_INSERT": "/x"}.items():
        monkeypatch.setattr(spectacular_settings, name, value)
    monkeypatch.setattr(spectacular_settings, "PREPROCESSING_HOOKS", [lambda **_kwargs: []])
    assert OpenAPIDocument(list(endpoints)).mounted_at("/gridkit/api") == document


@pytest.mark.parametrize(
    ("name", "method", "address", "body"),
    [
        ("GridList", "get", "/gridkit/api/grids/", None),
        ("GridEntry", "get", PRODUCTS, None),
        ("GridSchema", "get", PRODUCTS + "schema/", None),
        ("RowsAnswer", "post", PRODUCTS + "rows/", {}),
        ("MethodList", "get", PRODUCTS + "methods/", None),
        ("JobPage", "get", PRODUCTS + "jobs/", None),
        ("ViewList", "get", PRODUCTS + "views/", None),
        ("ViewAnswer", "post", PRODUCTS + "views/", {"name": "Mine", "state": {"query": {"search": "x"}}}),
        ("Problem", "get", "/gridkit/api/grids/none/", None),
    ],
)
def test_answers_fit_their_description(
    document: dict[str, Any],
    editor: APIClient,
    products: list[Any],
    provider: Provider,
    name: str,
    method: str,
    address: str,
    body: Any,
) -> None:
    answer = getattr(editor, method)(address, body, format="json").json()
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer)

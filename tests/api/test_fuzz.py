"""Schemathesis over the OpenAPI document: whatever fits it, and whatever does not, is answered and never with a 500."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest
import schemathesis
from django.contrib.auth.models import User
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient
from schemathesis import Case, GenerationMode
from schemathesis.core import NOT_SET

from gridkit_django.api.urls import document
from gridkit_django.grids import open_grid
from gridkit_django.grids.views import ViewDraft, save_view
from gridkit_django.models import InstalledPlugin
from tests.api.conftest import client_of

pytestmark = [pytest.mark.both_databases, pytest.mark.postgres_only, pytest.mark.unmeasured]

ROOT = "/gridkit/api"
OPENAPI: dict[str, Any] = document.mounted_at(ROOT)
OPERATIONS = {
    found.definition.raw["operationId"]: found
    for found in (result.ok() for result in schemathesis.openapi.from_dict(OPENAPI).get_all_operations())
}
EXAMPLES = 4


@pytest.fixture
def boss(db: None) -> APIClient:
    """Somebody who may do everything."""
    return client_of(User.objects.create_superuser("boss"))


@pytest.fixture
def parts(boss: APIClient, products: list[Any], clerk: InstalledPlugin) -> dict[str, str]:
    """Parts of addresses that lead to something."""
    view = save_view(open_grid("api-products", User.objects.get(username="boss")), ViewDraft(name="Mine"))
    return {
        "grid": "api-products",
        "column": "stock",
        "record": str(products[0].pk),
        "view": str(view.id),
        "plugin": clerk.plugin_id,
        "dialect": "aggrid",
    }


def send(client: APIClient, case: Case, parts: dict[str, str]) -> Any:
    """Send a case; parts of the address that have to name something do so."""
    path = {**case.path_parameters, **{name: text for name, text in parts.items() if name in case.path_parameters}}
    address = case.path.format(**{name: _in_path(text) for name, text in path.items()})
    query = urlencode({name: _text(value) for name, value in (case.query or {}).items()})
    headers = {
        name: str(value)
        for name, value in (case.headers or {}).items()
        if _sendable(str(value)) and name != "Authorization"  # the session says who it is
    }
    body = b"" if case.body is NOT_SET else case.body
    if not isinstance(body, bytes):
        body = json.dumps(body, default=repr).encode("utf-8", "surrogatepass")
    return client.generic(
        case.method,
        f"{ROOT}{address}{'?' if query else ''}{query}",
        body,
        content_type="application/json",
        headers=headers,
    )


def _in_path(value: Any) -> str:
    return urlencode({"": str(value)}, encoding="utf-8", errors="surrogatepass").removeprefix("=").replace("+", "%20")


def _text(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "replace").decode()


def _sendable(value: str) -> bool:
    return value.isascii() and value.isprintable()


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_answer_is_one_that_the_document_describes(
    name: str, boss: APIClient, parts: dict[str, str], queued: list[Any]
) -> None:
    operation = OPERATIONS[name]
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, strays=st.sampled_from((False, False, False, True)))
    def ask(case: Case, *, strays: bool) -> None:
        judge(name, send(boss, case, {} if strays else parts))

    ask()


def judge(name: str, response: Any) -> None:
    """Refuse an answer that is none of the document's."""
    described = OPERATIONS[name].definition.raw["responses"]
    status = str(response.status_code)
    assert int(status) < 500, response.content
    if int(status) in (404, 405) and status not in described:
        return  # the address itself is none of this operation's
    assert status in described, (status, response.content[:500])
    content = described[status].get("content")
    kind = response.headers.get("Content-Type", "").split(";")[0]
    if int(status) >= 400:
        assert kind == "application/problem+json"
    if content and kind.endswith(("/json", "+json")):
        schema = {**content[kind]["schema"], "components": OPENAPI["components"]}
        jsonschema.Draft202012Validator(schema).validate(json.loads(response.content))

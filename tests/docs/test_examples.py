"""Functions, settings and templates that the pages show do what the pages say."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.http import HttpRequest
from django.template import RequestContext, Template
from django.test import Client

from gridkit_django.conf import read_settings
from gridkit_django.exceptions import GridNotFoundError
from gridkit_django.grids import open_grid
from gridkit_django.grids.registration import sync_registered_grids
from tests.docs.pages import Block, blocks, text_of

FLIGHTS = "/gridkit/api/grids/flights/"
JSON = "application/json"


def function(page: str, name: str) -> Any:
    """Return a function that a page shows."""
    found = next(block for block in blocks("python") if block.page == f"docs/{page}" and f"def {name}(" in block.text)
    names: dict[str, Any] = {}
    exec(found.text, names)  # noqa: S102 - the words of our own page
    return names[name]


def dicts() -> list[Block]:
    """Return the blocks that set the GRIDKIT dict."""
    return [block for block in blocks("python") if "GRIDKIT = {" in block.text]


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", password="root-of-all")


@pytest.fixture
def basic() -> dict[str, str]:
    """The header that says root and its password."""
    return {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(b"root:root-of-all").decode()}


@pytest.mark.parametrize("block", dicts(), ids=str)
def test_settings_on_a_page_are_settings(block: Block, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "secret")
    names: dict[str, Any] = {"BASE_DIR": tmp_path}
    exec(block.text, names)  # noqa: S102 - the words of our own page
    read_settings(names["GRIDKIT"])


@pytest.mark.django_db
def test_page_on_rights_opens_all_grids_to_a_group_and_one_to_another() -> None:
    sync_registered_grids()
    reader, editor = (User.objects.create_user(name) for name in ("reader", "editor"))
    reader.groups.add(function("how-to/grant-rights.md", "make_readers")())
    editors = Group.objects.create(name="Editors")
    function("how-to/grant-rights.md", "open_to")(editors, "airlines")
    editor.groups.add(editors)
    what_sees = function("how-to/grant-rights.md", "what_sees")

    columns, rows = what_sees("reader", "flights")

    assert ("tailnum" in columns, "carrier" in columns, rows) == (False, True, 0)
    assert what_sees("editor", "airlines") == (["carrier", "name"], 0)
    assert open_grid("airlines", User.objects.get(username="editor")).can_edit
    assert not open_grid("flights", User.objects.get(username="reader")).can_edit
    with pytest.raises(GridNotFoundError):
        what_sees("editor", "flights")


def test_pages_on_grids_and_performance_read_and_explain(root: User) -> None:
    assert function("reference/grids.md", "delayed")(root) == ()
    explain = function("explanation/performance.md", "explain")
    assert "flight" in explain(root, "flights", {"sort": [{"col": "dep_delay"}]}).lower()


def test_page_on_templates_shows_a_grid_and_refuses_visitors(root: User) -> None:
    page = next(block.text for block in blocks("html") if "gridkit_grid" in block.text)
    template = Template(page.replace('"orders"', '"airlines"'))
    request = HttpRequest()
    request.user = root
    html = template.render(RequestContext(request, {}))
    assert '<gridkit-grid grid="airlines"' in html
    assert "gridkit/gridkit.js" in html
    request.user = AnonymousUser()
    with pytest.raises(GridNotFoundError):
        template.render(RequestContext(request, {}))


def test_problem_on_the_page_of_errors_is_what_the_api_answers(
    root: User, client: Client, basic: dict[str, str]
) -> None:
    shown = next(json.loads(block.text) for block in blocks("json") if block.page == "docs/reference/errors.md")
    asked = {"sort": [{"col": "nope", "dir": "asc"}]}
    answer = client.post(f"{FLIGHTS}rows/", asked, content_type=JSON, **basic)  # type: ignore[arg-type]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() | {"requestId": "…"} == shown
    assert answer.json()["requestId"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("code", "method", "path", "body", "kind"),
    [
        ("not-found", "get", "/gridkit/api/nothing/", "", JSON),
        ("method-not-allowed", "delete", f"{FLIGHTS}schema/", "", JSON),
        ("media-type-unsupported", "post", f"{FLIGHTS}rows/", "words", "text/plain"),
        ("body-unreadable", "post", f"{FLIGHTS}rows/", "{", JSON),
        ("body-invalid", "post", "/gridkit/api/plugins/", "[]", JSON),
        ("body-too-large", "post", f"{FLIGHTS}rows/", json.dumps({"search": "a" * 1_000_001}), JSON),
    ],
)
def test_http_refusal_has_the_status_of_the_page(
    code: str, method: str, path: str, body: str, kind: str, root: User, client: Client, basic: dict[str, str]
) -> None:
    answer = client.generic(method.upper(), path, body, kind, **basic)  # type: ignore[arg-type]
    assert answer.json()["code"] == code
    assert f"| `{code}` | {answer.status_code} |" in text_of("reference/errors.md")


@pytest.mark.django_db
def test_nobody_and_a_wrong_password_are_told_apart_as_on_the_page(client: Client, basic: dict[str, str]) -> None:
    nobody, wrong = client.get(f"{FLIGHTS}schema/"), client.get(f"{FLIGHTS}schema/", **basic)  # type: ignore[arg-type]
    codes = [answer.json()["code"] for answer in (nobody, wrong)]
    assert (nobody.status_code, wrong.status_code, codes) == (401, 401, ["not-authenticated", "authentication-failed"])
    assert "| `not-authenticated`, `authentication-failed` | 401 |" in text_of("reference/errors.md")

"""What all endpoints share: authentication, ids, parameters, bodies and refusals."""

from __future__ import annotations

import base64
import logging
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from gridkit_django.api.views import grids as grid_views
from gridkit_django.events import Act, EventSource, current_act
from tests.api.conftest import PRODUCTS, client_of

GRIDS = "/gridkit/api/grids/"


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """Assert a whole problem document and return it."""
    assert response.status_code == status, (response.wsgi_request.get_full_path(), response.content)
    assert response["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["status"] == status
    assert document["code"] == code
    assert document["type"] == f"urn:gridkit:problem:{code}"
    assert document["instance"] == response.wsgi_request.path
    assert document["requestId"] == response["X-Request-ID"]
    assert document["detail"]
    return document


def basic(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def test_request_without_authentication_is_challenged(anonymous: APIClient) -> None:
    response = anonymous.get(GRIDS)
    assert_problem(response, 401, "not-authenticated")
    assert response["WWW-Authenticate"] == 'Basic realm="gridkit"'


@pytest.mark.parametrize(("mode", "scheme"), [("cors", "Session"), ("same-origin", "Session"), ("navigate", "Basic")])
def test_script_in_a_page_is_not_challenged_with_a_password_window(
    anonymous: APIClient, mode: str, scheme: str
) -> None:
    response = anonymous.get(GRIDS, headers={"Sec-Fetch-Mode": mode})
    assert_problem(response, 401, "not-authenticated")
    assert response["WWW-Authenticate"] == f'{scheme} realm="gridkit"'


def test_basic_authentication_is_accepted_and_a_wrong_password_is_not(
    anonymous: APIClient, make_user: Callable[..., User]
) -> None:
    make_user("reader", "gridkit_django.open_grid")
    assert anonymous.get(GRIDS, headers=basic("reader", "secret")).status_code == 200
    response = anonymous.get(GRIDS, headers=basic("reader", "wrong"))
    assert_problem(response, 401, "authentication-failed")
    assert "Basic" in response["WWW-Authenticate"]


def test_token_is_accepted(anonymous: APIClient, make_user: Callable[..., User]) -> None:
    token = Token.objects.create(user=make_user("reader"))
    assert anonymous.get(GRIDS, headers={"authorization": f"Token {token.key}"}).status_code == 200
    assert_problem(anonymous.get(GRIDS, headers={"authorization": "Token x"}), 401, "authentication-failed")


def test_token_means_nothing_where_the_project_has_no_tokens(
    anonymous: APIClient, make_user: Callable[..., User], settings: Any
) -> None:
    token = Token.objects.create(user=make_user("reader"))
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "rest_framework.authtoken"]
    assert_problem(anonymous.get(GRIDS, headers={"authorization": f"Token {token.key}"}), 401, "not-authenticated")


def test_session_needs_its_csrf_token_for_unsafe_methods(make_user: Callable[..., User]) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(make_user("reader", "gridkit_django.open_grid"))
    assert client.get(GRIDS).status_code == 200
    assert_problem(client.post(PRODUCTS + "rows/", {}, format="json"), 403, "csrf-failed")
    client.cookies["csrftoken"] = "a" * 32
    response = client.post(PRODUCTS + "rows/", {}, format="json", headers={"X-CSRFToken": "a" * 32})
    assert response.status_code == 200


def test_basic_authentication_needs_no_csrf_token(make_user: Callable[..., User]) -> None:
    make_user("reader", "gridkit_django.open_grid")
    client = APIClient(enforce_csrf_checks=True)
    response = client.post(PRODUCTS + "rows/", {}, format="json", headers=basic("reader", "secret"))
    assert response.status_code == 200


def test_inactive_user_is_refused(anonymous: APIClient, make_user: Callable[..., User]) -> None:
    make_user("gone", is_active=False)
    assert_problem(anonymous.get(GRIDS, headers=basic("gone", "secret")), 401, "authentication-failed")


def test_well_formed_request_id_comes_back_and_another_is_replaced(reader: APIClient) -> None:
    assert reader.get(GRIDS, headers={"X-Request-ID": "trace-1.a:b_c"})["X-Request-ID"] == "trace-1.a:b_c"
    for bad in ("with space", "x" * 129, "-first", "", 'quote"'):
        made = reader.get(GRIDS, headers={"X-Request-ID": bad})["X-Request-ID"]
        assert uuid.UUID(made)


def test_answers_are_not_kept_by_caches_nor_sniffed(reader: APIClient) -> None:
    response = reader.get(GRIDS)
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Type"] == "application/json"


def test_request_acts_as_its_user_with_the_facts_of_the_request(
    reader: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts: list[Act] = []
    monkeypatch.setattr(grid_views, "open_grids", lambda _user: acts.append(current_act()) or ())
    reader.get(GRIDS, headers={"X-Request-ID": "r1", "User-Agent": "a" * 500}, REMOTE_ADDR="192.0.2.1")
    assert acts[0].actor.label == "reader"
    assert acts[0].source is EventSource.API
    told = dict(acts[0].metadata)
    assert len(told.pop("session")) == 32
    assert told == {"requestId": "r1", "ip": "192.0.2.1", "userAgent": "a" * 300}
    assert current_act().actor.label != "reader"


def test_unknown_query_parameter_is_refused(reader: APIClient) -> None:
    document = assert_problem(reader.get(GRIDS + "?colour=red"), 422, "query-invalid")
    assert document["errors"][0]["pointer"] == "?colour"


def test_wrong_method_names_the_right_ones(reader: APIClient) -> None:
    response = reader.put(GRIDS, {}, format="json")
    assert_problem(response, 405, "method-not-allowed")
    assert response["Allow"] == "GET, HEAD, OPTIONS"
    assert_problem(reader.options(GRIDS), 405, "method-not-allowed")


def test_head_answers_like_get_without_body(reader: APIClient) -> None:
    response = reader.head(GRIDS)
    assert (response.status_code, response.content) == (200, b"")


def test_accept_header_changes_nothing(reader: APIClient) -> None:
    response = reader.get(GRIDS, headers={"Accept": "text/html"})
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


def test_other_media_type_than_json_is_refused(reader: APIClient) -> None:
    response = reader.post(PRODUCTS + "rows/", "a=b", content_type="application/x-www-form-urlencoded")
    assert_problem(response, 415, "media-type-unsupported")


def test_broken_json_is_refused(reader: APIClient) -> None:
    response = reader.post(PRODUCTS + "rows/", "{", content_type="application/json; charset=utf-8")
    assert_problem(response, 400, "body-unreadable")


def test_large_body_is_refused(reader: APIClient, settings: Any) -> None:
    settings.GRIDKIT = {"BODY_BYTES_MAX": 50}
    response = reader.post(PRODUCTS + "rows/", {"search": "x" * 60}, format="json")
    assert_problem(response, 413, "body-too-large")


def test_body_that_is_no_object_is_refused(editor: APIClient, products: list[Any]) -> None:
    address = f"{PRODUCTS}records/{products[0].pk}/"
    response = editor.patch(address, [1], format="json", headers={"If-Match": '"x"'})
    assert_problem(response, 422, "body-invalid")


def test_rate_of_the_settings_is_kept_per_scope(reader: APIClient, settings: Any) -> None:
    cache.clear()
    settings.GRIDKIT = {"THROTTLE_RATES": {"rows": "2/min", "edits": None}}
    answers = [reader.post(PRODUCTS + "rows/", {}, format="json") for _ in range(3)]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert_problem(answers[2], 429, "throttled")
    assert 0 < int(answers[2]["Retry-After"]) <= 60
    assert reader.get(GRIDS).status_code == 200
    cache.clear()


def test_fault_in_a_view_is_logged_and_tells_nothing(
    reader: APIClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_user: object) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(grid_views, "open_grids", fail)
    with caplog.at_level(logging.ERROR, logger="gridkit_django.api"):
        response = reader.get(GRIDS, headers={"X-Request-ID": "find-me"})
    assert_problem(response, 500, "server-error")
    assert b"secret" not in response.content
    assert "find-me" in caplog.text
    assert "the secret inside" in caplog.text


@pytest.mark.parametrize("address", ["", "nothing/", "grids/x/unknown/", "grids/api-products/jobs/1/"])
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_wrong_address_answers_with_a_problem_document(anonymous: APIClient, address: str, method: str) -> None:
    assert_problem(getattr(anonymous, method)(f"/gridkit/api/{address}"), 404, "not-found")


def test_missing_last_slash_is_redirected_with_method_and_body_kept(reader: APIClient) -> None:
    response = reader.post("/gridkit/api/grids/api-products/rows?x=1", {}, format="json")
    assert (response.status_code, response["Location"]) == (308, "/gridkit/api/grids/api-products/rows/?x=1")
    followed = reader.post("/gridkit/api/grids/api-products/rows", {"count": "none"}, format="json", follow=True)
    assert followed.json()["count"]["is"] == "unknown"


def test_missing_last_slash_at_a_wrong_address_is_not_redirected(reader: APIClient) -> None:
    assert_problem(reader.get("/gridkit/api/nothing"), 404, "not-found")


def test_unauthenticated_request_is_refused_before_its_address_is_judged(anonymous: APIClient) -> None:
    for address in ("grids/api-products/schema/", "grids/none/schema/"):
        assert_problem(anonymous.get(f"/gridkit/api/{address}"), 401, "not-authenticated")


def test_stranger_and_missing_grid_answer_alike(stranger: APIClient, reader: APIClient) -> None:
    for address in ("schema/", "methods/", "jobs/", "records/1/", ""):
        forbidden = assert_problem(stranger.get(PRODUCTS + address), 404, "grid-not-found")
        missing = assert_problem(reader.get(f"{GRIDS}api-productz/{address}"), 404, "grid-not-found")
        assert forbidden["detail"].replace("api-products", "") == missing["detail"].replace("api-productz", "")


def test_user_of_the_session_is_found_again(make_user: Callable[..., User]) -> None:
    assert client_of(make_user("reader", "gridkit_django.open_grid")).get(GRIDS).json()["results"]

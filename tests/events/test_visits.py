"""Which visit an act belongs to: what the browser says, else the login; never what is malformed."""

from __future__ import annotations

import pytest
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.test import RequestFactory

from gridkit_django.events import NO_VISIT, EventSource, Visit, acting, current_act, make_event, request_act
from gridkit_django.events.payloads import Actor
from gridkit_django.events.visits import read_visit


@pytest.mark.parametrize(
    ("headers", "visit"),
    [
        ({}, NO_VISIT),
        ({"X-GridKit-Visit": "session-1"}, Visit("session-1")),
        ({"X-GridKit-Visit": "session-1.browser-1"}, Visit("session-1", "browser-1")),
        ({"X-GridKit-Visit": "short"}, NO_VISIT),
        ({"X-GridKit-Visit": "session-1.browser-1.more"}, NO_VISIT),
        ({"X-GridKit-Visit": "<script>alert(1)</script>"}, NO_VISIT),
        ({"DNT": "1"}, Visit(is_private=True)),
        ({"Sec-GPC": "1", "X-GridKit-Visit": "session-1"}, Visit("session-1", "", is_private=True)),
        ({"DNT": "0", "Sec-GPC": "0"}, NO_VISIT),
    ],
)
def test_visit_is_read_from_the_headers(headers: dict[str, str], visit: Visit):
    assert read_visit(RequestFactory().get("/", headers=headers).headers) == visit


def test_session_of_the_login_stands_for_one_that_the_browser_did_not_name():
    request = RequestFactory().get("/")
    request.session = SessionStore("key-of-a-login")
    visit = request_act(request)().visit
    assert len(visit.session) == 32
    assert "key-of" not in visit.session
    named = RequestFactory().get("/", headers={"X-GridKit-Visit": "session-1"})
    named.session = SessionStore("key-of-a-login")
    assert request_act(named)().visit == Visit("session-1")


def test_events_carry_the_visit_of_the_act_and_keep_it_in_the_process():
    with acting(Actor.system("test"), EventSource.API, visit=Visit("session-1", "browser-1")):
        event = make_event("sort:change", {"sort": []}, grid="flights")
        assert current_act().visit is event.visit
    assert event.visit == Visit("session-1", "browser-1")
    assert "session-1" not in str(event.as_dict())

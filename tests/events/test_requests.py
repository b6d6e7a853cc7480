"""The act that a request is: who, from where, in whose name, why."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.signing import TimestampSigner
from django.http import HttpRequest
from django.test import RequestFactory

from gridkit_django.events import Actor, ActorKind, EventSource, request_act
from gridkit_django.exceptions import SettingsError


class Session(dict[str, Any]):
    """A session as far as an act reads it."""

    session_key = "key-of-session"
    modified = False


def made(user: Any = None, session: Any = None, **headers: str) -> HttpRequest:
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR="10.0.0.1")
    if user is not None:
        request.user = user
    if session is not None:
        request.session = session
    return request


def test_user_is_read_when_somebody_asks() -> None:
    request = made()
    act = request_act(request)
    assert act().actor.kind == ActorKind.ANONYMOUS
    request.user = User(pk=7, username="ada")
    assert act().actor == Actor(ActorKind.USER, "7", "ada")
    assert act() is act()
    request.user = AnonymousUser()
    assert act().actor.kind == ActorKind.ANONYMOUS
    assert act().source == EventSource.WEB


def test_ids_stay_the_same_for_the_whole_request() -> None:
    request = made(**{"X-Request-ID": "r-1", "X-Correlation-ID": "c-1"})
    before = request_act(request)()
    request.user = User(pk=7, username="ada")
    after = request_act(request)()
    assert (before.id, before.began_at, before.correlation_id) == (after.id, after.began_at, after.correlation_id)
    assert before.actor != after.actor
    assert after.correlation_id == "c-1"
    assert dict(after.metadata)["requestId"] == "r-1"


def test_other_circumstances_are_told_under_another_id() -> None:
    request = made(**{"X-Correlation-ID": "c-1"})
    before = request_act(request)()
    request.session = Session()  # type: ignore[assignment]
    request.user = User(pk=7, username="ada")
    after = request_act(request)()
    api = request_act(request, EventSource.API)()
    assert api.source == EventSource.API
    assert len({before.id, after.id, api.id}) == 3
    assert {act.correlation_id for act in (before, after, api)} == {"c-1"}


@pytest.mark.parametrize("given", ["", "a b", "-x", "x" * 129, "é"])
def test_correlation_id_that_is_not_well_formed_is_replaced(given: str) -> None:
    told = request_act(made(**{"X-Correlation-ID": given}))().correlation_id
    assert told != given
    assert len(told) == 36


def test_whoever_finds_the_user_writes_before_anybody_is_known() -> None:
    request = made()
    act = request_act(request)
    seen: list[Actor] = []

    class Writes:
        """A user whose loading writes a row."""

        @property
        def is_authenticated(self) -> bool:
            seen.append(act().actor)
            return False

    request.user = Writes()  # type: ignore[assignment]
    assert act().actor.kind == ActorKind.ANONYMOUS
    assert [actor.kind for actor in seen] == [ActorKind.ANONYMOUS]


def test_session_is_told_by_a_digest_and_not_by_its_key() -> None:
    told = dict(request_act(made(session=Session()))().metadata)["session"]
    assert len(told) == 32
    assert "key-of-session" not in told
    assert "session" not in dict(request_act(made())().metadata)


def test_reason_comes_with_a_header_in_plain_or_encoded_letters() -> None:
    assert request_act(made(**{"X-Change-Reason": "audit 2026"}))().reason == "audit 2026"
    assert request_act(made(**{"X-Change-Reason": "f%C3%BCr%20Ada"}))().reason == "für Ada"
    assert len(request_act(made(**{"X-Change-Reason": "x" * 5000}))().reason) == 1000


def address(settings: Any, proxies: list[str], peer: str, forwarded: str) -> str:
    settings.GRIDKIT = {"AUDIT_TRUSTED_PROXIES": proxies}
    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded}, REMOTE_ADDR=peer)
    return dict(request_act(request)().metadata)["ip"]


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "expected"),
    [
        ([], "10.0.0.1", "192.0.2.9", "10.0.0.1"),
        (["10.0.0.0/8"], "198.51.100.1", "192.0.2.9", "198.51.100.1"),
        (["10.0.0.0/8"], "10.0.0.1", "192.0.2.9", "192.0.2.9"),
        (["10.0.0.0/8"], "10.0.0.1", "1.1.1.1, 192.0.2.9, 10.0.0.2", "192.0.2.9"),
        (["10.0.0.0/8"], "10.0.0.1", "1.1.1.1, nonsense", "10.0.0.1"),
        (["10.0.0.0/8", "fd00::/8"], "fd00::1", "2001:db8::1", "2001:db8::1"),
        (["10.0.0.0/8"], "10.0.0.1", "", "10.0.0.1"),
    ],
)
def test_address_is_what_trusted_proxies_say(
    settings: Any, proxies: list[str], peer: str, forwarded: str, expected: str
) -> None:
    assert address(settings, proxies, peer, forwarded) == expected


def test_proxy_that_is_no_address_is_a_wrong_setting(settings: Any) -> None:
    with pytest.raises(SettingsError, match="AUDIT_TRUSTED_PROXIES"):
        address(settings, ["proxy.example.org"], "10.0.0.1", "")


@pytest.mark.django_db
def test_sessions_of_hijack_and_loginas_name_who_took_over() -> None:
    ada = User.objects.create_user("ada")
    other = User(pk=99, username="other")
    expected = Actor(ActorKind.USER, str(ada.pk), "ada")
    for session in ({"hijack_history": [str(ada.pk)]}, {"loginas_from_user": TimestampSigner().sign(str(ada.pk))}):
        act = request_act(made(other, Session(session)))()
        assert (act.actor.id, act.impersonator) == ("99", expected)
    session = Session()
    session.modified = True
    taken_over_now = request_act(made(other, session))
    assert taken_over_now().impersonator is None
    session["hijack_history"] = [str(ada.pk)]
    assert taken_over_now().impersonator == expected


@pytest.mark.django_db
def test_session_that_names_nobody_who_is_there_keeps_what_it_says() -> None:
    for session, key in (({"hijack_history": ["4711"]}, "4711"), ({"loginas_from_user": "1:forged"}, "unknown")):
        impersonator = request_act(made(User(pk=1, username="x"), Session(session)))().impersonator
        assert impersonator == Actor(ActorKind.USER, key, key)


def test_hook_of_the_site_names_the_impersonator(settings: Any) -> None:
    settings.GRIDKIT = {"AUDIT_IMPERSONATOR": "tests.shop.hooks.whoever"}
    assert request_act(made(**{"X-Boss": "1"}))().impersonator == Actor(ActorKind.USER, "5", "boss")
    assert request_act(made(session=Session(hijack_history=["1"])))().impersonator is None
    himself = request_act(made(User(pk=5, username="boss"), **{"X-Boss": "1"}))
    assert himself().impersonator is None

"""The middleware for whole sites: every write names its actor, and nobody is left when the request is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from rest_framework.authentication import TokenAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gridkit_django.admin import read_only
from gridkit_django.audit import Target, record
from gridkit_django.events import held_act
from gridkit_django.exceptions import ReasonRequiredError
from gridkit_django.models import AuditRecord
from tests.urls import urlpatterns as site

pytestmark = pytest.mark.django_db(transaction=True)

SETTINGS = {
    "ROOT_URLCONF": __name__,
    "MIDDLEWARE": [
        "gridkit_django.middleware.AuditMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
}


def note(text: str = "1") -> None:
    """Write a record, as any code of a view may."""
    with transaction.atomic():
        record("thing.do", target=Target("thing", text))


def plain(request: HttpRequest) -> HttpResponse:
    """Write."""
    note()
    return HttpResponse()


def failing(request: HttpRequest) -> HttpResponse:
    """Write, then fail."""
    note()
    raise ZeroDivisionError


def unsaid(request: HttpRequest) -> HttpResponse:
    """Write, then do what needs a reason, as a page does that knows of none."""
    note()
    raise ReasonRequiredError("Say why: a change of shop.<order> needs a reason. Nothing was changed.")


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    """Write while the answer is sent."""

    def parts() -> Iterator[str]:
        note("part")
        yield "a"

    return StreamingHttpResponse(parts())


async def in_async(request: HttpRequest) -> HttpResponse:
    """Write from a coroutine."""
    await sync_to_async(note)()
    return HttpResponse()


async def in_loop(request: HttpRequest) -> HttpResponse:
    """Ask who acts where nobody may ask the database, as sending a task does."""
    told = held_act()
    await sync_to_async(note)(told.actor.label if told else "")
    return HttpResponse()


async def streamed_async(request: HttpRequest) -> StreamingHttpResponse:
    """Write from a coroutine while the answer is sent."""

    async def parts() -> AsyncIterator[str]:
        await sync_to_async(note)("part")
        yield "a"

    return StreamingHttpResponse(parts())


class ByToken(APIView):
    """Authenticates in the view, as Django REST framework does."""

    authentication_classes = (TokenAuthentication,)

    def post(self, request: Request) -> Response:
        """Write."""
        note()
        return Response({})


urlpatterns = [
    path("plain/", plain),
    path("failing/", failing),
    path("unsaid/", unsaid),
    path("streamed/", streamed),
    path("async/", in_async),
    path("loop/", in_loop),
    path("streamed-async/", streamed_async),
    path("token/", ByToken.as_view()),
    *site,
]


@pytest.fixture(autouse=True)
def with_middleware() -> Iterator[None]:
    with override_settings(**SETTINGS):
        yield
    assert held_act() is None


@pytest.fixture
def ada() -> User:
    return User.objects.create_superuser("ada", password="pass")


def only_record() -> AuditRecord:
    return AuditRecord.objects.get(action="thing.do")


def test_write_of_a_view_names_the_user_and_the_circumstances(ada: User) -> None:
    client = Client(headers={"User-Agent": "Browser/1", "X-Change-Reason": "why not"})
    client.force_login(ada)
    client.get("/plain/")
    found = only_record()
    assert (found.actor_kind, found.actor_id, found.actor_label) == ("user", str(ada.pk), "ada")
    told = found.context
    assert (told["source"], told["userAgent"], told["ip"], told["reason"]) == (
        "web",
        "Browser/1",
        "127.0.0.1",
        "why not",
    )
    assert told["session"]
    assert client.session.session_key not in str(told)


def test_write_without_a_user_is_nobodys(db: None) -> None:
    Client().get("/plain/")
    assert only_record().actor_kind == "anonymous"


def test_user_of_a_token_is_found_in_the_view(ada: User) -> None:
    token = Token.objects.create(user=ada)
    Client(headers={"Authorization": f"Token {token.key}"}).post("/token/")
    assert only_record().actor_id == str(ada.pk)


def test_failed_request_leaves_nobody_behind(ada: User) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(ada)
    assert client.get("/failing/").status_code == 500
    assert held_act() is None
    Client().get("/plain/")
    assert [found.actor_kind for found in AuditRecord.objects.filter(action="thing.do")] == ["anonymous", "user"]


@pytest.mark.parametrize("loop", [False, True])
def test_change_that_nobody_gave_a_reason_for_is_told_to_the_person_and_is_no_fault_of_the_site(loop: bool) -> None:
    response = asyncio.run(AsyncClient().get("/unsaid/")) if loop else Client().get("/unsaid/")
    text = response.content.decode()
    assert response.status_code == 422
    assert '<p role="alert">Say why: a change of shop.&lt;order&gt; needs a reason. Nothing was changed.</p>' in text
    assert held_act() is None


def test_parts_of_a_streamed_answer_are_made_by_the_user(ada: User) -> None:
    client = Client()
    client.force_login(ada)
    assert b"".join(client.get("/streamed/").streaming_content) == b"a"
    assert only_record().actor_id == str(ada.pk)


@pytest.mark.parametrize("address", ["/async/", "/loop/", "/plain/", "/streamed-async/"])
def test_asynchronous_requests_name_their_users(ada: User, address: str) -> None:
    async def ask() -> int:
        client = AsyncClient()
        await client.aforce_login(ada)
        response = await client.get(address)
        if response.streaming:
            assert [part async for part in response.streaming_content] == [b"a"]
        return response.status_code

    assert asyncio.run(ask()) == 200
    assert only_record().actor_id == str(ada.pk)


def test_requests_at_the_same_time_do_not_mix(db: None) -> None:
    users = [User.objects.create_user(f"user-{number}") for number in range(4)]

    async def ask() -> None:
        clients = []
        for user in users:
            client = AsyncClient()
            await client.aforce_login(user)
            clients.append(client)
        await asyncio.gather(*(client.get("/async/") for client in clients for _ in range(3)))

    asyncio.run(ask())
    found: list[Any] = sorted(AuditRecord.objects.values_list("actor_label", flat=True))
    assert found == sorted(f"user-{number}" for number in range(4) for _ in range(3))


def test_pages_of_the_admin_are_told_as_such(ada: User) -> None:
    client = Client()
    client.force_login(ada)
    seen = []
    original = read_only.ReadOnlyAdmin.has_add_permission

    def spy(self: Any, request: HttpRequest) -> bool:
        act = held_act()
        seen.append(act and act.source.value)
        return original(self, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read_only.ReadOnlyAdmin, "has_add_permission", spy)
        client.get("/admin/gridkit_django/exportjob/")
    assert set(seen) == {"admin"}


def test_api_goes_on_with_the_act_of_the_middleware(ada: User) -> None:
    client = Client(headers={"X-Request-ID": "r-7"})
    client.force_login(ada)
    assert client.get("/gridkit/api/grids/")["X-Request-ID"] == "r-7"

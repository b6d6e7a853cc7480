"""Middleware that makes every write of a whole site name its actor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from gridkit_django.events import RequestAct, carry_parts, holding, request_act, swap_act
from gridkit_django.exceptions import ReasonRequiredError


class AuditMiddleware:
    """Let each request be an act: whatever its view writes bears the user, address, request id and reason.

    Put it anywhere in ``MIDDLEWARE``; high up is best, since what middleware below it writes is named as well. The user
    is read when a record is made, so logins and authentication in the view count. When the request is over, nobody
    acts any more, also when it failed. It works under WSGI and ASGI.

    A change that is refused since nobody said why is answered with 422 and the page ``gridkit/no_reason.html``, where
    the view did not answer itself.

    Args:
        get_response: the next in the chain, a function or a coroutine function.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request as an act."""
        act = request_act(request)
        if self._is_async:
            return self._answer_async(request, act)
        with holding(act):
            return _carried(self._get_response(request), act)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Say to a person that a change needs a reason: no fault of the site, whose view knew of none."""
        if not isinstance(exception, ReasonRequiredError):
            return None
        return render(request, "gridkit/no_reason.html", {"refusal": str(exception)}, status=422)

    async def _answer_async(self, request: HttpRequest, act: RequestAct) -> HttpResponseBase:
        with holding(act):
            return _carried(await self._get_response(request), act)


def _carried(response: HttpResponseBase, act: RequestAct) -> HttpResponseBase:
    """Let the parts of a streamed answer be made in the act, too: they are made after the middleware has returned."""
    if isinstance(response, StreamingHttpResponse):
        parts: Any = response.streaming_content
        response.streaming_content = _parts_async(parts, act) if response.is_async else carry_parts(parts, act)
    return response


async def _parts_async(parts: Any, act: RequestAct) -> AsyncIterator[bytes]:
    source = aiter(parts)
    while True:
        before = swap_act(act)
        try:
            part = await anext(source)
        except StopAsyncIteration:
            return
        finally:
            swap_act(before)
        yield part

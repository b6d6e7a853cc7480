"""The act that a web request is: who, from where, why; read when a record asks, not when the request begins."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from urllib.parse import unquote

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from gridkit_django.events.addresses import client_address
from gridkit_django.events.context import REASON_LENGTH_MAX, Act, random_id
from gridkit_django.events.impersonation import impersonator_of, takeover_mark
from gridkit_django.events.loops import read_outside_loop
from gridkit_django.events.payloads import Actor
from gridkit_django.events.types import EventSource
from gridkit_django.events.visits import Visit, read_visit
from gridkit_django.typing import User

REQUEST_ID_HEADER = "X-Request-ID"
CORRELATION_HEADER = "X-Correlation-ID"
REASON_HEADER = "X-Change-Reason"

_ATTRIBUTE = "gridkit_act"
_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_AGENT_LENGTH_MAX = 300


class RequestAct:
    """Tells the act of one request, as it stands at the moment of asking.

    Who the user is may be known late: Django REST framework authenticates in the view, a login changes it half way.
    So ``request.user`` is read each time somebody asks; the ids stay the same as long as all but the user does.

    Args:
        request: the request.
        source: through which door; None means the admin for its pages, and the site's own views for all others.
    """

    def __init__(self, request: HttpRequest, source: EventSource | None = None) -> None:
        self.request_id = request_id_of(request)
        self._request = request
        self._source = source
        self._told: dict[tuple[object, ...], Act] = {}
        self._visit = read_visit(request.headers)
        self._correlation = _well_formed(request, CORRELATION_HEADER) or random_id()
        self._reason = reason_of(request)[:REASON_LENGTH_MAX]
        self._asking: set[int] = set()
        self._known: tuple[object, tuple[EventSource, object], Act] | None = None

    def __call__(self) -> Act:
        """Return the act.

        Whoever finds out who the user is may write rows himself (the last use of a token, say). Those are written
        before anybody is known, so nobody's name stands on them.
        """
        source, thread = self._door(), threading.get_ident()
        if thread in self._asking:
            return self._act(Actor.from_user(None), None, source)
        self._asking.add(thread)
        try:
            return self._as_it_stands(source)
        finally:
            self._asking.discard(thread)

    def _as_it_stands(self, source: EventSource) -> Act:
        user: User | None = getattr(self._request, "user", None)
        mark = takeover_mark(self._request)
        if self._known is not None and self._known[0] is user and self._known[1] == (source, mark):
            return self._known[2]
        act = read_outside_loop(lambda: self._of(user, source))
        self._known = (user, (source, mark), act)
        return act

    def _of(self, user: User | None, source: EventSource) -> Act:
        actor, other = Actor.from_user(user), impersonator_of(self._request)
        is_other = other is not None and (other.kind, other.id) != (actor.kind, actor.id)
        return self._act(actor, other if is_other else None, source)

    def _act(self, actor: Actor, impersonator: Actor | None, source: EventSource) -> Act:
        """Return an act; circumstances that are others now (a login renews the session) are told under another id."""
        facts = tuple(request_facts(self._request, self.request_id).items())
        visit = _known_visit(self._visit, dict(facts).get("session", ""))
        act = Act(actor, source, self._correlation, facts, impersonator, self._reason, visit=visit)
        first = self._told.setdefault((source, facts, impersonator), act)
        return act if first is act else replace(act, id=first.id, began_at=first.began_at)

    def _door(self) -> EventSource:
        if self._source is not None:
            return self._source
        match = getattr(self._request, "resolver_match", None)
        return EventSource.ADMIN if match is not None and "admin" in match.app_names else EventSource.WEB


def request_act(request: HttpRequest, source: EventSource | None = None) -> RequestAct:
    """Return the act of a request: one and the same, whoever of middleware, view and admin asks.

    Args:
        request: the request.
        source: through which door; a view that knows better than the middleware says so.
    """
    found: RequestAct | None = getattr(request, _ATTRIBUTE, None)
    if found is None:
        found = RequestAct(request, source)
        setattr(request, _ATTRIBUTE, found)
    elif source is not None:
        found._source = source  # noqa: SLF001 - its own module
    return found


def request_id_of(request: HttpRequest) -> str:
    """Return the id that a proxy or the client gave the request when it is well-formed, else a new one.

    Well-formed: a letter or digit, then up to 127 letters, digits, dots, underscores, colons and hyphens. So an id
    can be logged and sent back as it is.
    """
    return _well_formed(request, REQUEST_ID_HEADER) or random_id()


def reason_of(request: HttpRequest) -> str:
    """Return the reason that ``X-Change-Reason`` gives, empty without one.

    Headers are Latin-1 on the wire, so other letters come percent-encoded as UTF-8; plain text is understood as well.
    """
    return unquote(request.headers.get(REASON_HEADER, "")).strip()


def request_facts(request: HttpRequest, request_id: str) -> dict[str, str]:
    """Return the facts for the audit trail: request id, address, user agent, and a digest of the session's key.

    The digest ties together what was done in one session; it does not open the session.
    """
    facts = {
        "requestId": request_id,
        "ip": client_address(request),
        "userAgent": request.headers.get("User-Agent", "")[:_AGENT_LENGTH_MAX],
        "session": _session_digest(request),
    }
    return {name: value for name, value in facts.items() if value}


def _known_visit(visit: Visit, login: str) -> Visit:
    """Return the visit; without a session of the browser's own, that of the login stands for it."""
    return visit if visit.session or not login else replace(visit, session=login)


def _session_digest(request: HttpRequest) -> str:
    key = getattr(getattr(request, "session", None), "session_key", None)
    return "" if not key else salted_hmac("gridkit_django.audit.session", key, algorithm="sha256").hexdigest()[:32]


def _well_formed(request: HttpRequest, header: str) -> str:
    given = request.headers.get(header, "")
    return given if _WELL_FORMED.fullmatch(given) else ""

"""The base of the marketplace's views: open to read, a token to publish, rates, and 404 where it is not served."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import Http404
from django.utils.cache import patch_vary_headers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from gridkit_django.api.base import GridKitView
from gridkit_django.api.etags import EntityTag, parse_condition
from gridkit_django.conf import market_settings, settings
from gridkit_django.events.addresses import client_address
from gridkit_django.marketplace.shelf.tokens import find_token
from gridkit_django.models import PublisherToken

RATES: Mapping[str, str] = MappingProxyType(
    {"market-read": "1200/min", "market-publish": "120/hour", "market-front": "300/hour", "market-events": "600/min"}
)
"""Rates of the scopes where ``THROTTLE_RATES`` says nothing; None there is no limit."""


class PublisherTokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer gkp_…``."""

    def authenticate(self, request: Request) -> tuple[Any, PublisherToken] | None:
        """Return who made the token, and the token; None when none was sent.

        Raises:
            AuthenticationFailed: when it is no token of this marketplace, or no longer.
        """
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = find_token(given.strip())
        if token is None:
            raise AuthenticationFailed("This is no token of this marketplace, or it has expired or was revoked.")
        return token.created_by or AnonymousUser(), token

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge."""
        return 'Bearer realm="gridkit-market"'


class MarketThrottle(ScopedRateThrottle):
    """Counts the requests of one token or one address in the scope that the view names for the HTTP method."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Return whether the request is within its rate."""
        scope = getattr(view, "throttle_scopes", {}).get("GET" if request.method == "HEAD" else request.method)
        self.scope: str | None = scope
        self.rate: str | None = settings().THROTTLE_RATES.get(scope, RATES.get(scope)) if scope else None
        if self.rate is None:
            return True
        self.num_requests, self.duration = self.parse_rate(self.rate)
        return super(ScopedRateThrottle, self).allow_request(request, view)

    def get_cache_key(self, request: Request, view: APIView) -> str:
        """Return whose requests are counted: those of the token, else those of the address."""
        token = request.auth
        who = f"token-{token.pk}" if isinstance(token, PublisherToken) else client_address(request._request)  # noqa: SLF001 - DRF's own name
        return self.cache_format % {"scope": self.scope, "ident": who}


class MarketView(GridKitView):
    """What all endpoints of the marketplace share."""

    permission_classes = (AllowAny,)
    throttle_classes = (MarketThrottle,)
    throttle_scopes = {"GET": "market-read"}

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Return the one way to authenticate: no cookie opens anything here, so no page can make a browser publish."""
        return [PublisherTokenAuthentication()]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse everything where no marketplace is served.

        Raises:
            Http404: when this site serves none.
        """
        if not market_settings().serve:
            raise Http404
        super().initial(request, *args, **kwargs)

    def token(self, request: Request) -> PublisherToken:
        """Return the token of the request.

        Raises:
            NotAuthenticated: without one.
        """
        if not isinstance(request.auth, PublisherToken):
            raise NotAuthenticated("Send a token of a publisher: Authorization: Bearer gkp_…")
        return request.auth


def public_response(request: Request, data: Any, opaque: str, *, seconds: int = 60) -> Response:
    """Answer what is the same for everybody, under an entity tag, or 304 when the client has it.

    Args:
        request: the request.
        data: the body.
        opaque: the tag's text.
        seconds: how long any cache may give it without asking.
    """
    header = request.headers.get("If-None-Match", "").strip()
    known = bool(header) and parse_condition(header).matches_weakly(opaque)
    response = Response(status=304) if known else Response(data)
    response["ETag"] = str(EntityTag(opaque))
    response["Cache-Control"] = f"public, max-age={seconds}"
    patch_vary_headers(response, ("Accept-Encoding",))
    return response

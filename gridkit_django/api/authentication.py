"""Who is asking: HTTP Basic, a token where the project has tokens, or Django's session with CSRF protection."""

from __future__ import annotations

from django.apps import apps
from django.http import HttpRequest
from rest_framework.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from gridkit_django.api.refusals import CSRFFailedError


class GridKitBasicAuthentication(BasicAuthentication):
    """HTTP Basic (RFC 7617). It stands first, so that an unauthenticated answer is a 401 with its challenge."""

    www_authenticate_realm = "gridkit"

    def authenticate_header(self, request: HttpRequest | Request) -> str:
        """Return the challenge; a script in a page gets one that makes the browser open no password window.

        A page whose session has ended wants to send its user to the login page. Browsers mark what scripts ask for
        with ``Sec-Fetch-Mode`` (Fetch Metadata); other clients do not send it.
        """
        scheme = "Basic" if request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate" else "Session"
        return f'{scheme} realm="{self.www_authenticate_realm}"'


class GridKitSessionAuthentication(SessionAuthentication):
    """Django's session. CSRF is enforced here, because API views are exempt from Django's middleware."""

    def enforce_csrf(self, request: HttpRequest | Request) -> None:
        """Check the CSRF token.

        Raises:
            CSRFFailedError: when the cookie or the header is missing or does not match.
        """
        try:
            super().enforce_csrf(request)  # type: ignore[arg-type]
        except PermissionDenied as error:
            reason = str(error.detail).rstrip(".")
            raise CSRFFailedError(f"{reason}. Send the csrftoken cookie's value as X-CSRFToken.") from error


def authenticators() -> list[BaseAuthentication]:
    """Return the ways to authenticate, in the order they are tried."""
    tokens = [TokenAuthentication()] if apps.is_installed("rest_framework.authtoken") else []
    return [GridKitBasicAuthentication(), *tokens, GridKitSessionAuthentication()]

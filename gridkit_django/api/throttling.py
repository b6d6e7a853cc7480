"""Throttling by scope, with the rates of the ``GRIDKIT`` settings instead of the project's DRF settings."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from gridkit_django.conf import settings


class SettingsRateThrottle(ScopedRateThrottle):
    """Counts requests of one user in the scope that the view names for the HTTP method.

    A view says ``throttle_scopes = {"POST": "rows"}``; a method without a scope, and a scope without a rate in
    ``THROTTLE_RATES``, is not limited.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Return whether the request is within its rate."""
        scope = getattr(view, "throttle_scopes", {}).get(request.method)
        self.scope: str | None = scope
        self.rate: str | None = settings().THROTTLE_RATES.get(scope) if scope else None
        if self.rate is None:
            return True
        self.num_requests, self.duration = self.parse_rate(self.rate)
        return super(ScopedRateThrottle, self).allow_request(request, view)

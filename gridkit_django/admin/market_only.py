"""Pages about a marketplace that this site serves; a site that serves none is not shown the way to them."""

from __future__ import annotations

from django.http import HttpRequest

from gridkit_django.admin.read_only import M, Typed
from gridkit_django.conf import market_settings


class MarketOnly(Typed[M]):
    """Leaves the model out of the admin's lists of models while ``GRIDKIT["MARKET"]`` serves nothing.

    The page itself can still be opened by its address, so that what was published before can be looked at.
    """

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the admin lists the model."""
        return market_settings().serve and super().has_module_permission(request)

"""What a publisher says of a plugin beside its packages: where it can be tried, read about, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction

from gridkit_django.audit import Target, record
from gridkit_django.exceptions import MarketFrontError, ReleaseStateError
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.fronts import touch_listing
from gridkit_django.models import Listing, ListingState

ADDRESSES = ("demo", "documentation", "pricing_page", "license_page")
TEXTS = ("pricing_text",)
_ADDRESS_MAX, _TEXT_MAX = 500, 200
_address = URLValidator(schemes=["https", "http"])


def describe_listing(listing: Listing, told: Mapping[str, str]) -> Listing:
    """Change what is said of a plugin; what is left out stays.

    Args:
        listing: which.
        told: new values by field: one of ``ADDRESSES`` or ``TEXTS``; empty to take one away.

    Raises:
        MarketFrontError: when there is no such field, or a value is no address, or too long.
        ReleaseStateError: when the plugin is removed.
    """
    values = {name: _checked(name, value.strip()) for name, value in told.items()}
    using = database()
    with transaction.atomic(using):
        row = Listing.objects.using(using).select_for_update().get(pk=listing.pk)
        if row.state == ListingState.REMOVED:
            raise ReleaseStateError(f"{row.plugin_id} is removed; nothing of it changes any more.")
        before = {name: getattr(row, name) for name in values}
        changes = {name: [before[name], value] for name, value in values.items() if before[name] != value}
        if not changes:
            return row
        for name in changes:
            setattr(row, name, values[name])
        touch_listing(row, *changes)
        record("listing.front", target=Target.of_row(Listing, row.pk, row.plugin_id), changes=changes, using=using)
    return row


def _checked(name: str, value: str) -> str:
    if name not in (*ADDRESSES, *TEXTS):
        raise MarketFrontError(f"A plugin has no {name[:40]!r}. It has {', '.join((*ADDRESSES, *TEXTS))}.")
    most = _ADDRESS_MAX if name in ADDRESSES else _TEXT_MAX
    if len(value) > most:
        raise MarketFrontError(f"{name} has {len(value)} characters; {most} is the most.")
    if value and name in ADDRESSES:
        try:
            _address(value)
        except ValidationError as error:
            raise MarketFrontError(f"{name} is {value[:80]!a}; it is an address like https://example.org/.") from error
    elif not value.isprintable():
        raise MarketFrontError(f"{name} is one line of text.")
    return value

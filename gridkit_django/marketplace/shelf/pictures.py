"""Screenshots and icons: read by Pillow, drawn anew as PNG, and served by this site. What is no picture is refused.

Drawing anew drops everything that is not a pixel: comments, places, and what another program might run. SVG is a
program, and no picture here.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from importlib import import_module
from typing import Any

from django.db import transaction

from gridkit_django.audit import Target, record
from gridkit_django.exceptions import MarketPictureError
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.fronts import touch_listing
from gridkit_django.marketplace.shelf.storing import store
from gridkit_django.models import Listing, ListingPicture

BYTES_MAX = 5_000_000
PIXELS_MAX = 20_000_000
SCREENSHOTS_MAX = 10
SCREENSHOT_SIDE = 1920
ICON_SIDE = 256
_FORMATS = ("PNG", "JPEG", "WEBP")


def add_screenshot(listing: Listing, content: bytes) -> ListingPicture:
    """Add a screenshot to a plugin, after those that it has.

    Raises:
        MarketPictureError: when it is no picture, or there are enough.
    """
    drawn, size = redraw(content, SCREENSHOT_SIDE)
    using = database()
    with transaction.atomic(using):
        row = Listing.objects.using(using).select_for_update().get(pk=listing.pk)
        last = ListingPicture.objects.using(using).filter(listing=row).order_by("-position").first()
        if ListingPicture.objects.using(using).filter(listing=row).count() >= SCREENSHOTS_MAX:
            raise MarketPictureError(f"A plugin has {SCREENSHOTS_MAX} screenshots at most. Remove one first.")
        sha256, stored_as = _stored(drawn)
        made = ListingPicture.objects.using(using).create(
            listing=row,
            position=0 if last is None else last.position + 1,
            sha256=sha256,
            stored_as=stored_as,
            width=size[0],
            height=size[1],
        )
        touch_listing(row)
        record("listing.picture", target=Target.of_row(Listing, row.pk, row.plugin_id), using=using)
    return made


def remove_screenshot(picture: ListingPicture) -> None:
    """Take a screenshot away."""
    using = database()
    with transaction.atomic(using):
        listing = Listing.objects.using(using).select_for_update().get(pk=picture.listing_id)
        picture.delete(using=using)
        touch_listing(listing)
        record("listing.picture.remove", target=Target.of_row(Listing, listing.pk, listing.plugin_id), using=using)


def set_icon(listing: Listing, content: bytes) -> None:
    """Give a plugin its icon.

    Raises:
        MarketPictureError: when it is no picture.
    """
    drawn, _size = redraw(content, ICON_SIDE)
    using = database()
    with transaction.atomic(using):
        row = Listing.objects.using(using).select_for_update().get(pk=listing.pk)
        sha256, _stored_as = _stored(drawn)
        row.icon = f"{sha256}.png"
        touch_listing(row, "icon")
        record("listing.icon", target=Target.of_row(Listing, row.pk, row.plugin_id), using=using)


def redraw(content: bytes, side: int) -> tuple[bytes, tuple[int, int]]:
    """Return a picture as a new PNG, made smaller where a side is longer than ``side``; and its size in pixels.

    Raises:
        MarketPictureError: when it is no PNG, JPEG or WebP, or too large.
    """
    if len(content) > BYTES_MAX:
        raise MarketPictureError(f"The picture has more than {BYTES_MAX} bytes.")
    pillow = _pillow()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pillow.open(io.BytesIO(content), formats=_FORMATS) as picture:
                _refuse_large(picture.width * picture.height)
                picture.thumbnail((side, side))
                plain = picture.convert("RGBA")
    except MarketPictureError:
        raise
    except Exception as error:  # Pillow raises whatever the file makes it stumble over
        raise MarketPictureError("The file is no picture. PNG, JPEG and WebP are taken; SVG is not.") from error
    fresh = pillow.new("RGBA", plain.size)
    fresh.paste(plain)
    drawn = io.BytesIO()
    fresh.save(drawn, "PNG", optimize=True)
    return drawn.getvalue(), plain.size


def _refuse_large(pixels: int) -> None:
    if pixels > PIXELS_MAX:
        raise MarketPictureError(f"The picture has more than {PIXELS_MAX} pixels.")


def _stored(drawn: bytes) -> tuple[str, str]:
    sha256 = hashlib.sha256(drawn).hexdigest()
    return sha256, store("pictures", sha256, f"{sha256}.png", drawn)


def _pillow() -> Any:
    try:
        return import_module("PIL.Image")
    except ImportError as error:
        raise MarketPictureError("Pictures need the extra 'market': install gridkit-django[market].") from error

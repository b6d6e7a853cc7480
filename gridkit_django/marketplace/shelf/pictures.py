"""Screenshots and icons: read by Pillow, drawn anew as PNG, and served by this site. What is no picture is refused.

Drawing anew drops everything that is not a pixel: comments, places, and what another program might run. SVG is a
program, and no picture here.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from django.db import transaction

from gridkit_django.audit import Target, record
from gridkit_django.exceptions import ListingNotFoundError, MarketPictureError, ReleaseStateError
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.fronts import touch_listing
from gridkit_django.marketplace.shelf.storing import store
from gridkit_django.models import Listing, ListingPicture, ListingState

BYTES_MAX = 5_000_000
PIXELS_MAX = 20_000_000
SCREENSHOTS_MAX = 10
SCREENSHOT_SIDE = 1920
ICON_SIDE = 256
_CAPTION_MAX = 200
_FORMATS = ("PNG", "JPEG", "WEBP")


def add_screenshot(listing: Listing, content: bytes, caption: str = "") -> ListingPicture:
    """Add a screenshot to a plugin, after those that it has; one that it has already only gets its caption.

    Args:
        listing: whose.
        content: the picture, as its author's file is.
        caption: what it shows, for who can't see it.

    Raises:
        MarketPictureError: when it is no picture, or there are enough.
        ReleaseStateError: when the plugin is removed.
    """
    drawn, size = redraw(content, SCREENSHOT_SIDE)
    sha256, caption = hashlib.sha256(drawn).hexdigest(), caption.strip()[:_CAPTION_MAX]
    with _changing(listing, "listing.picture", sha256) as row:
        pictures = ListingPicture.objects.using(database()).filter(listing=row)
        same = pictures.filter(sha256=sha256).first()
        if same is not None:
            same.caption = caption
            same.save(using=database(), update_fields=["caption"])
            return same
        last = pictures.order_by("-position").first()
        if pictures.count() >= SCREENSHOTS_MAX:
            raise MarketPictureError(f"A plugin has {SCREENSHOTS_MAX} screenshots at most. Remove one first.")
        return pictures.create(
            listing=row,
            position=0 if last is None else last.position + 1,
            sha256=sha256,
            source=hashlib.sha256(content).hexdigest(),
            stored_as=_stored(sha256, drawn),
            caption=caption,
            width=size[0],
            height=size[1],
        )


def remove_screenshot(picture: ListingPicture) -> None:
    """Take a screenshot away.

    Raises:
        ReleaseStateError: when the plugin is removed.
    """
    with _changing(picture.listing, "listing.picture.remove", picture.sha256):
        picture.delete(using=database())


def order_screenshots(listing: Listing, order: Sequence[str]) -> None:
    """Put the screenshots of a plugin into an order.

    Args:
        listing: whose.
        order: the SHA-256 of all that it has.

    Raises:
        MarketPictureError: when one is missing, unknown, or there twice.
        ReleaseStateError: when the plugin is removed.
    """
    using = database()
    with _changing(listing, "listing.picture.order", "") as row:
        pictures = {item.sha256: item for item in ListingPicture.objects.using(using).filter(listing=row)}
        if sorted(order) != sorted(pictures):
            raise MarketPictureError(f"Name each of the {len(pictures)} screenshots once, by its SHA-256.")
        free = max([len(order), *(item.position + 1 for item in pictures.values())])
        for start in (free, 0):  # by way of free places, because no two may have the same at any moment
            for place, sha256 in enumerate(order, start):
                ListingPicture.objects.using(using).filter(pk=pictures[sha256].pk).update(position=place)


def screenshot_of(listing: Listing, sha256: str) -> ListingPicture:
    """Return a screenshot of a plugin.

    Raises:
        ListingNotFoundError: when there is none.
    """
    rows = ListingPicture.objects.using(database()).select_related("listing")
    found = rows.filter(listing=listing, sha256=sha256).first()
    if found is None:
        raise ListingNotFoundError("This plugin has no such screenshot.")
    return found


def pictures_of(listing: Listing) -> frozenset[str]:
    """Return the SHA-256 of the icon and of all screenshots of a plugin."""
    shots = ListingPicture.objects.using(database()).filter(listing=listing).values_list("sha256", flat=True)
    return frozenset({*shots, *([listing.icon.removesuffix(".png")] if listing.icon else [])})


def set_icon(listing: Listing, content: bytes) -> None:
    """Give a plugin its icon.

    Raises:
        MarketPictureError: when it is no picture.
        ReleaseStateError: when the plugin is removed.
    """
    drawn, _size = redraw(content, ICON_SIDE)
    sha256 = hashlib.sha256(drawn).hexdigest()
    _stored(sha256, drawn)
    with _changing(listing, "listing.icon", sha256, "icon", "icon_source") as row:
        row.icon, row.icon_source = f"{sha256}.png", hashlib.sha256(content).hexdigest()


def remove_icon(listing: Listing) -> None:
    """Take the icon away.

    Raises:
        ReleaseStateError: when the plugin is removed.
    """
    with _changing(listing, "listing.icon.remove", "", "icon", "icon_source") as row:
        row.icon = row.icon_source = ""


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


@contextmanager
def _changing(listing: Listing, action: str, sha256: str, *fields: str) -> Iterator[Listing]:
    """Lock a plugin for a change of its pictures; its serial, the search and the audit trail follow."""
    using = database()
    with transaction.atomic(using):
        row = Listing.objects.using(using).select_for_update().get(pk=listing.pk)
        if row.state == ListingState.REMOVED:
            raise ReleaseStateError(f"{row.plugin_id} is removed; nothing of it changes any more.")
        yield row
        touch_listing(row, *fields)
        target = Target.of_row(Listing, row.pk, row.plugin_id)
        record(action, target=target, evidence={"sha256": sha256} if sha256 else {}, using=using)


def _refuse_large(pixels: int) -> None:
    if pixels > PIXELS_MAX:
        raise MarketPictureError(f"The picture has more than {PIXELS_MAX} pixels.")


def _stored(sha256: str, drawn: bytes) -> str:
    return store("pictures", sha256, f"{sha256}.png", drawn)


def _pillow() -> Any:
    try:
        return import_module("PIL.Image")
    except ImportError as error:
        raise MarketPictureError("Pictures need the extra 'market': install gridkit-django[market].") from error

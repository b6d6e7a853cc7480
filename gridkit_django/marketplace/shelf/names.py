"""Which names may be taken: none that is taken, was taken, looks like a taken one, or is never given."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from gridkit_django.conf import market_settings
from gridkit_django.exceptions import NameLimitError, NameTakenError
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.models import Listing, Publisher

_BANNED = frozenset(
    {"admin", "api", "django", "grid", "gridkit", "gridkit-django", "official", "plugin", "plugins", "support", "test"}
)
_PUBLISHER = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")
_LOOKS = str.maketrans({"1": "l", "i": "l", "0": "o", "5": "s", "2": "z"})
_SEPARATORS = re.compile(r"[-_.]+")
_AT_LEAST = 5
"""Letters from which on one letter more or less makes a name a look-alike."""


def fold(name: str) -> str:
    """Return a name as it looks at a glance: without separators, ``1`` and ``i`` as ``l``, ``0`` as ``o``."""
    text = _SEPARATORS.sub("", name.lower()).translate(_LOOKS)
    return text.replace("rn", "m").replace("vv", "w")


def distance(left: str, right: str, most: int = 2) -> int:
    """Return how many letters were added, left out, changed or swapped with their neighbour, at most ``most`` + 1."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        now = [i]
        for j, b in enumerate(right, 1):
            cost = min(row[j] + 1, now[j - 1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            now.append(cost)
        if min(now) > most:
            return most + 1
        before, row = row, now
    return row[-1]


def check_publisher_name(name: str, *, but: int | None = None) -> None:
    """Refuse a publisher's name that can't be given.

    Args:
        name: without the ``@``.
        but: primary key of the publisher that has it already.

    Raises:
        NameTakenError: says why.
    """
    if not _PUBLISHER.fullmatch(name):
        raise NameTakenError("A publisher's name has small letters, digits and hyphens, and at most 60 of them.")
    if name in market_settings().banned_names:
        raise NameTakenError(f"The name {name} is never given.")
    rows = Publisher.objects.using(database()).all()
    others = (rows if but is None else rows.exclude(pk=but)).values_list("name", "folded")
    _refuse_look_alike(name, fold(name), others)


def check_new_name(publisher: Publisher, plugin_id: str, distribution: str, import_package: str) -> None:
    """Refuse a new plugin whose names can't be given. Tombstones count: a removed name is never free again.

    The same second half under another publisher is no look-alike (the first half says whose it is); one that is almost
    the same is.

    Raises:
        NameTakenError: says which name, and why.
        NameLimitError: when the publisher took as many today as it may.
    """
    if import_package in sys.stdlib_module_names or import_package.split("_")[0] == "django":
        raise NameTakenError(f"The import package {import_package} would stand in the way of Python's or Django's own.")
    name = bare_name(plugin_id)
    if name in _never():
        raise NameTakenError(f"The name {name} is never given.")
    listings = Listing.objects.using(database())
    if listings.filter(Q(distribution=distribution) | Q(import_package=import_package)).exists():
        raise NameTakenError(f"The distribution {distribution} or the import package {import_package} is taken.")
    folded = fold(name)
    middle = len(folded) // 2
    near = Q(folded__startswith=folded[:middle]) | Q(folded__endswith=folded[middle:])
    others = listings.exclude(publisher=publisher).filter(near).values_list("plugin_id", "folded")
    _refuse_look_alike(plugin_id, folded, [pair for pair in others if bare_name(pair[0]) != name])
    _refuse_too_many(publisher)


def bare_name(plugin_id: str) -> str:
    """Return the second half of a plugin's id, without the word that many plugins begin with."""
    return re.sub(r"^plugin-(?=.)", "", plugin_id.partition("/")[2])


def _refuse_look_alike(name: str, folded: str, others: Iterable[tuple[str, str]]) -> None:
    for other, its in others:
        if folded == its or (len(folded) >= _AT_LEAST and distance(folded, its, 1) <= 1):
            raise NameTakenError(f"{name} looks like {other}. Choose a name that nobody takes for it.")


def _never() -> frozenset[str]:
    return _BANNED | frozenset(market_settings().banned_names)


def _refuse_too_many(publisher: Publisher) -> None:
    most = market_settings().new_names_per_day
    since = timezone.now() - timedelta(days=1)
    if Listing.objects.using(database()).filter(publisher=publisher, created_at__gt=since).count() >= most:
        raise NameLimitError(f"A publisher may take {most} new names a day. Come back tomorrow.")

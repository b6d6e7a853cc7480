"""The visit that an act belongs to, as the browser tells it: random ids, and whether the person may be followed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

VISIT_HEADER = "X-GridKit-Visit"
"""``session`` or ``session.device``; the element sends it with each request."""

_VISIT = re.compile(r"([A-Za-z0-9_-]{8,64})(?:\.([A-Za-z0-9_-]{8,64}))?")


@dataclass(frozen=True, slots=True)
class Visit:
    """What ties together the acts of one person at one browser, beside the login. Ids are random and say nothing else.

    Attributes:
        session: id of the session of work; without one of the browser a digest of the login's; empty when nobody knows.
        device: id of the browser; empty unless ``REMEMBER_DEVICES`` is on.
        is_private: whether the browser asks not to be followed (``DNT``, ``Sec-GPC``).
    """

    session: str = ""
    device: str = ""
    is_private: bool = False


NO_VISIT = Visit()
"""Of an act that no browser asked for."""


def read_visit(headers: Mapping[str, str]) -> Visit:
    """Return the visit that a request belongs to. Ids that are malformed do not count.

    Args:
        headers: of the request, names in any case.
    """
    is_private = headers.get("DNT", "") == "1" or headers.get("Sec-GPC", "") == "1"
    found = _VISIT.fullmatch(headers.get(VISIT_HEADER, ""))
    if found is None:
        return Visit(is_private=True) if is_private else NO_VISIT
    return Visit(found[1], found[2] or "", is_private)

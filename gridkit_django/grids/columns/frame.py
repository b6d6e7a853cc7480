"""What a condition must know about the request it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo


@dataclass(frozen=True, slots=True)
class Frame:
    """The surroundings of a condition.

    Attributes:
        zone: the time zone in which days begin and local times are meant.
        vendor: Django's name of the database (``sqlite``, ``postgresql``, …).
        ignore_case: whether text compares without regard to case.
    """

    zone: tzinfo
    vendor: str
    ignore_case: bool = True

"""JSON Pointers (RFC 6901): where in a request body a fault is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from gridkit_django.exceptions import GridKitError


def pointer(*parts: str | int) -> str:
    """Return the pointer that goes through ``parts``, with ``~`` and ``/`` escaped (RFC 6901, section 3)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


@contextmanager
def below(place: str) -> Iterator[None]:
    """Let the pointers of errors that are raised inside start at ``place``: what is read there is part of a body."""
    try:
        yield
    except GridKitError as error:
        error.errors = tuple(replace(item, pointer=place + item.pointer) for item in error.errors)
        raise

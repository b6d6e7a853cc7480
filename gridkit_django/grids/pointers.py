"""JSON Pointers (RFC 6901): where in a request body a fault is."""

from __future__ import annotations


def pointer(*parts: str | int) -> str:
    """Return the pointer that goes through ``parts``, with ``~`` and ``/`` escaped (RFC 6901, section 3)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)

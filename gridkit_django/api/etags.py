"""Entity tags and the two conditions that the API knows (RFC 9110, 8.8.3, 13.1.1 and 13.1.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gridkit_django.api.refusals import HeaderInvalidError

_TAG = re.compile(r'(?P<weak>W/)?"(?P<opaque>[\x21\x23-\x7e\x80-\xff]*)"')
_BARE = re.compile(r"[A-Za-z0-9_.:-]+")


@dataclass(frozen=True, slots=True)
class EntityTag:
    """One tag: the text between the quotes, and whether it is weak."""

    opaque: str
    weak: bool = False

    def __str__(self) -> str:
        return f'W/"{self.opaque}"' if self.weak else f'"{self.opaque}"'


@dataclass(frozen=True, slots=True)
class TagCondition:
    """The value of ``If-Match`` or ``If-None-Match``: any representation (``*``), or one of these tags."""

    any: bool = False
    tags: tuple[EntityTag, ...] = ()

    @property
    def strong(self) -> tuple[str, ...]:
        """The opaque texts that strong comparison may match: weak tags never match it (RFC 9110, 8.8.3.2)."""
        return tuple(tag.opaque for tag in self.tags if not tag.weak)

    def matches_weakly(self, opaque: str) -> bool:
        """Whether a representation with this tag meets ``If-None-Match`` (weak comparison)."""
        return self.any or any(tag.opaque == opaque for tag in self.tags)


def parse_condition(header: str) -> TagCondition:
    """Read ``*`` or a list of entity tags.

    A single bare token is read as a strong tag: the version of a row is such a token, and people forget quotes.

    Args:
        header: the header's value, not empty.

    Raises:
        HeaderInvalidError: when the value is neither.
    """
    text = header.strip()
    if text == "*":
        return TagCondition(any=True)
    if _BARE.fullmatch(text):
        return TagCondition(tags=(EntityTag(text),))
    return TagCondition(tags=tuple(_read_tags(text)))


def _read_tags(text: str) -> list[EntityTag]:
    tags: list[EntityTag] = []
    position = 0
    while position < len(text):
        match = _TAG.match(text, position)
        if match is None:
            raise HeaderInvalidError(
                f'The entity tags {text[:80]!r} are malformed: expected "version", like in an ETag header.'
            )
        tags.append(EntityTag(match["opaque"], weak=bool(match["weak"])))
        position = _skip_comma(text, match.end())
    return tags


def _skip_comma(text: str, position: int) -> int:
    """Return where the next tag starts; what is no comma is left for the tag reader to refuse."""
    rest = text[position:].lstrip()
    if rest and not rest.startswith(","):
        return position
    return len(text) - len(rest.lstrip(", "))

"""Mistyped words of a search in the local catalogue: what was probably meant, out of the names that it holds.

One mistake spoils two neighbouring thirds of a word at most, so whatever was meant has one third of it in its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from django.db.models import Q, QuerySet

from gridkit_django.models import CatalogEntry

_SHORTEST = 4
_NAMES_MAX = 2000
_ALIKE = 0.75
_WORD = re.compile(r"\w+")


def meant(text: str, rows: QuerySet[CatalogEntry]) -> str:
    """Return a question with each word that nothing has replaced by the nearest one of a name; as it is without any.

    Args:
        text: the question, in small letters.
        rows: what may be found.
    """
    return " ".join(_nearest(word, rows) for word in text.split())


def _nearest(word: str, rows: QuerySet[CatalogEntry]) -> str:
    if len(word) < _SHORTEST or rows.filter(words__contains=word).exists():
        return word
    near = Q()
    for third in _thirds(word):
        near |= Q(words__contains=third)
    texts = rows.filter(near).order_by("-downloads", "plugin_id").values_list("name", "plugin_id")[:_NAMES_MAX]
    found = get_close_matches(word, _words(f"{name} {plugin_id}" for name, plugin_id in texts), n=1, cutoff=_ALIKE)
    return found[0] if found else word


def _thirds(word: str) -> tuple[str, ...]:
    size = len(word) // 3
    cut = (word[:size], word[size:-size], word[-size:])
    return tuple(part for part in cut if len(part) > 1) or (word[:2], word[-2:])


def _words(texts: Iterable[str]) -> Iterator[str]:
    """Yield each word once, the first first: of two that are as near, the better known one counts."""
    yield from dict.fromkeys(word for text in texts for word in _WORD.findall(text.lower().replace("_", " ")))

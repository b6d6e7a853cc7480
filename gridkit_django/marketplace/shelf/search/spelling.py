"""Mistyped words: two words are near when leaving one letter out of each gives the same, which an index answers.

A swapped, wrong, missing or extra letter is found so, with one look-up for each letter of the word. It works the same
on every database, and needs no extension of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.names import distance
from gridkit_django.models import MarketSearchRow, MarketSpelling

_SHORTEST, _LONGEST = 4, 40
_NEAR_MAX = 100


def learn(words: Iterable[str]) -> None:
    """Note the words of a name, each with all that is left of it without one letter."""
    fit = {word for word in words if _SHORTEST <= len(word) <= _LONGEST and not word.isdigit()}
    rows = MarketSpelling.objects.using(database())
    known = set(rows.filter(word__in=fit).values_list("word", flat=True))
    new = [MarketSpelling(variant=variant, word=word) for word in fit - known for variant in variants(word)]
    rows.bulk_create(new, ignore_conflicts=True, batch_size=1000)


def variants(word: str) -> set[str]:
    """Return a word, and what is left of it without one of its letters."""
    return {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}


def respelled(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words, those that no name has replaced by the nearest one that a name has."""
    return tuple(_nearest(word) for word in words)


def _nearest(word: str) -> str:
    if not _SHORTEST <= len(word) <= _LONGEST:
        return word
    rows = MarketSpelling.objects.using(database()).filter(variant__in=variants(word))
    near = sorted({found for found in rows.values_list("word", flat=True)[:_NEAR_MAX] if found != word})
    if not near:
        return word
    return min(near, key=lambda other: (distance(word, other), other[:1] != word[:1], len(other), other))


def forget_unused() -> int:
    """Drop the words that no name has any more, and return how many rows that were."""
    used: set[str] = set()
    for words in MarketSearchRow.objects.using(database()).values_list("words", flat=True).iterator():
        used.update(words.split())
    rows = MarketSpelling.objects.using(database())
    unused = set(rows.values_list("word", flat=True).distinct()) - used
    return sum(rows.filter(word=word).delete()[0] for word in unused)

"""Masks that come back: each is replaced by the stored secret that it stands for, or refused when none can be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from gridkit_django.exceptions import ErrorItem, PluginConfigError
from gridkit_django.grids.pointers import pointer
from gridkit_django.plugins.encryption import is_sealed
from gridkit_django.plugins.schema_places import Place
from gridkit_django.plugins.secret_values import DEFAULT_MASK, MASK, Path, is_empty, masked


class Nothing:
    """Stands for a value that is not there."""


def restore_secrets(
    submitted: Mapping[str, Any], stored: Mapping[str, Any], schema: Mapping[str, Any]
) -> dict[str, Any]:
    """Return ``submitted`` with each ``MASK`` in the place of a secret replaced by the stored secret.

    In a list, an item that is the same but for its secrets is found again wherever it moved to.

    Args:
        submitted: what a person sent, perhaps with masks.
        stored: the configuration until now; sealed values are taken over as they are.
        schema: the JSON Schema of both.

    Raises:
        PluginConfigError: when it can't be told what a mask stands for; one item in ``errors`` for each.
    """
    walk = _Restoring()
    top = Place.top(schema)
    restored = walk.object(submitted, stored, top, ())
    if walk.faults:
        places = ", ".join(item.pointer for item in walk.faults)
        raise PluginConfigError(
            f"No stored secret can be put in for the mask at {places}. Enter the secret itself.", errors=walk.faults
        )
    return restored


class _Restoring:
    """One walk through what was submitted and, beside it, what is stored."""

    def __init__(self) -> None:
        self.faults: list[ErrorItem] = []

    def object(self, value: Mapping[str, Any], stored: Mapping[str, Any], place: Place, path: Path) -> dict[str, Any]:
        """Restore the members of an object; a member that only repeats the mask of a default is left out."""
        members = {
            key: self._part(item, stored.get(key, Nothing), place.member(key), (*path, key))
            for key, item in value.items()
        }
        return {key: item for key, item in members.items() if item is not Nothing}

    def _part(self, value: Any, stored: Any, place: Place, path: Path) -> Any:
        if value in (MASK, DEFAULT_MASK) and (place.is_secret or is_sealed(stored)):
            return self._secret(value, stored, path)
        if is_sealed(value):
            return value
        if isinstance(value, Mapping):
            return self.object(value, stored if isinstance(stored, Mapping) else {}, place, path)
        if isinstance(value, list | tuple):
            return self._list(value, stored if isinstance(stored, list) else [], place, path)
        return value

    def _secret(self, mask: str, stored: Any, path: Path) -> Any:
        if stored is not Nothing and not is_empty(stored):
            return stored
        if mask == DEFAULT_MASK:
            return Nothing
        self.faults.append(
            ErrorItem(pointer(*path), PluginConfigError.code, "the mask stands for no stored secret; enter it")
        )
        return mask

    def _list(self, value: Sequence[Any], stored: Sequence[Any], place: Place, path: Path) -> list[Any]:
        partners = _partners(value, stored, place)
        items = [
            self._part(item, partner, place.item(index), (*path, index))
            for index, (item, partner) in enumerate(zip(value, partners, strict=True))
        ]
        return [item for item in items if item is not Nothing]


def _partners(value: Sequence[Any], stored: Sequence[Any], place: Place) -> list[Any]:
    """Return for each item of a list the stored item that it was, or ``Nothing`` when that can't be told.

    An item that looks like a stored one is that one. Where several look alike (in a list of nothing but secrets all
    do), their order tells them apart as long as none of them went missing. What was changed where it stands, in a list
    that kept its length, is told by its place.
    """
    shown = [masked(item, place.item(index)) for index, item in enumerate(stored)]
    looks, offers = [_key(item) for item in value], [_key(item) for item in shown]
    wanted, there = Counter(looks), Counter(offers)
    free = set(range(len(stored)))
    partners: list[Any] = [Nothing] * len(value)
    for index, look in enumerate(looks):
        if 0 < there[look] <= wanted[look]:
            found = next((other for other in sorted(free) if offers[other] == look), None)
            if found is not None:
                partners[index] = stored[found]
                free.discard(found)
    if len(value) == len(stored):
        for index in sorted(free):
            partners[index] = stored[index] if partners[index] is Nothing else partners[index]
    return partners


def _key(value: Any) -> str:
    """Return a text that equal JSON values share."""
    return repr(_ordered(value))


def _ordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return sorted((key, _ordered(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    return value

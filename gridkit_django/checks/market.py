"""Checks of the marketplace that this site serves."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as Advice
from django.core.files.storage import InvalidStorageError, storages
from django.utils.module_loading import import_string

from gridkit_django.conf import market_settings, settings
from gridkit_django.exceptions import SettingsError

_LIBRARIES = {"PIL": "Pillow draws screenshots anew", "dns": "dnspython asks DNS who a publisher is"}


def check_market(**_kwargs: Any) -> list[CheckMessage]:
    """Report what a served marketplace lacks: signatures (``gridkit.W006``), parts of it (``gridkit.W007``)."""
    try:
        market, store = market_settings(), settings().MARKET_TRUST_STORE
    except SettingsError:
        return []  # gridkit.E001 has told it
    if not market.serve:
        return []
    found: list[CheckMessage] = []
    if not store:
        found.append(
            Advice(
                "This site serves a marketplace and signs nothing: other sites have no reason to believe it.",
                hint="Hold the key ceremony and set GRIDKIT['MARKET_TRUST_STORE'], or silence gridkit.W006.",
                id="gridkit.W006",
            )
        )
    lacks = [why for name, why in _LIBRARIES.items() if find_spec(name) is None]
    lacks += [f"{path} can't be imported, so no release passes" for path in market.checks if not _is_there(path)]
    try:
        storages[market.storage]
    except (InvalidStorageError, ImportError):
        lacks.append(f"there is no storage {market.storage!r}")
    if lacks:
        hint = "Install gridkit-django[market]; correct GRIDKIT['MARKET']."
        found.append(Advice(f"The marketplace lacks: {'; '.join(lacks)}.", hint=hint, id="gridkit.W007"))
    return found


def _is_there(path: str) -> bool:
    try:
        import_string(path)
    except ImportError:
        return False
    return True

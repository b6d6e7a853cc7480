"""A marketplace over HTTP, and a site whose settings name it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.marketplace.client.market import Market, open_market


@pytest.fixture
def market() -> Iterator[Market]:
    with open_market() as found:
        yield found


@pytest.fixture
def site(market: Market, settings: Any, tmp_path: Any) -> Callable[..., None]:
    """Set the settings of the site, with the marketplace in them; further keys may be given."""

    def configure(options: dict[str, Any] | None = None, **values: Any) -> None:
        settings.GRIDKIT = {
            "HOT_RELOAD": False,
            "STATE_DIR": str(tmp_path),
            "MARKETPLACES": {"main": {"url": market.url, "timeout": 1.0, **(options or {})}},
            **values,
        }

    configure()
    return configure

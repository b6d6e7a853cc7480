"""One key ceremony for the whole module; each test goes on from a copy."""

from __future__ import annotations

import pytest

from tests.marketplace.trust.markets import Market, Site


@pytest.fixture(scope="session")
def first_market() -> Market:
    """A marketplace after its ceremony, with one wheel."""
    market = Market()
    market.hold_ceremony()
    market.publish()
    return market


@pytest.fixture
def market(first_market: Market) -> Market:
    """A marketplace of the test's own."""
    return first_market.copy()


@pytest.fixture
def site(market: Market) -> Site:
    """A client of it."""
    return Site.of(market)

"""Packages that import what is behind them when it is first named."""

from __future__ import annotations

from types import ModuleType

import pytest

from gridkit_django import api
from gridkit_django.marketplace import client, shelf, trust

DOORS = (api, client, shelf, trust)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_each_public_name_of_a_late_door_is_found_behind_it(door: ModuleType) -> None:
    assert [name for name in door.__all__ if not hasattr(door, name)] == []


def test_unknown_name_of_a_late_door_is_an_error_that_tells_the_known_ones() -> None:
    with pytest.raises(AttributeError, match=r"trust has no 'Trustt'; it has .*TrustRepository") as raised:
        trust.Trustt  # noqa: B018 - looking it up is what fails

    assert "bundles" in str(raised.value)

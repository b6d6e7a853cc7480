"""A small shop: the models that the tests' grids show."""

from __future__ import annotations

from django.apps import AppConfig


class ShopConfig(AppConfig):
    """The shop's app; its tables are made without migrations (`MIGRATION_MODULES` in tests/settings.py)."""

    name = "tests.shop"
    label = "shop"
    verbose_name = "Shop"

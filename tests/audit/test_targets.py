"""What an act was done to."""

from __future__ import annotations

import uuid

from gridkit_django.audit import Target
from tests.shop.models import Product


def test_row_target_names_model_and_key_as_text() -> None:
    assert Target.of_row(Product, 7, "Hammer") == Target("shop.product", "7", "Hammer")
    assert Target.of_row(Product, uuid.UUID(int=1)).id == "00000000-0000-0000-0000-000000000001"


def test_plugin_target_is_labelled_with_its_id() -> None:
    assert Target.plugin("@gridkit/plugin-export") == Target(
        "plugin", "@gridkit/plugin-export", "@gridkit/plugin-export"
    )


def test_export_target_takes_the_job_id() -> None:
    assert Target.export(uuid.UUID(int=1), "flights.csv") == Target(
        "export", "00000000-0000-0000-0000-000000000001", "flights.csv"
    )

"""The page *Let PostgreSQL record every write*: its settings taken over, its commands typed, its answers given."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from gridkit_django.audit.policies import SETTINGS, audit_policies
from gridkit_django.models import AuditRecord
from tests.docs.pages import blocks
from tests.shop.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.postgres_only]

PAGE = "docs/how-to/audit-strict-mode.md"


def texts(language: str) -> list[str]:
    """Return the blocks of the page."""
    return [block.text for block in blocks(language) if block.page == PAGE]


def typed(text: str) -> tuple[list[str], str]:
    """Return what is typed in a block, and what the page shows then."""
    first, _, shown = text.partition("\n")
    return shlex.split(first.partition("manage.py ")[2]), shown.strip()


@pytest.fixture
def site(settings: Any) -> Iterator[Any]:
    named: dict[str, Any] = {}
    exec(next(text for text in texts("python") if "AUDIT_MODELS" in text), named)  # noqa: S102 - it is our page
    settings.GRIDKIT = named["GRIDKIT"]
    yield settings
    audit_policies().drop(SETTINGS)


def test_commands_of_the_page_answer_as_it_shows(site: Any) -> None:
    for text in texts("console"):
        words, shown = typed(text)
        if "remove" in words:
            site.GRIDKIT = {}
        out = StringIO()
        call_command(*words, stdout=out)
        if "--dry-run" in words:
            assert "CREATE OR REPLACE FUNCTION" in out.getvalue()
        else:
            assert shown in out.getvalue()


def test_code_of_the_page_runs(site: Any) -> None:
    call_command("gridkit_audit_triggers", "install", stdout=StringIO())
    Product.objects.create(sku="1", name="Lamp", price=1)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE shop_product SET stock = 7, updated = now()")
    code = next(text for text in texts("python") if "announce" in text)
    exec(code.replace("SELECT 1", "UPDATE shop_product SET stock = 8"), {})  # noqa: S102 - it is our page
    created, *updated = [record.changes for record in AuditRecord.objects.order_by("pk")]
    assert created["token"] == ["***", "***"]
    assert updated == [{"stock": [0, 7]}, {"stock": [7, 8]}]

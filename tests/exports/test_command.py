"""``manage.py gridkit_export``."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from gridkit_django.models import AuditRecord, ExportJob
from tests.exports.shop import GRID, as_csv, products

pytestmark = [pytest.mark.django_db]
QUERY = json.dumps({"columns": ["sku"], "sort": [{"col": "sku"}], "filter": {"col": "stock", "op": "gt", "value": 0}})


def export(*arguments: str, **options: Any) -> str:
    told = io.StringIO()
    call_command("gridkit_export", GRID, *arguments, "--user", "bob", stdout=told, **options)
    return told.getvalue()


@pytest.mark.both_databases
def test_the_file_has_what_the_user_may_see(bob: User, tmp_path: Path) -> None:
    products(3)
    target = tmp_path / "products.csv"
    told = export(str(target), "--query", QUERY, "--options", '{"header": "none"}')

    assert target.read_bytes() == b"S0001\r\nS0002\r\n"
    assert told.startswith("2 rows, 14 bytes")
    assert ExportJob.objects.get().owner == bob
    assert AuditRecord.objects.get(action="export.download").context["evidence"]["by"] == "command"


def test_picked_rows_go_to_the_standard_output(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *_rest = products(3)
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", out)
    export("-", "--format", "csv", "--query", QUERY, "--rows", json.dumps({"include": [first.pk]}))
    assert as_csv(out.buffer.getvalue()) == [["sku"], ["S0000"]]  # type: ignore[attr-defined]


def test_what_can_not_be_written_is_said(bob: User, tmp_path: Path) -> None:
    there = tmp_path / "there.csv"
    there.write_text("mine")
    with pytest.raises(CommandError, match="already"):
        export(str(there))
    with pytest.raises(CommandError, match="--format"):
        export(str(tmp_path / "nameless"))
    with pytest.raises(CommandError, match=r"No active plugin|can't be written"):
        export(str(tmp_path / "a.odd"))
    with pytest.raises(CommandError, match="no column"):
        export(str(tmp_path / "a.csv"), "--query", '{"columns": ["price"]}')
    with pytest.raises(CommandError, match="--query"):
        export(str(tmp_path / "a.csv"), "--query", "[]")
    with pytest.raises(CommandError, match="no user"):
        call_command("gridkit_export", GRID, str(tmp_path / "a.csv"), "--user", "nobody")
    with pytest.raises(CommandError, match="No such file"):
        export(str(tmp_path / "no" / "folder.csv"))
    assert there.read_text() == "mine"


def test_an_export_that_fails_says_why(bob: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_job_id: Any) -> None:
        ExportJob.objects.update(state="failed", error_code="export-lost", error_detail="Gone.")

    monkeypatch.setattr("gridkit_django.management.commands.gridkit_export.run_export", gone)
    with pytest.raises(CommandError, match=r"export-lost: Gone\."):
        export(str(tmp_path / "a.csv"))
    assert not (tmp_path / "a.csv").exists()

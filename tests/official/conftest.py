"""What the tests of the official plugins share: writing one file with an exporter, without any database."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gridkit_django.exports import BaseExporter, ExportColumn, ExportSheet
from gridkit_django.plugins import PluginManager, plugin_manager

Written = Callable[..., bytes]


@pytest.fixture
def written() -> Written:
    """Return a function that writes rows with an exporter, in chunks as a job does, and returns the file."""

    def write(
        exporter_class: type[BaseExporter],
        columns: Sequence[tuple[str, str, str]],
        rows: Sequence[Sequence[Any]],
        *,
        title: str = "Products",
        **options: Any,
    ) -> bytes:
        stream = io.BytesIO()
        exporter = exporter_class()
        sheet = ExportSheet(
            title=title,
            columns=tuple(ExportColumn(*column) for column in columns),
            options=options,
            created_at=datetime(2026, 5, 17, 12, 4, tzinfo=UTC),
            owner_label="ann",
            total_rows=len(rows),
            time_zone=ZoneInfo("America/New_York"),
        )
        exporter.begin(stream, sheet)
        for start in range(0, len(rows), exporter.chunk_rows):
            exporter.write(rows[start : start + exporter.chunk_rows])
        exporter.finish()
        return stream.getvalue()

    return write


@pytest.fixture
def manager(db: None) -> Iterator[PluginManager]:
    """The manager of this process, with nothing at work before and after: code outlives rows that are rolled back."""
    found = plugin_manager()
    found.stop_all()
    yield found
    found.stop_all()

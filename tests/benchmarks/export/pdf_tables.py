"""One table of twelve columns as a PDF file, written plainly with WeasyPrint and by GridKit's exporter.

Run as a program it writes one file and prints what that took, so that memory can be told apart:
``python -m tests.benchmarks.export.pdf_tables gridkit 10000``.
"""

from __future__ import annotations

import html
import io
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from types import MappingProxyType
from typing import Any

import django
from django.apps import apps

COLUMNS = (
    ("id", "ID", "integer"),
    ("reference", "Reference", "integer"),
    ("quantity", "Quantity", "integer"),
    ("amount", "Amount", "decimal"),
    ("ratio", "Ratio", "decimal"),
    ("name", "Name", "text"),
    ("note", "Note", "text"),
    ("active", "Active", "boolean"),
    ("day", "Day", "date"),
    ("created", "Created", "datetime"),
    ("extra", "Extra", "text"),
    ("city", "City", "text"),
)
_WORDS = (
    "alpha",
    "beta",
    "gamma",
    "delta",
    "order",
    "urgent",
    "café",
    "naïve",
    "Zürich",
    "résumé",
    "Привет",
    "мир",
    "مرحبا",
)
_CITIES = ("Berlin", "Paris", "New York", "São Paulo")
_MONTHS = datetime(2024, 1, 1, 8, tzinfo=UTC)


def rows_of(count: int) -> list[list[Any]]:
    """Return rows of many types, the same ones each time: one text in twelve columns is of mixed scripts."""
    random = Random(12)
    return [
        [
            number,
            random.randrange(10**9),
            random.randrange(1000),
            Decimal(random.randrange(10**8)) / 100,
            Decimal(random.randrange(10**6)) / 10**6,
            f"Customer {random.randrange(10**6):06}",
            " ".join(random.choices(_WORDS, k=random.randrange(2, 9))),
            random.random() < 0.5,
            date(2024, 1, 1) + timedelta(days=random.randrange(900)),
            _MONTHS + timedelta(minutes=random.randrange(10**6)),
            None if random.random() < 0.3 else f"x{random.randrange(999)}",
            random.choice(_CITIES),
        ]
        for number in range(count)
    ]


def plain(rows: Sequence[Sequence[Any]]) -> bytes:
    """Write the table as anybody would: one HTML document with fixed widths, a header row and page numbers."""
    from weasyprint import HTML  # noqa: PLC0415 - a child that measures the other way must not load it first

    head = "".join(f"<th>{label}</th>" for _, label, _ in COLUMNS)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape('' if cell is None else str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    style = (
        "@page { size: A4 landscape; margin: 18mm 10mm 14mm; @bottom-right { content: 'Page ' counter(page) ' of '"
        " counter(pages) } } html { font: 7.5pt 'DejaVu Sans' } td { border-bottom: .4pt solid #ccc }"
        " table { table-layout: fixed; width: 100%; border-spacing: 0 } td, th { padding: 1pt 3pt; text-align: left }"
    )
    return bytes(
        HTML(
            string=f"<html lang=en><style>{style}</style><table><thead><tr>{head}</tr></thead>{body}</table>"
        ).write_pdf()
    )


def gridkit(rows: Sequence[Sequence[Any]]) -> bytes:
    """Write the table by the exporter, in chunks as a job does."""
    from gridkit_django.exports import ExportColumn, ExportSheet  # noqa: PLC0415 - needs Django's apps
    from gridkit_plugins.export.exporters.pdf import PdfExporter  # noqa: PLC0415 - needs Django's apps

    stream = io.BytesIO()
    exporter = PdfExporter()
    sheet = ExportSheet(
        title="Orders",
        columns=tuple(ExportColumn(*column) for column in COLUMNS),
        options={"orientation": "landscape"},
        created_at=_MONTHS,
        owner_label="bench",
        total_rows=len(rows),
        time_zone=UTC,
    )
    exporter.begin(stream, sheet)
    for start in range(0, len(rows), exporter.chunk_rows):
        exporter.write(rows[start : start + exporter.chunk_rows])
    exporter.finish()
    return stream.getvalue()


WAYS: Mapping[str, Callable[[Sequence[Sequence[Any]]], bytes]] = MappingProxyType({"plain": plain, "gridkit": gridkit})


def main(way: str, count: int) -> int:
    """Write one file and print its processor time, its size and the memory above an idle worker."""
    if not apps.ready:
        django.setup()
    rows = rows_of(count)
    WAYS[way](rows[:20])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    data = WAYS[way](rows)
    seconds = time.process_time() - started
    above = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "megabytes": above, "bytes": len(data)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))

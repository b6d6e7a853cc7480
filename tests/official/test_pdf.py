"""PDF tables, read back with pypdf."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from decimal import Decimal

import pypdf
import pytest
from weasyprint import HTML
from weasyprint.urls import FatalURLFetchingError

from gridkit_django.exports import ExportColumn
from gridkit_plugins.export.exporters.pdf import DenyFetcher, PdfExporter
from gridkit_plugins.export.exporters.pdfpage import plan_page

COLUMNS = [("key", "Key", "text"), ("price", "Price", "decimal")]


def pages(data: bytes):
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages]


def keys(texts: list[str]):
    return [re.findall(r"\bk\d+\b", text) for text in texts]


def test_every_row_is_there_once_in_order_over_many_parts(written: Callable[..., bytes]):
    rows = [[f"k{number}", Decimal(number)] for number in range(620)]
    texts = pages(written(PdfExporter, COLUMNS, rows))

    assert [key for page in keys(texts) for key in page] == [f"k{number}" for number in range(620)]


def test_pages_are_full_over_the_seams_of_the_parts_and_numbered_through(written: Callable[..., bytes]):
    rows = [[f"k{number}", Decimal(number)] for number in range(620)]
    texts = pages(written(PdfExporter, COLUMNS, rows))

    per_page = [len(found) for found in keys(texts)]
    assert max(per_page[:-1]) - min(per_page[:-1]) <= 1, "a seam would show as a page that is not full"
    assert [re.findall(r"Page (\d+)", text) for text in texts] == [[str(n)] for n in range(1, len(texts) + 1)]


def test_title_header_and_origin_are_on_every_page(written: Callable[..., bytes]):
    for text in pages(
        written(PdfExporter, COLUMNS, [[f"k{number}", 1] for number in range(300)], title="Flights & more")
    ):
        assert "Flights & more" in text
        assert "Key" in text
        assert "300 rows · ann · 2026-05-17 08:04 America/New_York" in text


def test_markup_in_cells_labels_and_title_is_text(written: Callable[..., bytes]):
    attack = "<img src='file:///etc/passwd'><script>alert(1)</script>&amp;"
    (text,) = pages(written(PdfExporter, [("a", "<b>A</b>", "text")], [[attack]], title="<i>T</i>"))

    joined = text.replace("\n", "")
    assert "<img src='file:///etc/passwd'><script>alert(1)</script>&amp;" in joined
    assert "<b>A</b>" in text
    assert "<i>T</i>" in text


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://127.0.0.1:1/", "data:text/css,x"])
def test_nothing_is_fetched_from_anywhere(url: str):
    with pytest.raises(FatalURLFetchingError, match="load nothing from outside"):
        HTML(string=f"<img src='{url}'>", url_fetcher=DenyFetcher()).render()


def test_no_rows_give_one_page_that_says_so(written: Callable[..., bytes]):
    (text,) = pages(written(PdfExporter, COLUMNS, []))

    assert "No rows." in text
    assert "Page 1" in text


def test_a_row_longer_than_a_page_is_shown_whole_and_rows_go_on_after_it(written: Callable[..., bytes]):
    words = " ".join(f"w{number}" for number in range(6000))

    class SmallParts(PdfExporter):
        chunk_rows = 2

    rows = [["k0", "a"], ["k1", words], ["k2", "b"], ["k3", "c"], ["k4", "d"]]
    texts = pages(written(SmallParts, [("key", "Key", "text"), ("text", "Text", "text")], rows))

    found = " ".join(texts)
    assert [key for page in keys(texts) for key in page] == ["k0", "k1", "k2", "k3", "k4"]
    assert re.findall(r"\bw\d+\b", found) == [f"w{number}" for number in range(6000)]


def test_control_characters_do_not_break_the_page(written: Callable[..., bytes]):
    (text,) = pages(written(PdfExporter, [("a", "A", "text")], [["a\x00b\x1fc"]]))

    assert "a" in text
    assert "\x00" not in text


def test_document_knows_its_title_and_author(written: Callable[..., bytes]):
    reader = pypdf.PdfReader(io.BytesIO(written(PdfExporter, COLUMNS, [["k1", 1]])))

    assert (reader.metadata.title, reader.metadata.author) == ("Products", "ann")


def test_abort_writes_nothing(written: Callable[..., bytes]):
    class Stopped(PdfExporter):
        def finish(self):
            self.abort()

    assert written(Stopped, COLUMNS, [["k1", 1]]) == b""


def columns(count: int):
    return [ExportColumn(f"c{number}", f"Column {number}", "text") for number in range(count)]


@pytest.mark.parametrize(("count", "paper"), [(3, "A4 portrait"), (10, "A4 landscape"), (14, "A3 landscape")])
def test_paper_grows_with_the_number_of_columns(count: int, paper: str):
    plan = plan_page(columns(count), [["some text here!"] * count])

    assert (plan.paper, plan.type_size) == (paper, 7.5)
    assert sum(plan.widths) == pytest.approx(100, abs=0.1)


def test_type_shrinks_when_the_largest_paper_is_too_narrow_but_stays_readable():
    assert plan_page(columns(20), [["some text here!"] * 20]).type_size < 7.5
    assert plan_page(columns(200), [["some text here!"] * 200]).type_size == 5.0


def test_orientation_can_be_asked_for(written: Callable[..., bytes]):
    box = (
        pypdf.PdfReader(io.BytesIO(written(PdfExporter, COLUMNS, [["k", 1]], orientation="landscape")))
        .pages[0]
        .mediabox
    )

    assert box.width > box.height


def test_a_long_row_at_the_end_is_written_once(written: Callable[..., bytes]):
    words = " ".join(f"w{number}" for number in range(6000))
    texts = pages(written(PdfExporter, [("key", "Key", "text"), ("text", "Text", "text")], [["k0", words]]))

    assert len(texts) > 2
    assert re.findall(r"\bw\d+\b", " ".join(texts)) == [f"w{number}" for number in range(6000)]

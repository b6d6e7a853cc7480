"""PDF tables, read back with pypdf and PDFium."""

from __future__ import annotations

import base64
import io
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdf
import pytest
from PIL import Image
from weasyprint import HTML
from weasyprint.urls import FatalURLFetchingError

from gridkit_django.exceptions import ExportError
from gridkit_django.exports import ExportColumn, SegmentPlace
from gridkit_plugins.export.exporters.pdf import PdfExporter
from gridkit_plugins.export.pdf import fetching
from gridkit_plugins.export.pdf.fetching import EmbeddedOnly
from gridkit_plugins.export.pdf.plan import PagePlan, plan_page
from tests.official.pdf_files import (
    Drawn,
    LaidOut,
    in_segments,
    joined,
    keys_of,
    sheet_of,
    texts_of,
    words_of,
    write_pdf,
)

BOTH_WAYS = pytest.mark.parametrize("way", [Drawn, LaidOut])


def numbered(count: int, start: int = 0):
    return [[f"k{number}", Decimal(number)] for number in range(start, start + count)]


@BOTH_WAYS
def test_every_row_is_there_once_in_order_and_pages_are_full_and_numbered(way: type[PdfExporter]):
    texts = texts_of(write_pdf(way, numbered(200)))
    per_page = [len(found) for found in keys_of(texts)]

    assert [key for page in keys_of(texts) for key in page] == [f"k{number}" for number in range(200)]
    assert max(per_page[:-1]) - min(per_page[:-1]) <= 1
    found = [re.findall(r"Page (\d+) of (\d+)", text) for text in texts]
    assert found == [[(str(number), str(len(texts)))] for number in range(1, len(texts) + 1)]


def test_a_table_of_many_pages_has_its_numbers_right_when_they_grow_by_a_digit():
    texts = texts_of(write_pdf(PdfExporter, numbered(650)))

    assert len(texts) > 10
    assert [re.findall(r"Page (\d+) of (\d+)", text) for text in texts] == [
        [(str(number), str(len(texts)))] for number in range(1, len(texts) + 1)
    ]


@BOTH_WAYS
def test_title_header_and_origin_are_on_every_page(way: type[PdfExporter]):
    for text in texts_of(write_pdf(way, numbered(120), title="Flights & more")):
        assert "Flights & more" in text
        assert "Key" in text
        assert "120 rows · ann · 2026-05-17 08:04 America/New_York" in text


@BOTH_WAYS
def test_markup_in_cells_labels_and_title_is_text(way: type[PdfExporter]):
    attack = "<img src='file:///etc/passwd'><script>alert(1)</script>&amp;{{ sheet }}{% load x %}"
    (text,) = texts_of(write_pdf(way, [[attack]], [("a", "<b>A</b>", "text")], title="<i>T</i>"))

    assert attack.replace(" ", "") in re.sub(r"\s", "", text)
    assert "<b>A</b>" in text
    assert "<i>T</i>" in text


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "http://127.0.0.1:1/", "data:text/css,x", "data:text/html,x", "ftp://a/b"]
)
def test_nothing_is_fetched_from_anywhere(url: str):
    with pytest.raises(FatalURLFetchingError, match="load nothing from outside"):
        HTML(string=f"<img src='{url}'>", url_fetcher=EmbeddedOnly()).render()


def test_a_picture_may_stand_in_the_template_unless_it_is_huge(monkeypatch: pytest.MonkeyPatch):
    stream = io.BytesIO()
    Image.new("RGB", (2, 2), "red").save(stream, "png")
    url = f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"

    assert b"/Image" in HTML(string=f"<img src='{url}'>", url_fetcher=EmbeddedOnly()).write_pdf()
    monkeypatch.setattr(fetching, "_LONGEST", 50)
    with pytest.raises(FatalURLFetchingError, match="50 characters"):
        HTML(string=f"<img src='{url}'>", url_fetcher=EmbeddedOnly()).render()


def test_no_rows_give_one_page_that_says_so():
    (text,) = texts_of(write_pdf(PdfExporter, []))

    assert "No rows." in text
    assert "Page 1 of 1" in text


@BOTH_WAYS
def test_a_row_longer_than_a_page_is_shown_whole_and_rows_go_on_after_it(way: type[PdfExporter]):
    words = " ".join(f"w{number}" for number in range(4000))
    rows = [["k0", "a"], ["k1", words], ["k2", "b"], ["k3", "c"]]
    texts = texts_of(write_pdf(way, rows, [("key", "Key", "text"), ("text", "Text", "text")]))

    assert len(texts) > 2
    assert [key for page in keys_of(texts) for key in page] == ["k0", "k1", "k2", "k3"]
    assert re.findall(r"\bw\d+\b", " ".join(texts)) == [f"w{number}" for number in range(4000)]


@BOTH_WAYS
def test_control_characters_and_marks_of_direction_do_not_break_the_page(way: type[PdfExporter]):
    (text,) = words_of(write_pdf(way, [["a\x00b\x1fc\u202ed", 1]]))

    assert "\x00" not in text
    assert "\u202e" not in text
    assert "a\ufffdb\ufffdc\ufffdd" in text


def test_document_knows_its_title_author_and_language():
    for way in (Drawn, LaidOut):
        reader = pypdf.PdfReader(io.BytesIO(write_pdf(way, numbered(1), language="de")))

        assert (reader.metadata.title, reader.metadata.author) == ("Products", "ann")
        assert reader.root_object["/Lang"] == "de"


def test_abort_writes_nothing():
    stream = io.BytesIO()
    exporter = Drawn()
    exporter.begin(stream, sheet_of(rows=1))
    exporter.write(numbered(1))
    exporter.abort()

    assert stream.getvalue() == b""


def test_values_read_as_on_the_page_or_exactly():
    rows = [["k1", Decimal("1234567.50")]]

    assert "1,234,567.50" in texts_of(write_pdf(Drawn, rows))[0]
    assert "1234567.50" in texts_of(write_pdf(Drawn, rows, options={"formatting": False}))[0]


def test_a_cover_stands_before_the_table_without_header_and_footer():
    for way in (Drawn, LaidOut):
        cover, *others = texts_of(write_pdf(way, numbered(120), options={"cover": True}))

        assert "Products" in cover
        assert "Page" not in cover
        assert f"Page 2 of {len(others) + 1}" in others[0]
        assert [key for page in keys_of(others) for key in page] == [f"k{number}" for number in range(120)]


def test_segments_of_workers_that_know_nothing_of_each_other_make_one_table_without_seams():
    rows = numbered(150)
    sheet = sheet_of(rows=150)
    apart = words_of(joined(Drawn, [rows[:70], rows[70:75], rows[75:]], sheet))

    assert apart == words_of(joined(Drawn, [rows], sheet))
    assert [key for page in keys_of(apart) for key in page] == [f"k{number}" for number in range(150)]


def test_rows_that_came_after_they_were_counted_are_drawn_after_those_that_were_to_be_laid_out():
    class Short(PdfExporter):
        full_rows = 3

    texts = texts_of(joined(Short, [numbered(3), numbered(2, start=3)], sheet_of(rows=3)))
    assert keys_of(texts) == [["k0", "k1", "k2", "k3", "k4"]]
    texts = texts_of(joined(Short, [numbered(9)], sheet_of(rows=3)))
    assert keys_of(texts) == [[f"k{number}" for number in range(9)]]


def test_a_later_segment_says_so_when_nobody_told_it_the_facts_of_the_first():
    with pytest.raises(ExportError, match="facts of the first one"):
        Drawn().write_segment(io.BytesIO(), sheet_of(rows=9), SegmentPlace(1, 3), iter([numbered(3)]))


def test_a_segment_that_lost_its_end_is_no_silent_loss():
    sheet = sheet_of(rows=60)
    (segment,) = in_segments(Drawn, [numbered(60)], sheet)
    segment.stream.truncate(200)

    with pytest.raises(EOFError, match="lacks its end"):
        Drawn().join(io.BytesIO(), sheet, iter([segment]))


def columns(count: int):
    return [ExportColumn(f"c{number}", f"Column {number}", "text") for number in range(count)]


@pytest.mark.parametrize(
    ("count", "options", "paper"),
    [
        (3, {}, "A4 portrait"),
        (10, {}, "A4 landscape"),
        (14, {}, "A3 landscape"),
        (3, {"paper": "letter"}, "letter portrait"),
        (14, {"orientation": "portrait"}, "A4 portrait"),
    ],
)
def test_paper_grows_with_the_number_of_columns(count: int, options: Any, paper: str):
    plan = plan_page(columns(count), [["some text here!"] * count], options)

    assert plan.paper == paper
    assert sum(plan.widths) == pytest.approx(100, abs=0.1)
    assert PagePlan.from_facts(plan.to_facts()) == plan


def test_type_shrinks_when_the_largest_paper_is_too_narrow_but_stays_readable():
    assert plan_page(columns(20), [["some text here!"] * 20], {}).type_size < 7.5
    assert plan_page(columns(200), [["some text here!"] * 200], {}).type_size == 5.0


def test_characters_of_east_asia_are_planned_with_twice_the_width():
    narrow, wide = plan_page(columns(2), [["abcdefghijkl", "東京都港区芝公園四丁目二"]], {}).widths

    assert wide > narrow * 1.5


def test_orientation_can_be_asked_for():
    box = pypdf.PdfReader(io.BytesIO(write_pdf(Drawn, numbered(1), options={"orientation": "landscape"})))

    assert box.pages[0].mediabox.width > box.pages[0].mediabox.height


def test_tagged_files_name_every_cell_its_heading_and_what_is_no_content():
    data = write_pdf(Drawn, numbered(90), options={"accessible": True, "cover": True})
    root = pypdf.PdfReader(io.BytesIO(data)).root_object
    (document,) = root["/StructTreeRoot"]["/K"]
    table = next(kid.get_object() for kid in document["/K"] if kid.get_object()["/S"] == "/Table")
    head, body = (kid.get_object() for kid in table["/K"])
    headings = [cell.get_object() for cell in head["/K"][0].get_object()["/K"]]
    rows = [row.get_object()["/K"] for row in body["/K"]]

    assert [heading["/ID"] for heading in headings] == ["column-0000", "column-0001"]
    assert (head["/S"], body["/S"], len(rows)) == ("/THead", "/TBody", 90)
    assert [cell.get_object()["/A"]["/Headers"] for cell in rows[-1]] == [["column-0000"], ["column-0001"]]
    assert root["/MarkInfo"]["/Marked"] is True or str(root["/MarkInfo"]["/Marked"]) == "True"
    assert b"pdfuaid" in root["/Metadata"].get_data()


def test_each_mark_on_a_page_belongs_to_one_element():
    data = write_pdf(Drawn, numbered(90), options={"accessible": True})
    reader = pypdf.PdfReader(io.BytesIO(data))
    numbers = reader.root_object["/StructTreeRoot"]["/ParentTree"]["/Nums"]
    parents = dict(zip(numbers[::2], (item.get_object() for item in numbers[1::2]), strict=True))

    for page in reader.pages:
        content = page.get_contents().get_data().decode("latin-1")
        marks = sorted(int(mark) for mark in re.findall(r"/MCID (\d+)", content))
        assert marks == list(range(len(parents[page["/StructParents"]])))


def test_tagged_files_have_one_table_however_short_it_is():
    root = pypdf.PdfReader(io.BytesIO(write_pdf(PdfExporter, numbered(90), options={"accessible": True}))).root_object
    (document,) = root["/StructTreeRoot"]["/K"]

    assert [kid.get_object()["/S"] for kid in document["/K"]] == ["/Table"]


@pytest.fixture
def site_template(settings: Any, tmp_path: Path):
    """Return a function that puts a template of the site in place of the packaged one."""

    def put(text: str) -> None:
        folder = tmp_path / "gridkit" / "export"
        folder.mkdir(parents=True)
        (folder / "pdf.html").write_text(text, "utf-8")
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}, *settings.TEMPLATES[1:]]

    return put


@BOTH_WAYS
def test_a_site_can_extend_the_template(way: type[PdfExporter], site_template: Any):
    site_template(
        "{% extends 'gridkit/export/pdf.html' %}{% block lead %}<p>Quarterly numbers</p>{% endblock %}"
        "{% block running %}{{ block.super }}{% endblock %}"
    )
    texts = texts_of(write_pdf(way, numbered(120)))

    assert ["Quarterly numbers" in text for text in texts] == [True, *[False] * (len(texts) - 1)]
    assert len(keys_of(texts)[0]) < len(keys_of(texts)[1])


def test_a_template_whose_pages_differ_in_more_than_their_number_has_each_laid_out(site_template: Any):
    site_template(
        "{% extends 'gridkit/export/pdf.html' %}{% block styles %}{{ block.super }}"
        ".number .page::before { content: counter(page, upper-roman) }{% endblock %}"
    )
    texts = texts_of(write_pdf(Drawn, numbered(200)))

    assert [re.search(r"Page ([IVX]+) of", text)[1] for text in texts] == ["I", "II", "III", "IV"]


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("<p>nothing</p>", "must have one <table"),
        ("<table class='gridkit-rows'></table><table class='gridkit-rows'></table>", "must have one <table"),
        (
            "<style>table { border-collapse: collapse }</style><table class='gridkit-rows'><tr><td>x</table>",
            "border-collapse: separate",
        ),
        (
            "<style>.gridkit-rows { position: absolute }</style><table class='gridkit-rows'><tr><td>x</table>",
            "run over several pages",
        ),
    ],
)
def test_a_template_that_rows_cannot_be_drawn_into_says_what_it_lacks(
    site_template: Any, template: str, complaint: str
):
    site_template(template)

    with pytest.raises(ExportError, match=complaint):
        write_pdf(Drawn, numbered(2))


@BOTH_WAYS
def test_characters_that_no_font_has_are_named_in_the_remarks(way: type[PdfExporter]):
    writer = way()
    rows = [[chr(0x12000 + number), 1] for number in range(11)]
    for given, expected in ((rows[:2], ": \U00012000 (U+12000), \U00012001 (U+12001)."), (rows, "(U+12009), ….")):
        writer.join(io.BytesIO(), sheet_of(rows=len(given)), in_segments(way, [given], sheet_of(rows=len(given))))
        (remark,) = writer.remarks()
        assert remark.endswith(expected)
    writer.join(io.BytesIO(), sheet_of(rows=1), in_segments(way, [[["plain", 1]]], sheet_of(rows=1)))
    assert writer.remarks() == ()

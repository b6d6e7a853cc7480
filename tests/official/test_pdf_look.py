"""Tables drawn into WeasyPrint's page look as if WeasyPrint had laid them out, whatever stands in them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageChops
from weasyprint.text.line_break import split_first_line

from gridkit_django.exports import ExportColumn, ExportFigure, ExportGroup
from gridkit_django.grids.columns import CellStyle, NumberFormat
from gridkit_django.grids.functions import Fn
from gridkit_plugins.export.pdf.content import Content
from gridkit_plugins.export.pdf.layout import PageTemplate
from gridkit_plugins.export.pdf.plan import PagePlan
from gridkit_plugins.export.pdf.rows import lay_out_model
from gridkit_plugins.export.pdf.shaping import Shaper
from tests.official.pdf_files import COLUMNS, Drawn, LaidOut, joined, pictures_of, sheet_of, words_of, write_pdf

LIKE = 64
"""Grey levels of 255 by which a point may differ: the ends of lines are painted in other ways."""
INK = 100

TEXTS = [
    "plain",
    "fi ffl office AVATAR To. Wavy",
    "Größe, naïve, Łódź, Ελληνικά, Привет",
    "مرحبا بالعالم العربي",
    "english then مرحبا and 123 more",
    "שלום עולם (1234) abc",
    "東京都港区芝公園四丁目二番八号と長い文章がここに続きます",
    "नमस्ते दुनिया",
    "a very long sentence that certainly has to be broken into several lines of its column, and then some more",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "first line\nsecond line\n\nfourth line",
    "e\u0301 combining, ½ ¾, “quotes” — dashes… €",
    "  two spaces  between  and behind  ",
    "tab\there",
    "1234567890 12.50 -7 +3",
    "https://example.com/a/very/long/path?with=parameters&and=more#fragment-of-the-page",
    "",
]


def assert_alike(rows: Any, columns: Any, **changes: Any) -> None:
    drawn, laid_out = (write_pdf(way, rows, columns, **changes) for way in (Drawn, LaidOut))
    ours, theirs = pictures_of(drawn), pictures_of(laid_out)

    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert one.size == other.size
        assert ImageChops.difference(one, other).getextrema()[1] < LIKE
    assert min(picture.getextrema()[0] for picture in ours) < INK, "an empty page is like any other"


def test_texts_of_many_scripts_wrap_and_shape_alike():
    columns = [("id", "ID", "integer"), ("text", "Text with a long heading", "text"), ("more", "More", "text")]
    rows = [[number, TEXTS[number % len(TEXTS)], TEXTS[-number % len(TEXTS)]] for number in range(60)]

    assert_alike(rows, columns)


def test_pages_from_right_to_left_are_alike():
    columns = [("id", "رقم", "integer"), ("text", "نص", "text"), ("latin", "Latin", "text")]
    rows = [[number, TEXTS[number % len(TEXTS)], "abc, def!"] for number in range(30)]

    assert_alike(rows, columns, language="ar", title="تقرير")


def styled_columns():
    return [
        ExportColumn("place", "Place", "text"),
        ExportColumn(
            "price",
            "Price",
            "decimal",
            format=NumberFormat(decimals=2, suffix=" €"),
            styles=(CellStyle("lt", Decimal(10), tone="bad", bold=True), CellStyle("gt", Decimal(20), tone="good")),
        ),
        ExportColumn("text", "Text", "text", styles=(CellStyle("contains", "fi", tone="info", italic=True),)),
        ExportColumn("day", "Day", "date"),
        ExportColumn("at", "At", "datetime"),
    ]


def styled_rows(count: int):
    point = datetime(2026, 3, 1, 17, 30, tzinfo=UTC)
    return [
        [f"place {number // 7}", Decimal(number), TEXTS[number % 5], date(2026, 1, 1 + number % 28), point]
        for number in range(count)
    ]


def test_conditional_styles_groups_and_totals_are_alike():
    changes: Any = {
        "groups": (ExportGroup(0),),
        "figures": (ExportFigure(1, Fn.SUM), ExportFigure(4, Fn.COUNT)),
    }
    assert_alike(styled_rows(60), styled_columns(), **changes)


@pytest.fixture
def site_styles(settings: Any, tmp_path: Path):
    """Return a function that adds styles of the site to the packaged template."""

    def add(styles: str) -> None:
        folder = tmp_path / "gridkit" / "export"
        folder.mkdir(parents=True)
        (folder / "pdf.html").write_text(
            "{% extends 'gridkit/export/pdf.html' %}{% block styles %}{{ block.super }}" + styles + "{% endblock %}",
            "utf-8",
        )
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}, *settings.TEMPLATES[1:]]

    return add


def test_a_theme_with_stripes_frames_and_centred_texts_is_alike(site_styles: Any):
    site_styles(
        "html { --stripe: #eef6ff; line-height: 1.6 } td { border: 1pt solid #c66; vertical-align: middle;"
        " text-align: center; letter-spacing: .3pt } th { color: white; background: #246 }"
        " tr.total { background: #fec }"
    )

    assert_alike(styled_rows(25), styled_columns(), figures=(ExportFigure(1, Fn.AVG),))


def test_left_and_right_pages_behind_a_cover_are_alike_whatever_their_numbers(site_styles: Any):
    """The digits of 11 stand closer together in many fonts, so that page can't be made of page 13."""
    site_styles(
        "td { padding: 30mm 0 } @page :left { @top-right { content: 'verso ' counter(page) } } .number { color: red }"
    )

    assert_alike([[f"k{number}"] for number in range(66)], COLUMNS[:1], options={"cover": True})


def test_figures_of_a_group_that_goes_on_in_the_next_segment_are_those_of_the_whole_group():
    changes: Any = {"groups": (ExportGroup(0),), "figures": (ExportFigure(1, Fn.SUM),)}
    rows = styled_rows(21)
    sheet = sheet_of(styled_columns(), rows=21, **changes)
    apart = words_of(joined(Drawn, [rows[:10], rows[10:]], sheet))

    assert apart == words_of(joined(Drawn, [rows], sheet))
    found = " ".join(apart[0].split())
    assert "place 1 (7) 70.00 €" in found
    assert "Total 210.00 €" in found


@pytest.fixture(scope="module")
def td():
    """The model cell's style, as WeasyPrint computed it."""
    content = Content(sheet_of([("a", "A", "text")]))
    template = PageTemplate(content, PagePlan("A4 portrait", 7.5, (100.0,)))
    model = lay_out_model(template, content)
    return model.rows[0].children[0].style, template


PLAIN_TEXT = st.text(st.sampled_from("fiflAVTWay .,-10/()éñΩжЖ€…"), min_size=1, max_size=30)


def test_the_last_end_of_a_line_begins_no_new_one(td: Any):
    style, _ = td
    shaper = Shaper(style, {})

    assert len(shaper.lines("a\n", 100)) == 1
    assert len(shaper.lines("a\n\nb", 100)) == 3


@settings(max_examples=20, deadline=None, derandomize=True)
@given(text=PLAIN_TEXT)
def test_lines_put_together_from_pairs_are_what_pango_makes_of_the_whole(td: Any, text: str):
    style, _ = td
    shaper = Shaper(style, {})
    composed, whole = shaper.line(text), shaper._shape(text)

    assert composed.shown == whole.shown
    assert composed.width == pytest.approx(whole.width)
    assert (composed.height, composed.baseline) == (whole.height, whole.baseline)


WORDS = st.text(st.sampled_from("abcXYZ-/,.é日本"), min_size=1, max_size=20)
SENTENCES = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(text=SENTENCES, width=st.floats(20, 200))
def test_texts_are_broken_where_weasyprint_breaks_them(td: Any, text: str, width: float):
    style, _ = td
    shaper = Shaper(style, {})
    expected: list[str] = []
    rest: str | None = text
    while rest:
        _, length, resume, *_ = split_first_line(rest, style, None, width, 0)
        data = rest.encode()
        expected.append(data[:length].decode())
        rest = None if resume is None else data[resume:].decode()

    assert [line.width for line in shaper.lines(text, width)] == pytest.approx(
        [shaper.line(part).width for part in expected]
    )


def test_characters_that_no_font_has_are_drawn_as_a_box_and_read_as_themselves():
    text = "a\U00012000b"
    (page,) = words_of(write_pdf(Drawn, [[text, 1]]))

    assert text in page


def test_a_slanted_fallback_font_is_not_taken_for_the_oblique_one_of_another_file():
    columns = [ExportColumn("text", "Text", "text", styles=(CellStyle("contains", "e", italic=True),))]
    (page,) = words_of(write_pdf(Drawn, [["english مرحبا"]], columns))

    assert "english مرحبا" in page

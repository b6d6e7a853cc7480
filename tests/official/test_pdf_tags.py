"""Tagged files, judged by programs that share no code with the writers: poppler, and a validator of PDF/UA-1."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import page
import pypdf
import pytest
from pypdf.generic import ContentStream

from gridkit_django.exports import ExportColumn, ExportFigure, ExportGroup
from gridkit_django.grids import CellStyle
from gridkit_django.grids.functions import Fn
from gridkit_plugins.export.exporters.pdf import PdfExporter
from tests.official.pdf_files import Drawn, write_pdf

COLUMNS = (
    ExportColumn("key", "Key", "text"),
    ExportColumn("text", "Text", "text", styles=(CellStyle("contains", "e", tone="bad", bold=True),)),
    ExportColumn("price", "Price", "decimal"),
)
TEXTS = [
    "plain",
    "",
    "مرحبا بالعالم",
    "a long sentence that takes several lines of its cell " * 3,
    "naïve Привет",
    "x\ny",
]
NAMES = ["rows", "groups", "none", "leftward"]
_PAINTS = {b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*", b"S", b"s", b"Tj", b"TJ", b"'", b'"', b"Do", b"sh", b"BI"}


def rows_of(count: int) -> list[list[Any]]:
    return [[f"k{number}", TEXTS[number % len(TEXTS)], Decimal(number)] for number in range(count)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tagged files with cover, figures and styles: of rows, of groups, without any row, and from right to left."""
    folder = tmp_path_factory.mktemp("tagged")
    figures = (ExportFigure(2, Fn.SUM),)
    grouped = [[f"group {number // 5}", "text", Decimal(number)] for number in range(30)]
    made = {
        "rows": tagged(rows_of(60), language="de", figures=figures),
        "groups": tagged(grouped, groups=(ExportGroup(0),), figures=figures),
        "none": tagged([]),
        "leftward": tagged(rows_of(6), language="ar", title="تقرير"),
    }
    for name, data in made.items():
        (folder / f"{name}.pdf").write_bytes(data)
    return {name: folder / f"{name}.pdf" for name in made}


def tagged(rows: list[list[Any]], **changes: Any) -> bytes:
    return write_pdf(PdfExporter, rows, COLUMNS, options={"accessible": True, "cover": True}, **changes)


def told(*command: str | Path) -> str:
    """Return what one of poppler's programs says; a complaint about the file is a failure."""
    program, *arguments = map(str, command)
    if shutil.which(program) is None:
        raise RuntimeError(f"These tests need {program} on PATH (Debian: poppler-utils).")
    done = subprocess.run([program, *arguments], check=True, capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_a_validator_finds_no_rule_of_pdf_ua_broken(files: dict[str, Path], name: str) -> None:
    report = page.validate_pdf(files[name], profile=page.ValidationProfile.PDF_UA_1)

    assert [(one.rule_id, one.message) for one in report.failures] == []
    assert report.is_compliant
    assert report.rules.total > 100


def test_the_validator_tells_of_a_file_that_is_not_tagged(tmp_path: Path) -> None:
    path = tmp_path / "plain.pdf"
    path.write_bytes(write_pdf(Drawn, rows_of(3), COLUMNS))

    assert not page.validate_pdf(path, profile=page.ValidationProfile.PDF_UA_1).is_compliant


def test_poppler_reads_heading_table_and_every_cell_in_its_place(files: dict[str, Path]) -> None:
    lines = told("pdfinfo", "-struct-text", files["rows"]).splitlines()
    kinds = [found[1] for line in lines if (found := re.match(r" *(Table|THead|TBody|TR|TH|TD|H1|P)\b", line))]

    assert kinds[:4] == ["H1", "P", "Table", "THead"]
    assert kinds[4:9] == ["TR", "TH", "TH", "TH", "TBody"]
    assert kinds[9:] == ["TR", "TD", "TD", "TD"] * 61
    found = cells_of(lines)
    expected = [[key, "".join(in_file(text).split()), str(price)] for key, text, price in rows_of(60)]
    assert [["".join(cell.split()) for cell in row] for row in found[:60]] == expected
    assert found[60] == ["Total", "", "1770"]


def in_file(text: str) -> str:
    """Return a text as its glyphs stand in the file: from left to right, as they are seen."""
    return text[::-1] if text.startswith("م") else text


def cells_of(lines: Sequence[str]) -> list[list[str]]:
    """Return the texts of the data cells of each row."""
    rows: list[list[str]] = []
    inside = False
    for line in lines:
        word = line.strip()
        if re.match(r"TR\b", word):
            rows.append([])
        if re.match(r"(TD|TH)\b", word):
            rows[-1].append("")
        inside = bool(rows and rows[-1])
        if inside and (found := re.fullmatch(r'"(.*)"', word)):
            rows[-1][-1] += found[1]
    return rows[1:]


def test_cells_name_their_headings_and_the_document_its_title_and_language(files: dict[str, Path]) -> None:
    facts = dict(line.split(":", 1) for line in told("pdfinfo", files["rows"]).splitlines())
    assert (facts["Title"].strip(), facts["Tagged"].strip(), facts["Suspects"].strip()) == ("Products", "yes", "no")
    root = pypdf.PdfReader(files["rows"]).root_object
    assert root["/Lang"] == "de"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]

    structure = told("pdfinfo", "-struct", files["rows"])
    ids = re.findall(r"TH <([^>]+)>", structure)
    headers = re.findall(r"/Headers \[\(([^)]+)\)\]", structure)
    assert len(set(ids)) == 3
    assert headers == ids * 61


@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_painted_is_either_an_element_or_an_artifact(files: dict[str, Path], name: str) -> None:
    reader = pypdf.PdfReader(files[name])
    for one in reader.pages:
        assert one["/Tabs"] == "/S"
        marks: list[str] = []
        for operands, operator in ContentStream(one.get_contents(), reader).operations:
            if operator in (b"BDC", b"BMC"):
                marks.append("artifact" if operands[0] == "/Artifact" else "element")
            elif operator == b"EMC":
                marks.pop()
            elif operator in _PAINTS:
                assert marks, (operator, operands)
                assert len(set(marks)) == 1, "an artifact within an element, or the other way round"
        assert marks == []


def test_texts_are_read_in_the_order_of_the_table(files: dict[str, Path]) -> None:
    text = told("pdftotext", "-raw", files["rows"], "-")
    found = re.findall(r"\bk\d+\b", text)

    assert found == [f"k{number}" for number in range(60)]
    assert "مرحبا" in text
    assert "Привет" in text

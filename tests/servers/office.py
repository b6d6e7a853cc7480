"""LibreOffice without a screen, as a reader of files: what it opens is saved as flat XML, and that is read here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

UTF8_TEXTS = "CSV:44,34,76,1,{columns}"
_NAMES = {
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    "xlink": "http://www.w3.org/1999/xlink",
    "calcext": "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0",
}
_GROUPS = ("table-row-group", "table-header-rows", "table-rows")
_TRUTHS = {"of:=TRUE()": True, "of:=FALSE()": False}
_PADDING = 1_000
"""Empty rows and cells that are told as one: LibreOffice fills each sheet up to its edge with such."""
_CLOCK = re.compile(r"PT(\d+)H(\d+)M(\d+)(?:\.(\d+))?S")


class Cell(NamedTuple):
    """What stands in a cell.

    Attributes:
        value: by its type; None where there is none.
        formula: as LibreOffice writes it, or empty; a truth value of a workbook, which it shows as one, has none here.
        link: where a click leads, or empty.
    """

    value: Any = None
    formula: str = ""
    link: str = ""


@dataclass
class Page:
    """One sheet.

    Attributes:
        name: on its tab.
        rows: the cells of each row, without what is empty at the end.
        levels: of the outline, of each row.
        headings: how many rows are repeated on each printed page.
        rules: conditional formats: range and condition.
        filtered: whether its columns have buttons to filter by.
    """

    name: str
    rows: list[list[Cell]] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)
    headings: int = 0
    rules: list[tuple[str, str]] = field(default_factory=list)
    filtered: bool = False

    @property
    def values(self) -> list[list[Any]]:
        """Return the values of all cells."""
        return [[cell.value for cell in row] for row in self.rows]


def open_in_office(folder: Path, files: Mapping[str, bytes], *, as_texts: int = 0) -> dict[str, list[Page]]:
    """Let LibreOffice open files and return what it sees in each that it opens without repairing it.

    Args:
        folder: an empty one, for the files and LibreOffice's own profile.
        files: by name, with the ending that says what they are.
        as_texts: for CSV in UTF-8: columns whose cells stay the texts that they are in the file.
    """
    program = os.environ.get("SOFFICE") or shutil.which("soffice")
    if program is None:
        raise RuntimeError("These tests need LibreOffice (Debian: libreoffice-calc-nogui) on PATH or in SOFFICE.")
    for name, data in files.items():
        (folder / name).write_bytes(data)
    columns = "/".join(f"{number}/2" for number in range(1, as_texts + 1))
    command = [
        program,
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        "--headless",
        "--norestore",
        *([f"--infilter={UTF8_TEXTS.format(columns=columns)}"] if as_texts else []),
        "--convert-to",
        "fods",
        "--outdir",
        str(folder / "seen"),
        *(str(folder / name) for name in files),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    seen = {name: (folder / "seen" / name).with_suffix(".fods") for name in files}
    return {name: list(_pages(path)) for name, path in seen.items() if path.is_file()}


def _pages(path: Path) -> Iterator[Page]:
    root = ET.parse(path).getroot()  # noqa: S314 - LibreOffice wrote it
    filters = [one for one in root.iter(_name("table:database-range")) if _of(one, "table:display-filter-buttons")]
    for table in root.iter(_name("table:table")):
        page = Page(_of(table, "table:name"))
        _read_rows(page, table, 0)
        while page.rows and not page.rows[-1]:
            page.rows.pop()
            page.levels.pop()
        for rule in table.iter(_name("calcext:conditional-format")):
            for condition in rule.iter(_name("calcext:condition")):
                target = _of(rule, "calcext:target-range-address")
                page.rules.append((target, _of(condition, "calcext:value")))
        page.filtered = any(page.name in _of(one, "table:target-range-address") for one in filters)
        yield page


def _read_rows(page: Page, parent: Any, level: int) -> None:
    for element in parent:
        kind = element.tag.rpartition("}")[2]
        if kind in _GROUPS:
            before = len(page.rows)
            _read_rows(page, element, level + (kind == "table-row-group"))
            page.headings += len(page.rows) - before if kind == "table-header-rows" else 0
        elif kind == "table-row":
            cells = list(_cells(element))
            while cells and cells[-1] == Cell():
                cells.pop()
            repeated = int(_of(element, "table:number-rows-repeated") or 1)
            page.rows += [cells] * min(repeated, _PADDING)
            page.levels += [level] * min(repeated, _PADDING)


def _cells(row: Any) -> Iterator[Cell]:
    for element in row:
        link = next((_of(one, "xlink:href") for one in element.iter(_name("text:a"))), "")
        formula = _of(element, "table:formula")
        cell = Cell(_TRUTHS[formula]) if formula in _TRUTHS else Cell(_value(element), formula, link)
        for _ in range(min(int(_of(element, "table:number-columns-repeated") or 1), _PADDING)):
            yield cell


def _value(cell: Any) -> Any:
    match _of(cell, "office:value-type"):
        case "":
            return None
        case "boolean":
            return _of(cell, "office:boolean-value") == "true"
        case "date":
            told = _of(cell, "office:date-value")
            return datetime.fromisoformat(told[:26]) if "T" in told else date.fromisoformat(told)
        case "time":
            return _clock(_of(cell, "office:time-value"))
        case "string":
            return "\n".join(_text(line) for line in cell.findall(_name("text:p")))
        case _:
            return float(_of(cell, "office:value"))


def _clock(told: str) -> time:
    found = _CLOCK.fullmatch(told)
    if found is None:
        raise ValueError(f"LibreOffice tells a time of day as {told!r}.")
    hour, minute, second = (int(part) for part in found.groups()[:3])
    return time(hour, minute, second, int(f"{found[4] or '0':0<6}"[:6]))


def _text(element: Any) -> str:
    """Return the text of a line; runs of spaces, tabs and line ends are elements."""
    kind = element.tag.rpartition("}")[2]
    if kind == "s":
        own = " " * int(_of(element, "text:c") or 1)
    else:
        own = {"tab": "\t", "line-break": "\n"}.get(kind, element.text or "")
    return own + "".join(_text(part) + (part.tail or "") for part in element)


def _of(element: Any, name: str) -> str:
    return str(element.get(_name(name), ""))


def _name(short: str) -> str:
    prefix, _, name = short.partition(":")
    return f"{{{_NAMES[prefix]}}}{name}"

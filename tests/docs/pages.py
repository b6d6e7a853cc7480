"""The pages of the documentation, and what stands on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^(`{3,})([^\n`]*)\n(.*?)^\1\s*$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One block of code.

    Attributes:
        page: path of its page below the repository.
        line: where its fence opens, from 1.
        language: what the fence says.
        text: the code.
    """

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Return every page, those for readers of the repository included."""
    return sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])


def text_of(name: str) -> str:
    """Return the text of a page below `docs`."""
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(*languages: str) -> list[Block]:
    """Return the code blocks of all pages in these languages, in order."""
    return [block for page in pages() for block in _blocks_of(page) if block.language in languages]


def prose_of(page: Path) -> str:
    """Return a page's text without its code blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def _blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(str(page.relative_to(ROOT)), line, found[2].strip(), found[3])

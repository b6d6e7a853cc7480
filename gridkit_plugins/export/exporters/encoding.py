"""Text into bytes: which characters a file can hold, and what becomes of those that it can't."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from gridkit_django.exceptions import ExportEncodingError
from gridkit_django.typing import JSONValue

_MARKS = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE}


def charset(options: Mapping[str, JSONValue]) -> str:
    """Return the name of the encoding on the web."""
    asked = str(options.get("encoding", "utf-8"))
    return asked.replace("cp", "windows-").removesuffix("-sig")


class TextEncoder:
    """Encodes lines of CSV as the options say.

    Args:
        options: ``encoding``, ``bom`` and ``unencodable`` of the format.
        columns: ids of the columns, for the error.
        delimiter: what stands between two values.
        first_row: how many rows come before the first one that is encoded here.
    """

    def __init__(
        self, options: Mapping[str, JSONValue], columns: Sequence[str], delimiter: str, first_row: int
    ) -> None:
        asked = str(options.get("encoding", "utf-8"))
        self._codec = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(asked, asked)
        marked = asked in ("utf-8-sig", "utf-16") or bool(options.get("bom"))
        self.mark = _MARKS.get(self._codec, b"") if marked else b""
        self._errors = "replace" if options.get("unencodable") == "replace" else "strict"
        self._columns = columns
        self._delimiter = delimiter
        self._row = first_row

    @property
    def is_plain(self) -> bool:
        """Whether UTF-8 stays as it is."""
        return self._codec == "utf-8"

    def header(self, line: str) -> bytes:
        """Encode the header row.

        Raises:
            ExportEncodingError: for a character that the encoding does not have.
        """
        try:
            return line.encode(self._codec, self._errors)
        except UnicodeEncodeError as error:
            raise self._lacks(line[error.start], "the header row") from error

    def encode(self, lines: str, rows: int | None = None) -> bytes:
        """Encode whole rows.

        Args:
            lines: the rows.
            rows: how many they are; None when nobody has counted them.

        Raises:
            ExportEncodingError: for a character that the encoding does not have.
        """
        try:
            found = lines.encode(self._codec, self._errors)
        except UnicodeEncodeError as error:
            raise self._refusal(lines) from error
        if rows is not None:
            self._row += rows
        elif not self._codec.startswith("utf"):
            self._row += sum(1 for _ in self._read(lines))
        return found

    def _refusal(self, lines: str) -> ExportEncodingError:
        """Say where the first character stands that the encoding does not have."""
        for number, cells in enumerate(self._read(lines), self._row + 1):
            for name, cell in zip(self._columns, cells, strict=False):
                try:
                    cell.encode(self._codec)
                except UnicodeEncodeError as error:
                    return self._lacks(cell[error.start], f"row {number}, column {name!r}")
        return self._lacks("the delimiter", "every row")

    def _lacks(self, letter: str, place: str) -> ExportEncodingError:
        named = f"U+{ord(letter):04X}" if len(letter) == 1 else letter
        return ExportEncodingError(
            f"The encoding {self._codec} has no {named}, which stands in {place}. Take utf-8, or let such characters "
            "be replaced (unencodable: replace)."
        )

    def _read(self, lines: str) -> Iterator[list[str]]:
        return csv.reader(io.StringIO(lines, newline=""), delimiter=self._delimiter)

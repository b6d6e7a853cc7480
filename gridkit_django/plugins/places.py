"""Where in a plugin's files an error came from."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a plugin's file; both are empty when the error came from elsewhere.

    Attributes:
        file: the file's name inside the plugin, with ``/`` between folders.
        line: the line's number, from 1.
    """

    file: str = ""
    line: int = 0

    @property
    def text(self) -> str:
        """The place as the beginning of a sentence about the error."""
        return f"{self.file}, line {self.line}: " if self.file else ""

    @property
    def facts(self) -> dict[str, Any]:
        """The place as plain values for evidence."""
        return {"file": self.file, "line": self.line} if self.file else {}


def place_of(error: BaseException, where: str) -> Place:
    """Return the innermost line of the plugin that an error passed through.

    Args:
        error: what was raised.
        where: the folder or label that the names of the plugin's files begin with; empty when that is not known.
    """
    found = Place()
    prefix = f"{where}/"
    if not where:
        return found
    for frame, line in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename.startswith(prefix):
            found = Place(frame.f_code.co_filename.removeprefix(prefix), line)
    return found

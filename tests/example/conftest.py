"""A small slice of the data set in the shape of the whole: five files that fit together."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from example_project.flights.dataset import FILES, dataset_folder, read_rows

FLIGHTS = 300


def write_csv(rows: list[list[str]]) -> str:
    """Return rows as the text of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def source_rows(name: str) -> Iterator[dict[str, str]]:
    """Read a file of the package without the loader's code."""
    path = dataset_folder() / name
    data = zipfile.ZipFile(path).read("flights.csv") if path.suffix == ".zip" else path.read_bytes()
    yield from csv.DictReader(io.StringIO(data.decode()))


@pytest.fixture(scope="session")
def slice_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the package's: all airlines, airports and planes, the first weather and flights."""
    folder = tmp_path_factory.mktemp("slice")
    for name in FILES[:3]:
        (folder / name).write_bytes((dataset_folder() / name).read_bytes())
    weather = list(islice(read_rows(dataset_folder() / "weather.csv"), 101))
    (folder / "weather.csv").write_text(write_csv(weather), encoding="utf-8")
    flights = list(islice(read_rows(dataset_folder() / "flights.csv.zip"), FLIGHTS + 1))
    with zipfile.ZipFile(folder / "flights.csv.zip", "w") as archive:
        archive.writestr("flights.csv", write_csv(flights))
    return folder

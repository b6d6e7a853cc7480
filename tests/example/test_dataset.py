from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from example_project.flights import dataset
from example_project.flights.dataset import FILES, DatasetMissingError, count_rows, dataset_folder, read_rows


def test_folder_of_the_installed_package_holds_every_file():
    assert all((dataset_folder() / name).is_file() for name in FILES)


def test_folder_without_the_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dataset, "PACKAGE", "no-such-package-of-flights")

    with pytest.raises(DatasetMissingError, match=r"not installed.*pip install --no-deps"):
        dataset_folder()


def test_folder_that_lacks_a_file_names_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dataset, "FILES", (*FILES, "ships.csv"))

    with pytest.raises(DatasetMissingError, match=r"lacks ships\.csv"):
        dataset_folder()


def test_rows_of_a_csv_file_and_of_a_zipped_one_are_the_same(tmp_path: Path):
    plain = tmp_path / "a.csv"
    plain.write_text('code,name\nAA,"Ürümqi, Diwopu"\n', encoding="utf-8")
    packed = tmp_path / "a.csv.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(plain, "a.csv")

    assert list(read_rows(plain)) == list(read_rows(packed)) == [["code", "name"], ["AA", "Ürümqi, Diwopu"]]
    assert count_rows(plain) == count_rows(packed) == 1

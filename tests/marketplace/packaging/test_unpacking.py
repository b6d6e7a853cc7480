"""Unpacked files are what RECORD lists, to the byte, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gridkit_django.exceptions import PackageRefusedError
from gridkit_django.marketplace.packaging import InspectedPackage, Rule, check_unpacked, record_of, unpack_package
from tests.marketplace.wheels import PACKAGE, wheel


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a package goes."""
    return tmp_path / "store" / "digest"


@pytest.fixture
def package(folder: Path) -> InspectedPackage:
    """An unpacked package."""
    return unpack_package(wheel({f"{PACKAGE}/data/a.txt": b"hello"}), folder)


def test_unpacked_package_holds_what_was_packed(package: InspectedPackage, folder: Path) -> None:
    assert (folder / PACKAGE / "data" / "a.txt").read_bytes() == b"hello"
    assert {path.name for path in folder.iterdir()} == {PACKAGE, "acme_colours-1.0.0.dist-info"}
    check_unpacked(folder, package.record)


def test_folder_that_is_there_is_not_unpacked_into(package: InspectedPackage, folder: Path) -> None:
    with pytest.raises(FileExistsError):
        unpack_package(wheel(), folder)


def test_refused_package_leaves_no_folder(folder: Path) -> None:
    with pytest.raises(PackageRefusedError):
        unpack_package(b"", folder)
    assert not folder.exists()


def _change(folder: Path) -> None:
    (folder / PACKAGE / "plugin.py").write_bytes(b"print('taken')\n")


def _add(folder: Path) -> None:
    (folder / PACKAGE / "hidden.py").write_bytes(b"")


def _add_bytecode(folder: Path) -> None:
    (folder / PACKAGE / "__pycache__").mkdir()
    (folder / PACKAGE / "__pycache__" / "plugin.cpython-311.pyc").write_bytes(b"")


def _remove(folder: Path) -> None:
    (folder / PACKAGE / "plugin.py").unlink()


def _link(folder: Path) -> None:
    (folder / PACKAGE / "plugin.py").unlink()
    (folder / PACKAGE / "plugin.py").symlink_to("/etc/hostname")


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / PACKAGE / "pipe")


def _gone(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


@pytest.mark.parametrize(
    ("act", "rule"),
    [
        (_change, Rule.RECORD_HASH),
        (_add, Rule.RECORD_UNLISTED),
        (_add_bytecode, Rule.RECORD_UNLISTED),
        (_remove, Rule.RECORD_ABSENT),
        (_link, Rule.LINK),
        (_pipe, Rule.KIND),
        (_gone, Rule.RECORD_ABSENT),
    ],
)
def test_what_happened_to_unpacked_files_is_seen(
    package: InspectedPackage, folder: Path, act: Callable[[Path], None], rule: Rule
) -> None:
    act(folder)

    with pytest.raises(PackageRefusedError) as caught:
        check_unpacked(folder, package.record)
    assert caught.value.code == rule.value


def test_bytecode_that_was_added_on_purpose_is_part_of_the_new_record(package: InspectedPackage, folder: Path) -> None:
    _add_bytecode(folder)
    record = record_of(folder)

    check_unpacked(folder, record)
    (folder / PACKAGE / "__pycache__" / "plugin.cpython-311.pyc").write_bytes(b"evil")
    with pytest.raises(PackageRefusedError):
        check_unpacked(folder, record)

"""The table of formats."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gridkit_django.exceptions import ExportError, FormatUnavailableError, UnknownFormatError
from gridkit_django.exports import ExporterRegistry
from tests.exports.shop import Recorder

PATH = "tests.exports.shop.Recorder"


class Other(Recorder):
    """Another writer."""


def test_a_class_and_a_dotted_path_are_found_by_format():
    made = ExporterRegistry()
    made.register("a", Recorder, owner="p")
    made.register("b", PATH, owner="p")

    assert made.get("a") is Recorder
    assert made.get("b") is Recorder
    assert made.formats() == ("a", "b")


def test_an_unknown_format_is_refused_with_the_known_ones():
    made = ExporterRegistry()
    with pytest.raises(UnknownFormatError, match="Formats of this site: none"):
        made.get("csv")
    made.register("csv", Recorder)
    with pytest.raises(UnknownFormatError, match=r"no-such.*Formats of this site: csv"):
        made.get("no-such")


def test_remove_takes_just_its_own_entry_away_and_may_be_called_twice():
    made = ExporterRegistry()
    remove = made.register("a", Recorder)
    made.register("b", Recorder)
    remove()
    remove()

    assert made.formats() == ("b",)


def test_the_newest_entry_of_an_owner_serves_and_its_removal_brings_the_older_back():
    made = ExporterRegistry()
    remove_old = made.register("a", Recorder, owner="p")
    remove_new = made.register("a", Other, owner="p")
    assert made.get("a") is Other

    remove_new()
    assert made.get("a") is Recorder
    remove_old()
    assert made.formats() == ()


def test_the_old_entry_can_go_while_the_new_one_serves():
    made = ExporterRegistry()
    remove_old = made.register("a", Recorder, owner="p")
    made.register("a", Other, owner="p")
    remove_old()

    assert made.get("a") is Other


def test_another_owner_may_not_take_over_a_format():
    made = ExporterRegistry()
    made.register("a", Recorder, owner="first")

    with pytest.raises(ExportError, match="already written by first"):
        made.register("a", Other, owner="second")
    assert made.get("a") is Recorder


@pytest.mark.parametrize("path", ["no_such_module.Exporter", "tests.exports.shop.NoSuch", "tests.exports.shop.person"])
def test_what_cannot_be_loaded_disables_its_own_format_only(path: str):
    made = ExporterRegistry()
    made.register("bad", path, owner="p")
    made.register("good", PATH, owner="p")

    with pytest.raises(FormatUnavailableError, match="can't be written on this site"):
        made.get("bad")
    assert made.get("good") is Recorder
    assert list(made.problems()) == ["bad"]
    assert "of p" in made.problems()["bad"]


def test_a_missing_system_library_reads_as_an_unavailable_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "needs_pango.py").write_text("raise OSError('cannot load library libpango-1.0-0')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    made = ExporterRegistry()
    made.register("pdf", "needs_pango.PdfExporter", owner="p")

    with pytest.raises(FormatUnavailableError, match="libpango") as caught:
        made.get("pdf")
    assert caught.value.code == "export-format-unavailable"


def test_registering_imports_nothing():
    ExporterRegistry().register("x", "wave.Exporter")

    assert "wave" not in sys.modules


def test_active_plugins_are_asked_before_each_look_into_the_table():
    made = ExporterRegistry()
    asked: list[str] = []

    def register_late() -> None:
        asked.append("asked")
        made.register("late", Recorder)

    made.before_reading = register_late

    assert made.get("late") is Recorder
    assert made.formats() == ("late",)
    assert made.problems() == {}
    assert len(asked) == 3

"""The tests that the pages *Test a plugin* and *Write a plugin* show, in a project that has nothing else."""

from __future__ import annotations

import re

import pytest

from gridkit_django.testing import PluginConformance
from tests.docs.pages import blocks, text_of
from tests.docs.test_plugin_page import PAGE as WRITE
from tests.docs.test_plugin_page import write_files
from tests.plugins.samples import write_plugin
from tests.testing.test_pytest_plugin import FEW_PLUGINS, SETTINGS, TABLES_AT_ONCE, run

PAGE = "how-to/test-a-plugin.md"

FAILING = """
from gridkit_django.plugins import Plugin

class Sample(Plugin):
    def initialize(self, context):
        1 / 0
"""
TWO_LINES = """
from gridkit_django.testing import PluginConformance

class TestConformance(PluginConformance):
    source = "plugins/sample"
"""


def page_blocks() -> list[str]:
    return [block.text for block in blocks("python") if block.page == f"docs/{PAGE}"]


def test_page_names_every_test_of_the_suite_and_every_fixture() -> None:
    names = [name for name in vars(PluginConformance) if name.startswith("test_")]
    assert [name for name in names if f"| `{name}` |" not in text_of(PAGE)] == []
    assert [name for name in PluginConformance.__annotations__ if f"`{name}" not in text_of(PAGE)] == []


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What one run of pytest says: the files of both pages, and one test of a plugin that can't start."""
    folder = tmp_path_factory.mktemp("site")
    write_files(folder)
    write_plugin(folder / "plugins", code=FAILING)
    (fixtures,) = [text for text in page_blocks() if "def test_health_turns_yellow" in text]
    (folder / "site_settings.py").write_text(SETTINGS)
    (folder / "pytest.ini").write_text("[pytest]\nDJANGO_SETTINGS_MODULE = site_settings\n")
    (folder / "tests" / "test_page.py").write_text(fixtures)
    (folder / "tests" / "test_failing.py").write_text(TWO_LINES)
    (command,) = re.findall(r"^\$ python (-m pytest .*)$", WRITE, re.MULTILINE)
    more = ("tests/test_page.py", "tests/test_failing.py::TestConformance::test_starts_with_all_that_it_asks_for")
    return run(folder, *command.split(), *more, *FEW_PLUGINS, TABLES_AT_ONCE)


def test_tests_of_both_pages_pass(told: str) -> None:
    assert re.search(r"tests/test_delay_alarm\.py \.{15}\s", told), told
    assert re.search(r"tests/test_page\.py \.{3}\s", told), told
    assert "1 failed, 18 passed" in told, told


def test_suite_tells_the_author_what_is_wrong_in_one_sentence(told: str) -> None:
    assert "It does not start with all permissions granted: " in told, told
    assert "ZeroDivisionError" in told, told

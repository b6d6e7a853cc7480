"""The tests that the page *Test a plugin* shows, run on the plugin of the page *Write a plugin*."""

from __future__ import annotations

from pathlib import Path

from gridkit_django.testing import PluginConformance
from tests.docs.pages import blocks, text_of
from tests.docs.test_plugin_page import write_files
from tests.testing.test_pytest_plugin import RUN, SETTINGS, run

PAGE = "how-to/test-a-plugin.md"


def page_blocks() -> list[str]:
    return [block.text for block in blocks("python") if block.page == f"docs/{PAGE}"]


def test_page_names_every_test_of_the_suite_and_every_fixture() -> None:
    names = [name for name in vars(PluginConformance) if name.startswith("test_")]
    assert [name for name in names if f"| `{name}` |" not in text_of(PAGE)] == []
    assert [name for name in PluginConformance.__annotations__ if f"`{name}" not in text_of(PAGE)] == []


def test_tests_of_the_page_pass(tmp_path: Path) -> None:
    write_files(tmp_path)
    (tmp_path / "site_settings.py").write_text(SETTINGS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nDJANGO_SETTINGS_MODULE = site_settings\n")
    (fixtures,) = [text for text in page_blocks() if "def test_health_turns_yellow" in text]
    (tmp_path / "tests" / "test_page.py").write_text(fixtures)
    told = run(tmp_path, *RUN, "tests/test_page.py")
    assert "3 passed" in told, told

"""Whatever has a name that people meet stands in the reference; a new one without a word there fails here."""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from types import ModuleType

import pytest
from django.apps import apps
from django.core.management import get_commands

from gridkit_django import grids
from gridkit_django.api.statuses import status_of
from gridkit_django.conf import GridKitSettings
from gridkit_django.events import ALIASES, EVENT_TYPES
from gridkit_django.exceptions import GridKitError
from gridkit_django.grids import Column, CountMode, GridOptions, Op
from gridkit_django.models import EffectiveState, InstalledPlugin, RegisteredGrid, SavedView
from gridkit_django.plugins import Permission
from tests.docs.pages import DOCS, ROOT, pages, text_of

PACKAGES = ("gridkit_django", "gridkit_plugins")


def errors(root: type[GridKitError] = GridKitError) -> Iterator[type[GridKitError]]:
    """Yield every error of the tree that has a code of its own."""
    if "code" in vars(root):
        yield root
    for kind in root.__subclasses__():
        if kind.__module__.startswith("gridkit_django.exceptions"):
            yield from errors(kind)


def check_ids() -> set[str]:
    """Return every id of a system check that the sources name."""
    files = [path.read_text() for name in ("checks", "grids") for path in (ROOT / "gridkit_django" / name).glob("*.py")]
    text = "\n".join(files)
    whole = {f"gridkit.{code}" for code in re.findall(r'id="gridkit\.([EW]\d{3})"', text)}
    return whole | {f"gridkit.{code}" for code in re.findall(r'Fault\(\s*"(E\d{3})"', text)}


def official_plugins() -> list[str]:
    """Return the ids of the plugins in this distribution."""
    files = sorted((ROOT / "gridkit_plugins").glob("*/plugin.toml"))
    return [tomllib.loads(path.read_text())["id"] for path in files]


def commands() -> list[str]:
    """Return the management commands of ours and of the example."""
    ours = (*PACKAGES, "example_project")
    return sorted(name for name, app in get_commands().items() if str(app).split(".")[0] in ours)


@pytest.fixture
def directive() -> Iterator[ModuleType]:
    """The Sphinx directive that makes the table of settings."""
    sys.path.insert(0, str(DOCS))
    try:
        yield importlib.import_module("settings_directive")
    finally:
        sys.path.remove(str(DOCS))


@pytest.mark.parametrize("name", sorted(EVENT_TYPES | ALIASES.keys()))
def test_event_type_stands_in_the_reference(name: str) -> None:
    assert f"`{name}`" in text_of("reference/events.md")


@pytest.mark.parametrize("kind", list(errors()), ids=[kind.code for kind in errors()])
def test_error_stands_in_the_reference_with_its_status(kind: type[GridKitError]) -> None:
    row = next((line for line in text_of("reference/errors.md").splitlines() if f"| `{kind.code}` |" in line), "")
    status = row.split("|")[2] if row else ""
    assert str(status_of(kind("why"))) in status or kind.code in {
        "export-failed",
        "export-lost",
        "export-changed",
        "export-encoding",
        "export-storage-failed",
        "export-timeout",
        "export-cancelled",
    }
    assert status.strip() or kind.code == "export-cancelled"


def test_there_are_errors_checks_and_commands_to_look_for() -> None:
    assert len(list(errors())) > 40
    assert {"gridkit.E001", "gridkit.E002", "gridkit.E101", "gridkit.E109", "gridkit.W001"} <= check_ids()
    assert "demo" in commands()


@pytest.mark.parametrize("name", sorted(check_ids()))
def test_system_check_stands_in_the_reference(name: str) -> None:
    assert f"`{name}`" in text_of("reference/checks.md")


@pytest.mark.parametrize("name", [*Permission, "network:<host>"])
def test_plugin_permission_stands_in_the_reference(name: str) -> None:
    assert f"| `{name}` |" in text_of("reference/permissions.md")


@pytest.mark.parametrize("model", [RegisteredGrid, InstalledPlugin, SavedView])
def test_user_right_stands_in_the_reference(model: type[RegisteredGrid | InstalledPlugin | SavedView]) -> None:
    page = text_of("reference/permissions.md")
    assert [name for name, _ in model._meta.permissions if f"| `{name}` |" not in page] == []


def test_settings_page_holds_the_table_and_every_setting_has_a_meaning(directive: ModuleType) -> None:
    assert "{gridkit-settings}" in text_of("reference/settings.md")
    table = {key: (kind, default, meaning) for key, kind, default, meaning in directive.rows()}
    assert list(table) == list(GridKitSettings.__dataclass_fields__)
    assert all(meaning for _, _, meaning in table.values())
    assert table["PAGE_SIZE"] == ("number, from 1 up", "100", "rows in a window when the client names no size.")
    assert table["COUNT_CAP"][1] == "10_000"
    assert table["HOT_RELOAD"][:2] == ("True or False or None", "None")
    assert table["EVENT_MIDDLEWARE"][:2] == ("list of texts", "()")
    assert table["THROTTLE_RATES"][:2] == ("dict", "{}")


def test_settings_extension_registers_the_directive(directive: ModuleType) -> None:
    added: dict[str, object] = {}
    app = type("App", (), {"add_directive": lambda self, name, kind: added.setdefault(name, kind)})()
    assert directive.setup(app)["parallel_read_safe"]
    assert added == {"gridkit-settings": directive.SettingsTable}


@pytest.mark.parametrize("name", [*Op, *CountMode, *GridOptions.__dataclass_fields__])
def test_word_of_grids_stands_in_the_reference(name: str) -> None:
    assert f"`{name}`" in text_of("reference/grids.md")


@pytest.mark.parametrize(
    "name", [name for name in grids.__all__ if name.endswith("Column") and name != Column.__name__]
)
def test_column_kind_stands_in_the_reference(name: str) -> None:
    assert f"`{name}`" in text_of("reference/grids.md")


@pytest.mark.parametrize("name", EffectiveState.values)
def test_state_of_a_plugin_stands_in_the_reference(name: str) -> None:
    assert f"| `{name}` |" in text_of("reference/plugins.md")


@pytest.mark.parametrize("name", official_plugins())
def test_official_plugin_stands_in_the_documentation(name: str) -> None:
    assert f"`{name}`" in text_of("reference/plugins.md")
    assert any(name in page.read_text(encoding="utf-8") for page in (DOCS / "plugins").glob("*.md"))


@pytest.mark.parametrize("name", commands())
def test_management_command_stands_in_the_documentation(name: str) -> None:
    words = (f"make {name}", f"manage.py {name}")
    assert any(word in page.read_text(encoding="utf-8") for page in pages() for word in words)


def test_celery_tasks_stand_in_the_documentation() -> None:
    celery = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "how-to").glob("*.md"))
    scheduled = ("gridkit.expire_exports", "gridkit.check_plugin_health", "gridkit.run_due_jobs")
    assert [name for name in scheduled if name not in celery] == []
    assert apps.is_installed("gridkit_django")

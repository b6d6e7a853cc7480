"""The plugins of the guide do what the guide says."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from gridkit_django.models import OutboxMessage
from gridkit_django.plugins import OutgoingMessage, OutgoingResponse, PluginManager
from gridkit_django.testing import EventSender
from tests.outbox.conftest import LOCAL
from tests.outbox.vendor import Vendor
from tests.plugins.conftest import PluginOrderGrid, grids

__all__ = ["grids"]

pytestmark = pytest.mark.django_db

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "send-things-out.md"
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]


@pytest.fixture
def site(tmp_path: Path, vendor: Vendor, settings: Any, woken: object, manager: PluginManager) -> Iterator[Path]:
    """A folder of site plugins with both plugins of the guide."""
    manifest = next(text for language, text in BLOCKS if language == "toml")
    counter = manifest.replace("@acme/edit-hook", "@acme/counter").replace("EditHook", "Counter")
    counter = counter.replace("network:hooks.acme.example", "storage:use")
    for name, text, code in (("edit_hook", manifest, PYTHON[0]), ("counter", counter, PYTHON[3])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "plugin.toml").write_text(text)
        (tmp_path / name / "plugin.py").write_text(code)
    settings.GRIDKIT = {**django_settings.GRIDKIT, **LOCAL, "PLUGIN_ROOT": str(tmp_path), "HOT_RELOAD": False}
    yield tmp_path
    manager.stop_all()


def test_hook_of_the_guide_tells_of_an_edit(site: Path, manager: PluginManager, vendor: Vendor) -> None:
    manager.install_plugin("folder:edit_hook", config={"url": f"{vendor.url}/edits", "token": "secret-of-the-hook"})
    manager.grant_permission("@acme/edit-hook", f"network:{vendor.host}")
    event = EventSender(PluginOrderGrid.options.id)("row:update")
    manager.send_outbox("@acme/edit-hook", "edits", 30)

    ((path, headers, _),) = vendor.requests
    assert event is not None
    assert vendor.bodies() == [[{"id": event.id, "grid": "plugin-orders", "row": "1"}]]
    assert (path, headers["Authorization"]) == ("/edits", "Bearer secret-of-the-hook")
    assert tomllib.loads((site / "edit_hook" / "plugin.toml").read_text())["id"] == "@acme/edit-hook"


def test_counter_of_the_guide_counts(site: Path, manager: PluginManager) -> None:
    manager.install_plugin("folder:counter")
    for _ in range(3):
        EventSender(PluginOrderGrid.options.id)("row:update")
    manager.send_outbox("@acme/counter", "counts", 30)

    assert manager.runtime.live["@acme/counter"].plugin.context.storage.get("counts") == {"plugin-orders": 3}
    assert not OutboxMessage.objects.exists()


def test_judge_of_the_guide_tells_messages_apart() -> None:
    names: dict[str, Any] = {}
    exec(compile(PYTHON[1], str(PAGE), "exec"), names)  # noqa: S102 - our own page
    items = b'{"items": [{"code": 200}, {"code": 429}, {"code": 422}]}'
    messages: tuple[OutgoingMessage, ...] = ()

    verdict = names["judge"](messages, OutgoingResponse(207, {}, items))
    assert (verdict.again, verdict.refused) == ({1: 30}, {2: "refused with code 422"})
    assert names["judge"](messages, OutgoingResponse(500)).fate == "later"

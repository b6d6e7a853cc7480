"""The subject of a conformance test, made of a folder that a test wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridkit_django.testing import EventSender, PluginStarter
from gridkit_django.testing.conformance.subject import Subject

MakeSubject = Callable[..., Subject]


@pytest.fixture
def make_subject(start_plugin: PluginStarter, send_event: EventSender, tmp_path: Path) -> MakeSubject:
    """Return a function that makes the subject of a source."""

    def make(source: Any, **more: Any) -> Subject:
        folder = tmp_path / "conformance"
        folder.mkdir()
        return Subject(source, start_plugin, send_event, folder, **more)

    return make

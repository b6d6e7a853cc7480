"""Every test of the room has the two grids, the official writers and a queue that only remembers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.files.storage import default_storage

from gridkit_django.exports import ExporterRegistry
from gridkit_django.grids import grid_registry
from gridkit_plugins.export.plugin import EXPORTERS
from tests.exports.segmented import Pieces, Strips
from tests.exports.shop import ExportGrid, ExportOrderGrid, Recorder, person
from tests.exports.stored import stored_files


class RememberingQueue:
    """A queue without a worker: the tests run the jobs themselves."""

    def __init__(self) -> None:
        self.jobs: list[uuid.UUID] = []
        self.notices: list[tuple[uuid.UUID, str]] = []

    def enqueue_export(self, job_id: uuid.UUID) -> None:
        self.jobs.append(job_id)

    def enqueue_export_notice(self, job_id: uuid.UUID, way: str) -> None:
        self.notices.append((job_id, way))


@pytest.fixture(autouse=True)
def grids() -> Iterator[None]:
    for grid in (ExportGrid, ExportOrderGrid):
        grid_registry().register(grid)
    yield
    for grid in (ExportGrid, ExportOrderGrid):
        grid_registry().unregister(grid.options.id)


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> ExporterRegistry:
    """A registry with the official writers and the recording one."""
    made = ExporterRegistry()
    for name, path in EXPORTERS.items():
        made.register(name, path, owner="@gridkit/plugin-export")
    made.register("lines", Recorder, owner="tests")
    Recorder.seen.clear()
    monkeypatch.setattr(apps.get_app_config("gridkit_django"), "exporters", made)
    return made


@pytest.fixture
def empty_storage() -> None:
    """Delete what other tests left in the storage of exports."""
    for name in stored_files():
        default_storage.delete(name)


@pytest.fixture(autouse=True)
def queue(monkeypatch: pytest.MonkeyPatch) -> RememberingQueue:
    made = RememberingQueue()
    monkeypatch.setattr(apps.get_app_config("gridkit_django"), "job_queue", made)
    return made


@pytest.fixture
def ann(db: None) -> User:
    """May open and export every grid and sees prices."""
    return person("ann", "shop.view_price")


@pytest.fixture
def bob(db: None) -> User:
    """May open and export every grid and sees no prices."""
    return person("bob")


@pytest.fixture
def pieces(registry: ExporterRegistry) -> type[Pieces]:
    """A class of its own for each test, so that what one changes is gone with it."""
    made = type("Pieces", (Pieces,), {"written": [], "joined": []})
    registry.register("pieces", made, owner="tests")
    return made


@pytest.fixture
def strips(registry: ExporterRegistry) -> type[Strips]:
    """As ``pieces``, for files that grow with their segments."""
    made = type("Strips", (Strips,), {"written": [], "joined": []})
    registry.register("strips", made, owner="tests")
    return made

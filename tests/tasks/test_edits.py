"""The tasks of bulk changes and of cleaning up, through Celery's own call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.utils import timezone

from gridkit_django.grids import GridAccess, grid_registry
from gridkit_django.grids.bulk import BulkChange
from gridkit_django.grids.bulk_jobs import create_bulk_job
from gridkit_django.grids.selection import Selection
from gridkit_django.models import BulkJob, EditUndo, IdempotencyRecord
from gridkit_django.tasks.edits import expire_edits
from gridkit_django.tasks.queue import CeleryQueue
from tests.celery_app import app
from tests.grids.edits import ProductEditGrid, product
from tests.shop.models import Product

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    grid_registry().register(ProductEditGrid)
    yield
    grid_registry().unregister("edit-products")


@pytest.fixture
def ada() -> User:
    return User.objects.create_superuser("ada")


def test_tasks_are_found_by_autodiscovery_under_stable_names() -> None:
    app.loader.import_default_modules()
    assert {"gridkit.run_bulk", "gridkit.expire_edits"} <= set(app.tasks)


def test_bulk_change_is_run_by_the_worker_after_the_commit(
    ada: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setitem(app.conf, name="task_always_eager", value=True)
    assert isinstance(apps.get_app_config("gridkit_django").job_queue, CeleryQueue)
    product()
    change = BulkChange("update", Selection.from_dict({"query": {}}), 1, {"stock": 9})
    with django_capture_on_commit_callbacks(execute=True):
        job = create_bulk_job(GridAccess(ProductEditGrid, ada), change)
        assert job.state == "queued"
    job.refresh_from_db()
    assert (job.state, Product.objects.get().stock) == ("finished", 9)


def test_what_is_old_is_cleaned_away_and_what_is_young_stays(ada: User) -> None:
    for _ in range(2):
        EditUndo.objects.create(user=ada, grid="g", steps=[])
        BulkJob.objects.create(owner=ada, grid="g", request={"action": "update"})
    IdempotencyRecord.objects.create(user=ada, key="young", fingerprint="f")
    IdempotencyRecord.objects.create(user=ada, key="old", fingerprint="f")
    old = timezone.now() - timedelta(hours=25)
    EditUndo.objects.filter(pk=EditUndo.objects.first().pk).update(created_at=old)  # type: ignore[union-attr]
    IdempotencyRecord.objects.filter(key="old").update(created_at=old)
    BulkJob.objects.filter(pk=BulkJob.objects.first().pk).update(created_at=old)  # type: ignore[union-attr]
    assert expire_edits() == 3
    assert EditUndo.objects.count() == 1
    assert IdempotencyRecord.objects.get().key == "young"
    assert set(BulkJob.objects.values_list("state", flat=True)) == {"queued", "failed"}

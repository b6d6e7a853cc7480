"""Small exports without a worker."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import override_settings

from gridkit_django.exports import ExporterRegistry, answer_at_once, create_export, open_result
from gridkit_django.models import ExportJob, JobState
from tests.exports.shop import GRID, Recorder, person, products

SKUS = {"columns": ["sku"], "sort": [{"col": "sku"}]}


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_a_small_export_is_carried_out_here_and_a_large_one_by_a_worker(queue: Any, registry: ExporterRegistry):
    ann = person("ann")
    products(3)
    job = create_export(GRID, SKUS, "csv", ann, queue=False)
    assert (queue.jobs, job.state) == ([], JobState.QUEUED)

    assert answer_at_once(job)
    assert (job.state, job.rows_done) == (JobState.FINISHED, 3)
    with open_result(job.pk, ann).file as file:
        assert file.read() == b"sku\r\nS0000\r\nS0001\r\nS0002\r\n"

    class Slow(Recorder):
        direct = False

    registry.register("slow", Slow)
    slow = create_export(GRID, SKUS, "slow", ann, queue=False)
    with override_settings(GRIDKIT={"EXPORT_DIRECT_ROWS_MAX": 2}):
        large = create_export(GRID, SKUS, "csv", ann, queue=False)
        assert not answer_at_once(large)
    with override_settings(GRIDKIT={"EXPORT_DIRECT_ROWS_MAX": 0}):
        none = create_export(GRID, SKUS, "csv", ann, queue=False)
        assert not answer_at_once(none)
    assert not answer_at_once(slow)
    assert queue.jobs == [large.pk, none.pk, slow.pk]
    ann.user_permissions.remove(Permission.objects.get(codename="open_grid"))
    lost = ExportJob.objects.create(grid=GRID, format="csv", owner=User.objects.get(pk=ann.pk), query={})
    assert not answer_at_once(lost)


@pytest.mark.django_db
def test_inside_of_a_transaction_a_worker_is_told(ann: User, queue: Any):
    job = create_export(GRID, SKUS, "csv", ann, queue=False)

    assert not answer_at_once(job)
    assert queue.jobs == [job.pk]

"""How often progress is written."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from gridkit_django.exceptions import ExportLostError
from gridkit_django.exports.jobs import claim
from gridkit_django.exports.progress import Progress
from gridkit_django.models import ExportJob
from tests.exports.shop import ask

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_rows_are_written_at_most_every_half_second(ann: User):
    job = claim(ask(ann).pk)
    assert job is not None
    clock = Clock()
    progress = Progress(job, 50, clock)
    seen = []
    for at in (100.1, 100.4, 100.5, 100.9, 101.0):
        clock.now = at
        progress.add(10)
        seen.append(ExportJob.objects.get(pk=job.pk).rows_done)

    assert seen == [0, 0, 30, 30, 50]
    assert progress.rows == 50
    assert ExportJob.objects.get(pk=job.pk).rows_total == 50


def test_each_update_is_a_sign_of_life(ann: User):
    job = claim(ask(ann).pk)
    assert job is not None
    clock = Clock()
    progress = Progress(job, 1, clock)
    first = ExportJob.objects.get(pk=job.pk).seen_at
    clock.now += 1
    progress.add(1)

    assert ExportJob.objects.get(pk=job.pk).seen_at > first


def test_a_job_that_is_gone_is_noticed_at_the_next_update(ann: User):
    job = claim(ask(ann).pk)
    assert job is not None
    clock = Clock()
    progress = Progress(job, 1, clock)
    ExportJob.objects.all().delete()

    clock.now += 1
    with pytest.raises(ExportLostError):
        progress.add(1)


def test_only_one_worker_gets_a_job(ann: User):
    job = ask(ann)

    first, second = claim(job.pk), claim(job.pk)
    assert first == job
    assert second is None

"""Taking a job: one worker, within the limits, and not for ever again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from gridkit_django.exports.claiming import claim
from gridkit_django.exports.jobs import describe_job, this_run
from gridkit_django.exports.waiting import hand_waiting
from gridkit_django.models import AuditRecord, ExportJob, JobState
from tests.exports.shop import ask

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def lose(job: ExportJob) -> None:
    """Let the time of the job's worker run out."""
    ExportJob.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def state(job: ExportJob) -> ExportJob:
    return ExportJob.objects.get(pk=job.pk)


def test_only_one_worker_gets_a_job(ann: User):
    job = ask(ann)

    first, second = claim(job.pk), claim(job.pk)
    assert first == job
    assert second is None
    assert (first.fence, first.attempts, state(job).state) == (1, 1, JobState.RUNNING)


def test_the_next_worker_goes_on_when_the_first_ones_time_ran_out_and_the_first_one_matches_nothing_any_more(ann: User):
    job = ask(ann)
    first = claim(job.pk)
    assert first is not None
    lose(job)

    second = claim(job.pk)

    assert second is not None
    assert (second.fence, second.attempts, second.deaths) == (2, 2, 1)
    assert second.started_at == first.started_at
    assert not this_run(first).exists()
    assert this_run(second).exists()


def test_a_job_that_two_workers_died_over_at_one_place_ends_and_says_so(ann: User):
    job = ask(ann)
    for _ in range(2):
        assert claim(job.pk) is not None
        lose(job)

    assert claim(job.pk) is None
    assert (state(job).state, state(job).error_code) == (JobState.FAILED, "export-lost")
    assert "2 workers" in state(job).error_detail
    assert AuditRecord.objects.get(action="export.finish").context["evidence"]["error"] == "export-lost"


def test_a_job_that_gets_on_between_deaths_ends_after_so_many_runs(ann: User, settings: Any):
    settings.GRIDKIT = {"EXPORT_ATTEMPTS_MAX": 3}
    job = ask(ann)
    for _ in range(3):
        assert claim(job.pk) is not None
        ExportJob.objects.filter(pk=job.pk).update(deaths=0)
        lose(job)

    assert claim(job.pk) is None
    assert state(job).state == JobState.FAILED


def test_a_job_is_not_taken_before_its_next_try(ann: User):
    job = ask(ann)
    ExportJob.objects.update(retry_at=timezone.now() + timedelta(minutes=1))
    assert claim(job.pk) is None

    ExportJob.objects.update(retry_at=timezone.now() - timedelta(seconds=1), error_code="export-storage-failed")
    taken = claim(job.pk)
    assert taken is not None
    assert (taken.retry_at, taken.error_code) == (None, "")


@pytest.mark.parametrize("ended", [JobState.FINISHED, JobState.FAILED, JobState.CANCELLED])
def test_an_ended_job_is_not_taken(ann: User, ended: JobState):
    job = ask(ann)
    ExportJob.objects.update(state=ended)

    assert claim(job.pk) is None


def test_no_more_jobs_of_one_user_run_than_may_and_the_oldest_comes_next(
    ann: User, bob: User, queue: Any, settings: Any
):
    settings.GRIDKIT = {"EXPORT_RUNNING_PER_USER": 1}
    first, second, third, other = ask(ann), ask(ann), ask(ann), ask(bob)
    assert claim(first.pk) is not None
    assert claim(second.pk) is None
    assert claim(third.pk) is None
    assert claim(other.pk) is not None
    assert hand_waiting() == 0

    ExportJob.objects.filter(pk=first.pk).update(state=JobState.FINISHED)
    assert hand_waiting() == 1
    assert queue.jobs == [second.pk]


def test_no_more_jobs_of_the_site_run_than_may(ann: User, bob: User, queue: Any, settings: Any):
    settings.GRIDKIT = {"EXPORT_RUNNING_MAX": 1}
    first, second = ask(ann), ask(bob)
    assert claim(first.pk) is not None
    assert claim(second.pk) is None
    assert hand_waiting() == 0
    lose(first)

    assert hand_waiting() == 1, "a lost job keeps its place"
    assert queue.jobs == [first.pk]


def test_the_place_in_the_queue_counts_all_that_wait(ann: User, bob: User):
    jobs = [ask(ann), ask(bob), ask(ann)]

    assert [describe_job(job)["queuePosition"] for job in jobs] == [1, 2, 3]
    claim(jobs[0].pk)
    assert [describe_job(state(job))["queuePosition"] for job in jobs] == [None, 1, 2]


def test_a_job_that_was_handed_over_a_moment_ago_is_not_handed_over_again(
    ann: User, queue: Any, django_capture_on_commit_callbacks: Any
):
    with django_capture_on_commit_callbacks(execute=True):
        job = ask(ann)
    assert queue.jobs == [job.pk]
    assert hand_waiting() == 0

    ExportJob.objects.update(handed_at=timezone.now() - timedelta(minutes=2))
    assert hand_waiting() == 1, "its message may be lost"
    assert hand_waiting() == 0


def test_a_lost_job_is_handed_over_once(ann: User, queue: Any):
    job = ask(ann)
    claim(job.pk)
    assert hand_waiting() == 0
    lose(job)

    assert [hand_waiting(), hand_waiting()] == [1, 0]
    assert queue.jobs == [job.pk]

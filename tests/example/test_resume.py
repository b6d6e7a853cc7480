from __future__ import annotations

import uuid

import pytest
from django.apps import apps
from django.contrib.auth.models import User

from example_project.flights.resume import resume_queued_exports
from gridkit_django.models import ExportJob, JobState


class RecordingQueue:
    """Remembers what it was handed."""

    def __init__(self) -> None:
        self.handed: list[uuid.UUID] = []

    def enqueue_export(self, job_id: uuid.UUID) -> None:
        self.handed.append(job_id)


@pytest.mark.django_db
def test_jobs_that_wait_are_handed_over_again_in_their_order_and_no_others(monkeypatch: pytest.MonkeyPatch):
    queue = RecordingQueue()
    monkeypatch.setattr(apps.get_app_config("gridkit_django"), "job_queue", queue, raising=False)
    owner = User.objects.create_user("owner")
    jobs = {
        name: ExportJob.objects.create(grid="flights", format="csv", owner=owner, state=state)
        for name, state in [("first", JobState.QUEUED), ("done", JobState.FINISHED), ("second", JobState.QUEUED)]
    }

    assert resume_queued_exports() == 2

    assert queue.handed == [jobs["first"].pk, jobs["second"].pk]

"""Workers that are real processes and get kill -9: the file has every row once, and nothing else is left."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.utils import timezone

from gridkit_django.exports import ExporterRegistry, SegmentPlace, open_result, run_export
from gridkit_django.models import ExportJob, JobState
from tests.exports.segmented import Strips
from tests.exports.shop import ask, person, products
from tests.exports.stored import stored_files
from tests.shop.models import Product

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.postgres_only,
    pytest.mark.usefixtures("pieces"),
]

ROOT = Path(__file__).resolve().parents[2]


class Worker:
    """A process that carries out a job, step by step.

    Args:
        job: which.
        folder: where files go.
    """

    def __init__(self, job: ExportJob, folder: Path) -> None:
        database = {
            key: str(connection.settings_dict[key] or "") for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")
        }
        options = {"ENGINE": connection.settings_dict["ENGINE"], **database}
        storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(folder)}}
        given = json.dumps({"database": options, "storage": storage})
        command = [sys.executable, "-m", "tests.exports.killable", given, str(job.pk)]
        pipe = subprocess.PIPE
        self._waits = False
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)

    def until(self, place: str) -> None:
        """Let it go on until it is at a place; an empty place is its end."""
        assert self.process.stdout is not None
        if self._waits:
            self._go_on()
        for line in self.process.stdout:
            self._waits = True
            if line.strip() == place:
                return
            self._go_on()
        assert place == "", f"the worker ended before {place}"

    def _go_on(self) -> None:
        assert self.process.stdin is not None
        self._waits = False
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """Kill -9."""
        self.process.kill()
        self.close()

    def close(self) -> None:
        """Wait for its end."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.process.wait(60)


@pytest.fixture
def start(tmp_path: Path, settings: Any) -> Iterator[Callable[[ExportJob], Worker]]:
    """Start workers that store their files where this process does."""
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = {**settings.STORAGES, "default": storage}
    started: list[Worker] = []

    def begin(job: ExportJob) -> Worker:
        started.append(Worker(job, tmp_path))
        return started[-1]

    yield begin
    for worker in started:
        if worker.process.poll() is None:
            worker.kill()


def lose(job: ExportJob) -> None:
    """Let the time of a dead worker run out now."""
    ExportJob.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def cells(job: ExportJob, owner: User) -> list[str]:
    job.refresh_from_db()
    assert job.state == JobState.FINISHED, job.error_detail
    with open_result(job.pk, owner).file as file:
        return [json.loads(line)[0] for line in file.read().splitlines() if line.startswith(b"[")]


def test_a_job_whose_workers_are_killed_at_many_places_has_every_row_once(start: Callable[[ExportJob], Worker]):
    owner = person("kim", "shop.view_price")
    products(13)
    job = ask(owner, "pieces")
    kept = []
    for place in ("rows 1", "stored 1", "join"):
        worker = start(job)
        worker.until(place)
        worker.kill()
        lose(job)
        kept.append(job.segments.count())
    last = start(job)
    last.until("")
    last.close()

    assert kept == [1, 2, 4], "each worker went on where the one before it died"
    assert cells(job, owner) == list(Product.objects.order_by("-stock").values_list("sku", flat=True))
    assert (job.rows_done, job.attempts) == (13, 4)
    assert stored_files() == [job.file_name]


def test_a_file_that_grows_is_whole_after_a_worker_was_killed_that_copied_what_was_kept(
    start: Callable[[ExportJob], Worker], registry: ExporterRegistry, monkeypatch: pytest.MonkeyPatch
):
    registry.register("strips", Strips, owner="tests")
    owner = person("kim", "shop.view_price")
    products(10)
    job = ask(owner, "strips")

    def fail(place: SegmentPlace) -> None:
        if place.number == 2:
            raise OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(Strips, "act", staticmethod(fail))
        run_export(job.pk)
    ExportJob.objects.update(retry_at=None)
    worker = start(job)
    worker.until("taken 0")
    worker.kill()
    lose(job)
    lying = sorted(Path(name).suffix for name in stored_files())
    swept: list[list[str]] = []
    monkeypatch.setattr(Strips, "act_in", staticmethod(lambda rows: swept.append(stored_files())))
    run_export(job.pk)

    assert lying == [".part", ".segment", ".segment"]
    assert [Path(name).suffix for name in swept[0]].count(".part") == 2, "its own two, and not the dead worker's"
    assert cells(job, owner) == list(Product.objects.order_by("-stock").values_list("sku", flat=True))
    assert (job.attempts, stored_files()) == (3, [job.file_name])


def test_of_two_workers_that_are_given_one_job_the_one_that_was_thought_dead_changes_nothing(
    start: Callable[[ExportJob], Worker],
):
    owner = person("kim", "shop.view_price")
    products(10)
    job = ask(owner, "pieces")
    first = start(job)
    first.until("stored 1")
    first.process.send_signal(signal.SIGSTOP)
    lose(job)
    second = start(job)
    second.until("rows 0")
    first.process.send_signal(signal.SIGCONT)
    first.until("")
    first.close()
    second.until("")
    second.close()

    assert cells(job, owner) == list(Product.objects.order_by("-stock").values_list("sku", flat=True))
    assert stored_files() == [job.file_name]

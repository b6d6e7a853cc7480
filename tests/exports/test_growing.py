"""Files that grow with their segments: the same file whoever wrote which part, and nothing is read again at the end."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage, storages
from django.db import OperationalError
from django.utils import timezone

from gridkit_django.exceptions import ExportStorageError, ExportTooLargeError
from gridkit_django.exports import cancel_export, open_result, run_export, running, scratch, watching
from gridkit_django.exports.files import job_folder
from gridkit_django.exports.growing import GrowingFile
from gridkit_django.exports.scratch import ScratchFile, Workshop
from gridkit_django.exports.segments import KeptSegment, Seams, SegmentPlace
from gridkit_django.models import ExportJob, JobStage, JobState
from tests.exports.segmented import Killed, Strips
from tests.exports.shop import ask, person, products
from tests.exports.stored import stored_files
from tests.exports.troubled import TroubledStorage
from tests.shop.models import Product


@pytest.fixture
def nobody_gives_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is killed tells nobody."""
    monkeypatch.setattr(running, "give_back", lambda job: None)


@pytest.fixture
def elsewhere(settings: Any) -> TroubledStorage:
    """A storage that is no folder of this machine."""
    settings.STORAGES = {**settings.STORAGES, "elsewhere": {"BACKEND": "tests.exports.troubled.TroubledStorage"}}
    settings.GRIDKIT = {"EXPORT_STORAGE": "elsewhere"}
    return cast("TroubledStorage", storages["elsewhere"])


def die_at(strips: type[Strips], number: int) -> None:
    """Let the worker die once, when it has written this segment and not kept it."""

    def act(place: SegmentPlace) -> None:
        if place.number == number:
            strips.act = staticmethod(lambda place: None)
            raise Killed

    strips.act = staticmethod(act)


def fail_at(number: int) -> Callable[[SegmentPlace], None]:
    """Meet passing trouble at this segment."""

    def act(place: SegmentPlace) -> None:
        if place.number == number:
            raise OperationalError("gone")

    return act


def run_and_die(job: ExportJob) -> None:
    ExportJob.objects.filter(pk=job.pk).update(retry_at=None)
    with pytest.raises(Killed):
        run_export(job.pk)
    ExportJob.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def at_take_over(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], None]) -> None:
    """Do something when the next worker has copied this segment of the one before."""
    take_over = GrowingFile.take_over

    def taking(file: GrowingFile, segment: KeptSegment) -> None:
        take_over(file, segment)
        if segment.place.number == number:
            act()

    monkeypatch.setattr(GrowingFile, "take_over", taking)


def run(job: ExportJob) -> ExportJob:
    """Run a job whose time has come."""
    ExportJob.objects.filter(pk=job.pk).update(retry_at=None)
    run_export(job.pk)
    job.refresh_from_db()
    return job


def lines(job: ExportJob) -> list[str]:
    """Return the first cell of each row of the file, and its lines at the seams."""
    assert job.state == JobState.FINISHED, job.error_detail
    with open_result(job.pk, job.owner).file as file:
        whole = file.read()
    assert hashlib.sha256(whole).hexdigest() == job.sha256
    return [json.loads(line)[0] if line.startswith(b"[") else line.decode() for line in whole.splitlines()]


def expected() -> list[str]:
    """Return what the file of all products is."""
    rows = list(Product.objects.order_by("-stock").values_list("sku", flat=True))
    parts = ["next", *(line for start in range(0, len(rows), 3) for line in ("next", *rows[start : start + 3]))]
    return ["begin", *parts[2:], "end"]


@pytest.mark.django_db
@pytest.mark.both_databases
@pytest.mark.usefixtures("empty_storage", "nobody_gives_back")
class TestJob:
    @pytest.mark.parametrize("number", [0, 2, 3])
    def test_the_file_is_the_same_wherever_the_worker_died_and_nothing_is_joined(
        self, ann: User, strips: type[Strips], number: int
    ):
        products(10)
        job = ask(ann, "strips")
        die_at(strips, number)
        run_and_die(job)
        assert job.segments.count() == number

        assert lines(run(job)) == expected()
        assert [place.number for place in strips.written] == [*range(number + 1), *range(number, 4)]
        assert strips.joined == []
        assert (job.rows_done, job.attempts, stored_files()) == (10, 2, [job.file_name])

    def test_a_worker_that_dies_while_it_takes_over_loses_nothing(
        self, ann: User, strips: type[Strips], monkeypatch: pytest.MonkeyPatch
    ):
        products(10)
        job = ask(ann, "strips")
        strips.act = staticmethod(fail_at(3))
        assert run(job).state == JobState.QUEUED
        strips.act = staticmethod(lambda place: None)

        def die() -> None:
            raise Killed

        with monkeypatch.context() as patched:
            at_take_over(patched, 1, die)
            run_and_die(job)
        strips.written.clear()

        assert lines(run(job)) == expected()
        assert [place.number for place in strips.written] == [3]

    def test_a_job_that_is_cancelled_while_it_takes_over_stops_at_the_next_look_and_leaves_nothing(
        self, ann: User, strips: type[Strips], monkeypatch: pytest.MonkeyPatch
    ):
        products(10)
        job = ask(ann, "strips")
        die_at(strips, 3)
        run_and_die(job)
        strips.written.clear()
        monkeypatch.setattr(watching, "SECONDS_BETWEEN_LOOKS", 0)
        told: list[str] = []

        def stop() -> None:
            told.append(ExportJob.objects.get(pk=job.pk).stage)
            cancel_export(ExportJob.objects.get(pk=job.pk), ann)

        monkeypatch.setattr(watching, "SECONDS_BETWEEN_UPDATES", 0)
        at_take_over(monkeypatch, 1, stop)
        run(job)

        assert (job.state, strips.written, stored_files()) == (JobState.CANCELLED, [], [])
        assert told == [JobStage.JOINING]

    def test_a_job_that_is_cancelled_while_its_file_is_sent_stops_there_and_leaves_nothing(
        self, ann: User, strips: type[Strips], elsewhere: TroubledStorage, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(watching, "SECONDS_BETWEEN_LOOKS", 0)
        products(10)
        job = ask(ann, "strips")
        save = TroubledStorage._save

        def stop_and_save(storage: TroubledStorage, name: str, content: Any) -> str:
            if name.endswith(".txt"):
                cancel_export(ExportJob.objects.get(pk=job.pk), ann)
            return save(storage, name, content)

        monkeypatch.setattr(TroubledStorage, "_save", stop_and_save)
        run(job)

        assert (job.state, job.segments.count(), stored_files(elsewhere)) == (JobState.CANCELLED, 0, [])

    def test_segments_in_another_storage_are_fetched_by_the_next_worker_only(
        self, ann: User, strips: type[Strips], elsewhere: TroubledStorage
    ):
        products(10)
        job = ask(ann, "strips")
        die_at(strips, 2)
        run_and_die(job)
        assert len(stored_files(elsewhere)) == 2
        elsewhere.failures["open"] = 1

        assert (run(job).state, job.tries) == (JobState.QUEUED, 1)
        assert lines(run(job)) == expected()
        assert (stored_files(elsewhere), stored_files()) == ([job.file_name], [])

    def test_a_kept_segment_that_was_damaged_is_made_anew_before_anything_else(self, ann: User, strips: type[Strips]):
        products(10)
        job = ask(ann, "strips")
        die_at(strips, 3)
        run_and_die(job)
        strips.written.clear()
        name = job.segments.get(number=1).file_name
        with default_storage.open(name, "r+b") as file:
            file.write(b"x")

        assert (run(job).state, strips.written, job.segments.count()) == (JobState.QUEUED, [], 1)
        assert lines(run(job)) == expected()
        assert [place.number for place in strips.written] == [1, 2, 3]

    def test_a_disk_that_is_full_for_the_whole_file_is_tried_again_after_what_was_kept(
        self, ann: User, strips: type[Strips], monkeypatch: pytest.MonkeyPatch
    ):
        products(10)
        job = ask(ann, "strips")
        append = ScratchFile.append

        def fill(place: SegmentPlace) -> None:
            if place.number == 1:
                monkeypatch.setattr(ScratchFile, "append", no_room)

        def no_room(file: ScratchFile, data: bytes) -> None:
            raise scratch.storage_error("could not be written", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

        strips.act = staticmethod(fill)
        assert (run(job).state, job.tries, job.segments.count()) == (JobState.QUEUED, 1, 2)
        strips.act = staticmethod(lambda place: None)
        monkeypatch.setattr(ScratchFile, "append", append)

        assert lines(run(job)) == expected()
        assert stored_files() == [job.file_name]

    def test_a_file_that_would_be_too_large_fails_the_job(self, ann: User, strips: type[Strips], settings: Any):
        settings.GRIDKIT = {"EXPORT_BYTES_MAX": 700}
        products(10)
        job = run(ask(ann, "strips"))

        assert (job.state, job.error_code) == (JobState.FAILED, "export-too-large")
        assert all(name.endswith(".segment") for name in stored_files())

    def test_an_export_without_rows_has_an_end_of_its_own(self, ann: User, strips: type[Strips]):
        assert lines(run(ask(ann, "strips"))) == ["begin", "none"]

    def test_what_a_run_before_left_unfinished_is_swept_and_nothing_else(
        self, ann: User, strips: type[Strips], settings: Any, tmp_path: Path
    ):
        kind = "django.core.files.storage.FileSystemStorage"
        settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": kind, "OPTIONS": {"location": tmp_path}}}
        products(4)
        job = ask(ann, "strips")
        folder = Path(default_storage.path(job_folder(job)))
        folder.mkdir(parents=True)
        for name in ("0.dead.part", "7.newer.part", "other.part"):
            (folder / name).write_bytes(b"x")
        strips.act = staticmethod(lambda place: left.append({path.name for path in folder.iterdir()}))
        left: list[set[str]] = []

        assert lines(run(job)) == expected()
        assert "0.dead.part" not in left[0]
        assert {"7.newer.part", "other.part"} <= left[0]
        assert stored_files() == [job.file_name]


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
@pytest.mark.postgres_only
def test_a_snapshot_is_written_once(strips: type[Strips], monkeypatch: pytest.MonkeyPatch):
    made: list[ScratchFile] = []
    new_file = Workshop.new_file

    def remembering(shop: Workshop, most: int, *, summed: bool = True) -> ScratchFile:
        made.append(new_file(shop, most, summed=summed))
        return made[-1]

    monkeypatch.setattr(Workshop, "new_file", remembering)
    products(3)
    job = run(ask(person("olga", "shop.view_price"), "strips"))

    assert lines(job) == expected()
    assert (job.consistency, len(made)) == ("snapshot", 1)


def written(file: ScratchFile) -> bytes:
    file.finish()
    return file.stream.read()


class TestGrowingFile:
    @pytest.fixture
    def files(self) -> Any:
        """Make files without names."""
        made: list[ScratchFile] = []

        def make(most: int = 1000) -> ScratchFile:
            made.append(ScratchFile(os.memfd_create("file"), None, most, lambda: None))
            return made[-1]

        yield make
        for file in made:
            file.discard()

    def test_a_segment_goes_into_the_whole_and_as_it_is_into_the_file_beside(self, files: Any):
        whole, beside = files(), files()
        growing = GrowingFile(whole, Seams(b"<", b"|", b">", b"]"))
        with growing.segment(SegmentPlace(0, 0)) as stream:
            stream.write(b"one")
        with growing.segment(SegmentPlace(1, 1), beside) as stream:
            stream.writelines([b"t", b"wo"])
        assert growing.size == 3
        growing.close(2)

        assert (written(whole), written(beside)) == (b"<one|two>", b"two")
        assert whole.finish()[1] == hashlib.sha256(b"<one|two>").hexdigest()

    def test_a_segment_without_rows_leaves_no_seam(self, files: Any):
        whole = files()
        growing = GrowingFile(whole, Seams(b"<", b"|", b">", b"]"))
        for number, first, text in ((0, 0, b""), (1, 0, b"one"), (2, 1, b""), (3, 1, b"two")):
            with growing.segment(SegmentPlace(number, first)) as stream:
                stream.write(text)
        growing.close(2)

        assert written(whole) == b"<one|two>"

    def test_a_writer_that_fails_is_the_error_whatever_was_not_written_yet(self, files: Any):
        growing = GrowingFile(files(most=2), Seams())

        def write() -> None:
            with growing.segment(SegmentPlace(0, 0)) as stream:
                stream.write(b"more than there is room for")
                raise RuntimeError("the writer")

        with pytest.raises(RuntimeError, match="the writer"):
            write()

    def test_what_finds_no_room_at_the_end_of_a_segment_is_an_error(self, files: Any):
        growing = GrowingFile(files(most=2), Seams())
        with pytest.raises(ExportTooLargeError), growing.segment(SegmentPlace(0, 0)) as stream:
            stream.write(b"more than there is room for")

    def test_a_full_disk_is_told_as_trouble_of_the_storage(self):
        full = ScratchFile(os.open("/dev/full", os.O_RDWR), None, 1000, lambda: None)
        growing = GrowingFile(full, Seams())
        with pytest.raises(ExportStorageError), growing.segment(SegmentPlace(0, 0)) as stream:
            stream.write(b"one")
        full.discard()

"""Export files in S3: django-storages against a server that speaks its protocol."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from django.contrib.auth.models import User
from django.core.files.storage import Storage, storages
from django.db import OperationalError
from django.utils import timezone
from moto.server import ThreadedMotoServer

from gridkit_django.exceptions import ExportCancelled
from gridkit_django.exports import cancel_export, expire_exports, open_result, run_export
from gridkit_django.exports.scratch import ScratchFile
from gridkit_django.exports.segments import SegmentPlace
from gridkit_django.models import ExportJob, JobState
from tests.exports.segmented import Pieces
from tests.exports.shop import ask, products
from tests.exports.stored import stored_files
from tests.shop.models import Product

pytestmark = pytest.mark.django_db

BUCKET = "exports"
KEYS = {"access_key": "test", "secret_key": "test", "region_name": "us-east-1"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of the server."""
    logger = logging.getLogger("werkzeug")
    before, server = logger.level, ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    logger.setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
    logger.setLevel(before)


@pytest.fixture
def bucket(endpoint: str, settings: Any) -> Storage:
    """An empty bucket as the storage of exports."""
    session = boto3.session.Session("test", "test", region_name="us-east-1")
    found = session.resource("s3", endpoint_url=endpoint).create_bucket(Bucket=BUCKET)
    found.objects.all().delete()
    options = {"bucket_name": BUCKET, "endpoint_url": endpoint, "file_overwrite": False, **KEYS}
    backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "s3": backend}
    settings.GRIDKIT = {"EXPORT_STORAGE": "s3"}
    return storages["s3"]


def names(storage: Storage) -> list[str]:
    """Return the names of all objects; S3 has no folders, so that none needs to exist."""
    return sorted(item.key for item in storage.bucket.objects.all())  # type: ignore[attr-defined]


def test_a_job_in_s3_goes_on_after_trouble_and_leaves_its_file_only(ann: User, pieces: type[Pieces], bucket: Storage):
    products(10)
    job = ask(ann, "pieces")

    def fail_once(place: SegmentPlace) -> None:
        if place.number == 2:
            pieces.act = staticmethod(lambda place: None)
            raise OperationalError("gone")

    pieces.act = staticmethod(fail_once)
    run_export(job.pk)
    assert len(names(bucket)) == 2
    ExportJob.objects.update(retry_at=None)
    run_export(job.pk)
    job.refresh_from_db()

    assert job.state == JobState.FINISHED, job.error_detail
    assert names(bucket) == [job.file_name]
    with open_result(job.pk, ann).file as file:
        found = [json.loads(line)[0] for line in file.read().splitlines()]
    assert found == list(Product.objects.order_by("-stock").values_list("sku", flat=True))
    assert [place.number for place in pieces.written] == [0, 1, 2, 2, 3]
    assert stored_files() == []

    ExportJob.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert (expire_exports(), names(bucket)) == (1, [])


def test_a_job_in_s3_that_is_cancelled_leaves_nothing(ann: User, pieces: type[Pieces], bucket: Storage):
    products(10)
    job = ask(ann, "pieces")
    pieces.act = staticmethod(
        lambda place: cancel_export(ExportJob.objects.get(pk=job.pk), ann) and None if place.number == 2 else None
    )
    run_export(job.pk)
    job.refresh_from_db()

    assert (job.state, names(bucket)) == (JobState.CANCELLED, [])


def test_a_file_that_is_being_sent_when_its_run_is_to_stop_is_not_stored(bucket: Storage):
    stopped: list[bool] = []

    def glance() -> None:
        if stopped:
            raise ExportCancelled("stop")

    file = ScratchFile(os.memfd_create("file"), None, 100, glance)
    file.append(b"text")
    stopped.append(True)
    with pytest.raises(ExportCancelled):
        file.store("gridkit-exports/file.txt")
    file.discard()

    assert names(bucket) == []


def test_a_bucket_that_is_gone_is_tried_again(ann: User, bucket: Storage, endpoint: str, settings: Any):
    options = {**settings.STORAGES["s3"]["OPTIONS"], "bucket_name": "no-such-bucket"}
    settings.STORAGES = {**settings.STORAGES, "s3": {**settings.STORAGES["s3"], "OPTIONS": options}}
    job = ask(ann)
    run_export(job.pk)
    job.refresh_from_db()

    assert (job.state, job.tries) == (JobState.QUEUED, 1)
    assert "could not be stored" in job.error_detail

"""Telling that an export has ended: by mail to its owner, and to the site's webhook. Links and facts, never data."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from django.conf import settings as django_settings
from django.core.mail import EmailMessage
from django.template.defaultfilters import filesizeformat
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from gridkit_django.audit.delivery import read_place
from gridkit_django.audit.delivery.places import Place
from gridkit_django.audit.delivery.senders.http import post_bytes
from gridkit_django.audit.delivery.senders.webhook import signature
from gridkit_django.conf import settings
from gridkit_django.events import GridEvent, Moment, signal_for
from gridkit_django.exceptions import AuditDestinationError, DeliveryRefusedError
from gridkit_django.exports.jobs import describe_job
from gridkit_django.exports.owners import mail_address
from gridkit_django.exports.queue import export_queue
from gridkit_django.models import ExportJob, JobState

MAIL = "mail"
WEBHOOK = "webhook"
_TOLD = ("id", "grid", "format", "state", "rows", "size", "name", "createdAt", "finishedAt", "expiresAt", "error")


def connect_notices() -> None:
    """Listen to the ends of exports. Called once, when the app is ready."""
    signal = signal_for("export:finish", Moment.COMMITTED)
    signal.connect(_on_finish, dispatch_uid="gridkit_django.exports.notices")


def tell(job_id: uuid.UUID | str, way: str) -> bool:
    """Tell of a job that has ended; whether there was somebody to tell.

    Args:
        job_id: primary key of the job.
        way: ``mail`` or ``webhook``.

    Raises:
        OSError: when the mail server can't be reached; whatever else Django's mail backend raises.
        DeliveryLaterError: when the webhook's server is not reached or not well.
        DeliveryRefusedError: when it says no, or its address is none for a webhook or not allowed.
    """
    job = ExportJob.objects.select_related("owner").filter(pk=job_id).first()
    if job is None:
        return False
    return _mail(job) if way == MAIL else _post(job)


def _on_finish(*, event: GridEvent, **_kwargs: Any) -> None:
    job = ExportJob.objects.filter(pk=str(event.payload["jobId"])).first()
    if job is None or job.state == JobState.CANCELLED:
        return
    if job.notify:
        export_queue().enqueue_export_notice(job.pk, MAIL)
    if settings().EXPORT_WEBHOOK_URL:
        export_queue().enqueue_export_notice(job.pk, WEBHOOK)


def _mail(job: ExportJob) -> bool:
    address = mail_address(job.owner)
    if not address or not job.owner.is_active:
        return False
    ready = job.state == JobState.FINISHED
    words = {"name": job.download_name or f"{job.grid} ({job.format})"}
    subject = _("Your export %(name)s is ready") % words if ready else _("Your export %(name)s failed") % words
    lines = [_ready(job) if ready else job.error_detail, _page()]
    EmailMessage(
        subject=" ".join(f"{django_settings.EMAIL_SUBJECT_PREFIX}{subject}".split()),
        body="\n\n".join(line for line in lines if line) + "\n",
        to=[address],
    ).send()
    return True


def _ready(job: ExportJob) -> str:
    words = {"rows": job.rows_done, "size": filesizeformat(job.size), "until": _local(job.expires_at)}
    return _("It has %(rows)s rows (%(size)s) and is kept until %(until)s.") % words


def _page() -> str:
    try:
        return settings().PUBLIC_URL.rstrip("/") + reverse("gridkit:exports")
    except NoReverseMatch:
        return ""


def _local(moment: Any) -> str:
    return "" if moment is None else date_format(timezone.localtime(moment), "DATETIME_FORMAT")


def _post(job: ExportJob) -> bool:
    url = settings().EXPORT_WEBHOOK_URL
    if not url:
        return False
    told = describe_job(job)
    facts = {key: told[key] for key in _TOLD} | {"owner": job.owner.get_username(), "page": _page()}
    body = json.dumps({"event": "export:finish", "job": facts}, default=str).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "GridKit", "GridKit-Export": str(job.pk)}
    if secret := settings().EXPORT_WEBHOOK_SECRET:
        headers["GridKit-Signature"] = signature(secret, int(time.time()), body)
    post_bytes(_place(url), body, headers)
    return True


def _place(url: str) -> Place:
    """Read the address of the webhook.

    Raises:
        DeliveryRefusedError: when it is no address that a webhook may have.
    """
    try:
        place = read_place(url)
    except AuditDestinationError as error:
        raise DeliveryRefusedError(f"EXPORT_WEBHOOK_URL: {error.detail}") from error
    if place.kind != "webhook":
        raise DeliveryRefusedError("EXPORT_WEBHOOK_URL is no address of the form https://host/path.")
    return place

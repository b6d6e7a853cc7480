"""Signed links to files: whoever holds one fetches this one file for some minutes, as long as its owner still may.

A link is bound to its owner: it ends when they change their password, lose the right, or are disabled, and somebody
else who is logged in can't use it.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

from gridkit_django.conf import settings
from gridkit_django.exceptions import AccessDeniedError, ExportNotFoundError
from gridkit_django.exports.control import ready_job
from gridkit_django.models import ExportJob
from gridkit_django.typing import User

_SALT = "gridkit_django.exports.links"
_MARK_LENGTH = 20


@dataclass(frozen=True, slots=True)
class SignedLink:
    """What opens a file without logging in.

    Attributes:
        token: the last part of its address.
        expires_at: until when it holds.
    """

    token: str
    expires_at: datetime


def sign_link(job_id: uuid.UUID | str, user: User) -> SignedLink:
    """Make a link to the file of a finished job.

    Raises:
        AccessDeniedError: when the site makes no such links (``EXPORT_LINK_SECONDS`` is 0).
        ExportNotFoundError, ExportNotReadyError, GridNotFoundError: as ``ready_job`` says.
    """
    lives = settings().EXPORT_LINK_SECONDS
    if not lives:
        raise AccessDeniedError("This site makes no signed links (EXPORT_LINK_SECONDS is 0). Download it logged in.")
    job = ready_job(job_id, user)
    ends = int(time.time()) + lives
    token = signing.dumps({"job": job.pk.hex, "until": ends, "mark": _mark(user)}, salt=_SALT)
    return SignedLink(token, datetime.fromtimestamp(ends, UTC))


def owner_of_link(token: str, reader: User) -> tuple[ExportJob, User]:
    """Return the job that a link opens, and its owner.

    Args:
        token: from the address.
        reader: who asks; anonymous, or the owner.

    Raises:
        ExportNotFoundError: for anything but a link of this site that still holds for this reader; all alike.
    """
    gone = ExportNotFoundError("This link opens no file, or not any more. Ask for a new one.")
    try:
        told = signing.loads(token, salt=_SALT)
        job_id, until, mark = told["job"], int(told["until"]), str(told["mark"])
    except (signing.BadSignature, KeyError, TypeError, ValueError) as error:
        raise gone from error
    job = ExportJob.objects.select_related("owner").filter(pk=job_id).first()
    if job is None or until <= time.time() or not settings().EXPORT_LINK_SECONDS:
        raise gone
    owner = job.owner
    if not constant_time_compare(mark, _mark(owner)) or (reader.is_authenticated and reader.pk != owner.pk):
        raise gone
    return job, owner


def _mark(user: User) -> str:
    """Return what changes with the password of a user."""
    facts = f"{user.pk}:{getattr(user, 'password', '')}"
    return salted_hmac(_SALT, facts, algorithm="sha256").hexdigest()[:_MARK_LENGTH]

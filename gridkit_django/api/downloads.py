"""Files as answers: whole or in part (RFC 9110, section 14), with a tag by which a client knows what it has."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import IO, Any

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.request import Request

from gridkit_django.api.etags import EntityTag, parse_condition
from gridkit_django.api.refusals import RangeUnsatisfiableError
from gridkit_django.exports import ExportResult
from gridkit_django.models import ExportJob

_RANGE = re.compile(r"bytes=(?P<first>\d{0,18})-(?P<last>\d{0,18})", re.ASCII)
_BLOCK = 64 * 1024


class PartOfFile:
    """Some bytes of a file, read in order; closing it closes the file.

    Args:
        file: opened for reading.
        first: the first byte, counted from 0.
        length: how many bytes.
    """

    def __init__(self, file: IO[bytes] | Any, first: int, length: int) -> None:
        self._file = file
        self._left = length
        if file.seekable():
            file.seek(first)
            return
        while first > 0 and (skipped := file.read(min(_BLOCK, first))):
            first -= len(skipped)

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most ``size``; empty at the end."""
        wanted = self._left if size < 0 else min(size, self._left)
        found: bytes = self._file.read(wanted) if wanted else b""
        self._left -= len(found)
        return found

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def file_response(
    request: Request | HttpRequest, job: ExportJob, open_file: Callable[[str], ExportResult]
) -> HttpResponseBase:
    """Answer the file of a job, or the part of it that the request names.

    One range is understood; a request for several gets the whole file, as RFC 9110 allows.

    Args:
        request: a GET or HEAD request.
        job: the finished job.
        open_file: opens the file; it is told which part is wanted, empty for the whole file.

    Raises:
        HeaderInvalidError: when ``If-None-Match`` is malformed.
        RangeUnsatisfiableError: when the range lies outside of the file.
    """
    tag = EntityTag(hashlib.sha256(f"{job.pk}:{job.file_name}:{job.size}".encode()).hexdigest()[:22])
    known = request.headers.get("If-None-Match", "").strip()
    if known and parse_condition(known).matches_weakly(tag.opaque):
        return _tagged(HttpResponse(status=304), tag)
    wanted = _wanted(request, job.size, tag)
    if wanted is None:
        return _tagged(_attachment(job, open_file("").file), tag)
    first, last = wanted
    if first > last:
        raise RangeUnsatisfiableError(job.size)
    part = f"{first}-{last}/{job.size}"
    response = _attachment(job, PartOfFile(open_file(part).file, first, last - first + 1), status=206)
    response["Content-Range"] = f"bytes {part}"
    response["Content-Length"] = str(last - first + 1)
    # Named so that no middleware compresses a part: its bytes are those of the file.
    response["Content-Encoding"] = "identity"
    return _tagged(response, tag)


def _attachment(job: ExportJob, file: Any, status: int = 200) -> FileResponse:
    kind = job.content_type or "application/octet-stream"
    return FileResponse(file, as_attachment=True, filename=job.download_name, content_type=kind, status=status)


def _tagged(response: HttpResponseBase, tag: EntityTag) -> HttpResponseBase:
    response["ETag"] = str(tag)
    response["Accept-Ranges"] = "bytes"
    return response


def _wanted(request: Request | HttpRequest, size: int, tag: EntityTag) -> tuple[int, int] | None:
    """Return the first and the last byte that are asked for; None for all, a first after the last for none."""
    found = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    condition = request.headers.get("If-Range", "").strip()
    if found is None or request.method != "GET" or (condition and condition != str(tag)):
        return None
    if not found["first"]:
        if not found["last"]:
            return None
        return max(size - int(found["last"]), 0) if int(found["last"]) else size, size - 1
    first, last = int(found["first"]), int(found["last"] or size - 1)
    if found["last"] and last < first:
        return None
    return first, min(last, size - 1)

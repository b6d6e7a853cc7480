"""Reading an upload: multipart, bounded before a byte of it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.core.files.uploadedfile import UploadedFile
from pydantic import BaseModel, ConfigDict
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from gridkit_django.api.refusals import BodyInvalidError, BodyTooLargeError
from gridkit_django.conf import market_settings
from gridkit_django.exceptions import ErrorItem
from gridkit_django.marketplace.shelf.publishing import Upload

_AROUND = 100_000
"""Bytes that the other parts and the borders may have."""
_FIELDS = frozenset({"package", "signature", "public_key", "notes", "draft"})


class UploadForm(BaseModel):
    """The parts of an upload."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    package: bytes
    """The wheel; the part's file name is the wheel's."""
    signature: str
    """Of id, version and digest, in base64."""
    public_key: str
    """The key that signed, in base64."""
    notes: str = ""
    """What is new, for people."""
    draft: bool = False
    """Keep it as a draft until it is submitted."""


class BoundedMultiPartParser(MultiPartParser):
    """Refuses an upload by its announced length, before it is read."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the parts.

        Raises:
            BodyTooLargeError: when more is announced than a package may have.
        """
        request = (parser_context or {})["request"]
        refuse_large(int(request.META.get("CONTENT_LENGTH") or 0), market_settings().package_bytes_max)
        return super().parse(stream, media_type, parser_context)


def refuse_large(size: int, most: int) -> None:
    """Refuse a body that is too large.

    Raises:
        BodyTooLargeError: when it is.
    """
    if size > most + _AROUND:
        raise BodyTooLargeError(f"The upload is larger than {most} bytes, the most that this marketplace takes.")


def read_upload(request: Request) -> Upload:
    """Return what was sent.

    Raises:
        BodyInvalidError: when a part is missing, unknown, or not what it should be.
    """
    data: Any = request.data
    faults = [ErrorItem(f"/{name}", "key-unknown", "There is no such part.") for name in sorted(set(data) - _FIELDS)]
    package = data.get("package")
    if not isinstance(package, UploadedFile) or not package.name:
        faults.append(ErrorItem("/package", "missing", "Send the wheel as a file with its name."))
    faults += [
        ErrorItem(f"/{name}", "missing", "Send it in base64; gridkit_publish does.")
        for name in ("signature", "public_key")
        if not isinstance(data.get(name), str)
    ]
    if data.get("draft", "false") not in ("true", "false"):
        faults.append(ErrorItem("/draft", "bool-parsing", "Give true or false."))
    if faults or not isinstance(package, UploadedFile):
        raise BodyInvalidError(faults)
    return Upload(
        content=package.read(),
        filename=str(package.name),
        signature=data["signature"],
        public_key=data["public_key"],
        notes=str(data.get("notes", "")),
        draft=data.get("draft") == "true",
    )

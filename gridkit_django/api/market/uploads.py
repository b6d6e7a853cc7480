"""Reading an upload: multipart, bounded before a byte of it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.core.files.uploadedfile import UploadedFile
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from gridkit_django.api.refusals import BodyInvalidError, BodyTooLargeError
from gridkit_django.api.serializers.descriptions import DescribedBody
from gridkit_django.conf import market_settings
from gridkit_django.exceptions import ErrorItem
from gridkit_django.marketplace.shelf.pictures import BYTES_MAX
from gridkit_django.marketplace.shelf.publishing import Upload

_AROUND = 100_000
"""Bytes that the other parts and the borders may have."""
_FIELDS = frozenset({"package", "signature", "public_key", "notes", "draft"})


class UploadForm(DescribedBody):
    """The parts of an upload."""

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


class PictureForm(DescribedBody):
    """The parts of a picture."""

    picture: bytes
    """PNG, JPEG or WebP; at most 5,000,000 bytes and 20,000,000 pixels. It is drawn anew as PNG."""
    caption: str = ""
    """What it shows, for who can't see it; at most 200 characters."""


class BoundedMultiPartParser(MultiPartParser):
    """Refuses an upload by its announced length, before it is read."""

    @property
    def bytes_max(self) -> int:
        """Bytes that the file may have."""
        return market_settings().package_bytes_max

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the parts.

        Raises:
            BodyTooLargeError: when more is announced than the file may have.
        """
        request = (parser_context or {})["request"]
        refuse_large(int(request.META.get("CONTENT_LENGTH") or 0), self.bytes_max)
        return super().parse(stream, media_type, parser_context)


class PictureParser(BoundedMultiPartParser):
    """Takes a picture."""

    bytes_max = BYTES_MAX


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


def read_picture(request: Request, *names: str) -> tuple[bytes, dict[str, str]]:
    """Return a picture that was sent, and the texts beside it.

    Args:
        request: the request.
        names: of the texts that may be there.

    Raises:
        BodyInvalidError: when the picture is missing, or a part is unknown.
    """
    data: Any = request.data
    unknown = sorted(set(data) - {"picture", *names})
    faults = [ErrorItem(f"/{name}", "key-unknown", "There is no such part.") for name in unknown]
    picture = data.get("picture")
    if not isinstance(picture, UploadedFile):
        faults.append(ErrorItem("/picture", "missing", "Send the picture as a file."))
    if faults or not isinstance(picture, UploadedFile):
        raise BodyInvalidError(faults)
    return picture.read(), {name: str(data.get(name, "")) for name in names}

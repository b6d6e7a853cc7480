"""How the files of a marketplace come here: over HTTP, or out of a bundle."""

from __future__ import annotations

import ipaddress
import ssl
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError, ProxyError, SSLError
from urllib3.exceptions import TimeoutError as SilenceError

from gridkit_django.exceptions import (
    TrustBundleError,
    TrustCertificateError,
    TrustCutError,
    TrustDeniedError,
    TrustRedirectError,
    TrustStatusError,
    TrustTargetError,
    TrustTimeoutError,
    TrustUnreachableError,
)

_CHUNK = 65_536
_GONE = frozenset({404, 410})
_WHO = frozenset({401, 403, 407})
_ELSEWHERE = frozenset({301, 302, 303, 307, 308})


class Channel(Protocol):
    """Brings files by their path, as the marketplace serves them: ``tuf/timestamp.json``.

    Attributes:
        offline: whether it is no network, so that metadata with longer terms is right.
        server_time: what the other side says the time is, after the first answer; None when it says nothing.
    """

    offline: bool
    server_time: datetime | None

    def read(self, path: str, most: int) -> Iterator[bytes]:
        """Yield a file in pieces; ends soon after ``most`` bytes.

        Raises:
            TrustTargetError: when there is no such file.
            TrustUnreachableError: when it does not come; each fault has an error of its own below this one.
        """
        ...


def is_readable_on_the_way(url: str) -> bool:
    """Whether others can read and change what goes to an address: HTTP without TLS, to another machine."""
    parts = urlsplit(url)
    if parts.scheme != "http":
        return False
    host = parts.hostname or ""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")


@dataclass(frozen=True, slots=True)
class HttpPlace:
    """Where a marketplace is, and how to get there.

    Attributes:
        url: its address, with the prefix that its site mounts it under.
        token: a bearer token, or empty.
        ca_file: path of the certificates of one's own authority, or empty for those of the system.
        proxy: address of an HTTP proxy, or empty.
        timeout: seconds for a connection and for each silence.
        deadline: seconds for one file.
    """

    url: str
    token: str = ""
    ca_file: str = ""
    proxy: str = ""
    timeout: float = 3.0
    deadline: float = 60.0


class HttpChannel:
    """Brings files over HTTP; follows no redirect, and gives up on a server that only drips.

    Args:
        place: where from.
    """

    offline = False

    def __init__(self, place: HttpPlace) -> None:
        self.server_time: datetime | None = None
        self._place = place
        self._base = place.url.rstrip("/") + "/"
        timeout = urllib3.Timeout(connect=place.timeout, read=place.timeout)
        common: dict[str, Any] = {"timeout": timeout, "retries": False, "ca_certs": place.ca_file or None}
        self._pool: urllib3.PoolManager = (
            urllib3.ProxyManager(place.proxy, **common) if place.proxy else urllib3.PoolManager(**common)
        )

    def read(self, path: str, most: int) -> Iterator[bytes]:
        """Yield a file in pieces; see ``Channel``."""
        end = time.monotonic() + self._place.deadline
        try:
            yield from self._pieces(path, most, end)
        except (HTTPError, OSError) as error:
            raise _fault(f"{self._base}{path}", error) from error

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _pieces(self, path: str, most: int, end: float) -> Iterator[bytes]:
        headers = {"User-Agent": "GridKit", "Accept-Encoding": "identity"}
        if self._place.token:
            headers["Authorization"] = f"Bearer {self._place.token}"
        answer = self._pool.request(
            "GET", self._base + path, headers=headers, preload_content=False, redirect=False, decode_content=False
        )
        try:
            self._note_time(answer.headers.get("Date"))
            self._check_status(answer.status, path)
            read = 0
            while read <= most and (piece := answer.read1(_CHUNK)):
                if time.monotonic() > end:
                    raise TrustTimeoutError(
                        f"{self._base}{path} took over {self._place.deadline:g} seconds. Try again later."
                    )
                read += len(piece)
                yield piece
        finally:
            answer.close()

    def _check_status(self, status: int, path: str) -> None:
        if status in _GONE:
            raise TrustTargetError(f"{self._base}{path} is not there (status {status}).")
        told = f"{self._base}{path} answered with status {status}; 200 was expected."
        if status in _WHO:
            raise TrustDeniedError(f"{told} Look at the token of the marketplace in the settings, or at the proxy.")
        if status in _ELSEWHERE:
            raise TrustRedirectError(f"{told} No redirect is followed: write the whole address into the settings.")
        if status != 200:
            raise TrustStatusError(f"{told} Try again later; when that does not help, ask who runs the marketplace.")

    def _note_time(self, text: str | None) -> None:
        try:
            self.server_time = parsedate_to_datetime(text) if text else None
        except ValueError:
            self.server_time = None


def _fault(url: str, error: HTTPError | OSError) -> TrustUnreachableError:
    """Return what kept a file from coming, with what to do about it."""
    told = f"{url} did not come: {type(error).__name__}."
    cause = error.original_error if isinstance(error, ProxyError) else error
    if isinstance(cause, SSLError | ssl.SSLError):
        return TrustCertificateError(f"{told} Look at the certificates of the marketplace and at ca_file.")
    if isinstance(cause, SilenceError | TimeoutError) and not isinstance(cause, NewConnectionError):
        return TrustTimeoutError(f"{told} Look at the network and at the marketplace's timeout, then try again.")
    if isinstance(cause, ProtocolError | ConnectionResetError | BrokenPipeError):
        return TrustCutError(f"{told} The connection ended before it. Look at the network and the proxy, try again.")
    return TrustUnreachableError(f"{told} Look at the address, the network and the proxy, then try again.")


class BundleChannel:
    """Brings files out of a bundle: a zip archive with the same paths, made by ``gridkit_market_bundle``.

    Nothing in it is believed because it is in the archive: the same signatures count as over the network.

    Args:
        path: the archive.
    """

    offline = True
    server_time: datetime | None = None

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, path: str, most: int) -> Iterator[bytes]:
        """Yield a file in pieces; see ``Channel``."""
        try:
            with zipfile.ZipFile(self._path) as archive, archive.open(path) as file:
                read = 0
                while read <= most and (piece := file.read(min(_CHUNK, most + 1 - read) or 1)):
                    read += len(piece)
                    yield piece
        except KeyError as error:
            raise TrustTargetError(f"The bundle {self._path.name} does not hold {path}.") from error
        except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
            raise TrustBundleError(
                f"The bundle {self._path.name} can't be read: {type(error).__name__}. Make it anew."
            ) from error

    def names(self, prefix: str) -> list[str]:
        """Return the paths in the bundle that begin with a prefix, sorted.

        Raises:
            TrustBundleError: when the bundle can't be read.
        """
        try:
            with zipfile.ZipFile(self._path) as archive:
                return sorted(name for name in archive.namelist() if name.startswith(prefix))
        except (OSError, zipfile.BadZipFile) as error:
            raise TrustBundleError(
                f"The bundle {self._path.name} can't be read: {type(error).__name__}. Make it anew."
            ) from error


class RecordingChannel:
    """Brings files through another channel, and keeps a copy of each: what a bundle is made of.

    Args:
        inner: the other one.
        asked_for: returns the path to ask for; the file is kept under the one that was wanted.
        offline: see ``Channel``.
    """

    def __init__(self, inner: Channel, asked_for: Callable[[str], str] = str, *, offline: bool = False) -> None:
        self.offline = offline
        self.server_time: datetime | None = None
        self.files: dict[str, bytes] = {}
        self._inner = inner
        self._asked_for = asked_for

    def read(self, path: str, most: int) -> Iterator[bytes]:
        """Yield a file in pieces; see ``Channel``."""
        pieces = list(self._inner.read(self._asked_for(path), most))
        self.server_time = self._inner.server_time
        self.files[path] = b"".join(pieces)
        yield from pieces

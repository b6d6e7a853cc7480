"""The client's side of trust: nothing of a marketplace counts before its signed metadata says so.

It runs at install, at update and when advisories are refreshed, never at the start of a process.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tuf.api import exceptions as tuf
from tuf.api.serialization import DeserializationError
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from gridkit_django.exceptions import (
    GridKitError,
    MarketplaceError,
    TrustClockError,
    TrustDeniedError,
    TrustDigestError,
    TrustError,
    TrustExpiredError,
    TrustKeyError,
    TrustLengthError,
    TrustMetadataError,
    TrustMissingError,
    TrustMixError,
    TrustRollbackError,
    TrustTargetError,
    TrustUnreachableError,
)
from gridkit_django.marketplace.trust.channels import Channel
from gridkit_django.marketplace.trust.memory import TrustMemory
from gridkit_django.marketplace.trust.metadata import OFFLINE_MARK, utc_now
from gridkit_django.marketplace.trust.state import TIMESTAMP

BASE = "tuf/"
_HISTORY = "root_history"
_SKEW = timedelta(minutes=10)
_PREFIX = "gridkit-trust-"
NOT_USED = (
    "It was not used. Try again later; when that does not help, look what stands between this site and the marketplace "
    "(a proxy, a cache, a login page), and ask who runs it."
)
_LEFT_AFTER_SECONDS = 3600.0
"""A folder that is older was left by a process that was killed: no fetch takes so long."""


@dataclass(frozen=True, slots=True)
class TrustedTarget:
    """What signed metadata says about a file.

    Attributes:
        name: of the file.
        length: in bytes.
        digest: ``sha256:…``.
        custom: plain values that are signed with it.
    """

    name: str
    length: int
    digest: str
    custom: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Where the marketplace serves it: wheels under ``files/``, all else beside the metadata."""
        digest = self.digest.removeprefix("sha256:")
        return f"files/{digest}/{self.name}" if self.name.endswith(".whl") else f"{BASE}{digest}.{self.name}"


class TrustedFetcher:
    """Asks a marketplace, and believes only what its keys stand for. Use it as a context manager; one use, one state.

    Args:
        channel: how files come here.
        memory: what was believed last; an older state is refused.
        root: the root file that the administrator got outside the network: where all trust begins.
        clock: tells the time.
    """

    def __init__(
        self, channel: Channel, memory: TrustMemory, root: bytes, *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._channel = channel
        self._memory = memory
        self._root = root
        self._clock = clock
        self._stack = ExitStack()
        self._ferry = _Ferry(channel)
        self._folder = Path()
        self._updater: Updater | None = None
        self._before: dict[str, bytes] = {}

    def __enter__(self) -> Self:
        _clear_left()
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix=_PREFIX)))
        self._before = dict(self._memory.load())
        _unfold(self._folder, self._before)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            files = _folded(self._folder)
            changed = {name: raw for name, raw in files.items() if self._before.get(name) != raw}
            if changed or error is None:
                self._memory.save(changed)
        finally:
            self._stack.close()

    def refresh(self) -> None:
        """Follow the marketplace to its newest state.

        Raises:
            TrustError: each way of lying has an error of its own.
        """
        seen = self._memory.last_seen()
        if seen is not None and self._clock() < seen - _SKEW:
            raise TrustClockError(
                f"The clock of this machine says {self._clock():%Y-%m-%d %H:%M} UTC, but metadata was believed at "
                f"{seen:%Y-%m-%d %H:%M} UTC. Set the clock."
            )
        with self._judged():
            self._started().refresh()

    def find(self, name: str) -> TrustedTarget:
        """Return what is signed about a file; follows the marketplace first when that was not done.

        Raises:
            TrustTargetError: when the marketplace does not stand for such a file.
            TrustError: see ``refresh``.
        """
        if self._updater is None:
            self.refresh()
        with self._judged():
            found = self._started().get_targetinfo(name)
        if found is None:
            raise TrustTargetError(f"The marketplace does not stand for a file {name!r}.")
        return TrustedTarget(name, found.length, f"sha256:{found.hashes['sha256']}", found.custom or {})

    def fetch(self, name: str) -> bytes:
        """Return a file, after its length and digest were found to be what is signed.

        Raises:
            TrustLengthError, TrustDigestError: when they are others.
            TrustError: see ``find``.
        """
        target = self.find(name)
        content = bytearray()
        for piece in self._channel.read(target.path, target.length):
            content += piece
            if len(content) > target.length:
                raise TrustLengthError(f"{name!r} is longer than the {target.length} bytes that are signed. {NOT_USED}")
        if len(content) < target.length:
            raise TrustLengthError(f"{name!r} has {len(content)} bytes; {target.length} are signed. {NOT_USED}")
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != target.digest:
            raise TrustDigestError(f"{name!r} is not the file whose digest is signed. {NOT_USED}")
        return bytes(content)

    def _started(self) -> Updater:
        if self._updater is None:
            config = UpdaterConfig(prefix_targets_with_hash=True)
            self._updater = Updater(str(self._folder), BASE, fetcher=self._ferry, config=config, bootstrap=self._root)
        return self._updater

    @contextmanager
    def _judged(self) -> Iterator[None]:
        """Turn python-tuf's errors into ours, by what came last."""
        try:
            yield
        except tuf.RepositoryError as error:
            raise self._meaning(error) from error
        except tuf.DownloadLengthMismatchError as error:
            raise TrustLengthError(f"{self._ferry.last} is longer than such metadata may be. {NOT_USED}") from error
        except tuf.DownloadError as error:
            cause = self._ferry.failure or error.__cause__
            if isinstance(cause, MarketplaceError):
                raise cause from error
            raise TrustUnreachableError(f"{self._ferry.last} did not come: {error}.") from error

    def _meaning(self, error: tuf.RepositoryError) -> TrustError:
        name, told, mixed = self._ferry.last, f"{error}", self._ferry.is_mixed()
        if isinstance(error, tuf.ExpiredMetadataError):
            return self._expired(told)
        if isinstance(error, tuf.UnsignedMetadataError):
            return TrustKeyError(f"{name} is not signed by enough of the trusted keys: {told}. {NOT_USED}")
        if isinstance(error, DeserializationError):
            return TrustMetadataError(f"{name} is no signed metadata. Is the address that of a marketplace? {NOT_USED}")
        if mixed and isinstance(error, tuf.LengthOrHashMismatchError | tuf.BadVersionNumberError):
            return TrustMixError(
                f"{name} is of another moment than the metadata that names it: {told.rstrip('.')}. {NOT_USED}"
            )
        if isinstance(error, tuf.LengthOrHashMismatchError):
            return TrustDigestError(f"{name} is not the file that the signed metadata names: {told}. {NOT_USED}")
        return TrustRollbackError(f"{name} is older than what this site has believed already: {told}. {NOT_USED}")

    def _expired(self, told: str) -> TrustError:
        server, now = self._channel.server_time, self._clock()
        if server is not None and abs(server - now) > _SKEW:
            return TrustClockError(
                f"{told}, by the clock of this machine ({now:%Y-%m-%d %H:%M} UTC); the server says "
                f"{server:%Y-%m-%d %H:%M} UTC. Set the clock, then try again."
            )
        advice = "Make a new bundle." if self._channel.offline else "Ask who runs the marketplace, or try again later."
        return TrustExpiredError(f"{told}. Somebody may hold newer metadata back. {advice}")


class _Ferry(FetcherInterface):
    """python-tuf's way to our channel; remembers what came last, for errors that name it.

    Args:
        channel: how files come here.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.last = TIMESTAMP
        self.failure: GridKitError | None = None
        self._content = b""

    def _fetch(self, url: str) -> Iterator[bytes]:
        raise NotImplementedError(url)

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Return a file of metadata."""
        name, self.failure = url.removeprefix(BASE), None
        try:
            content = b"".join(self._channel.read(url, max_length))
        except TrustTargetError as error:
            if name.endswith(".root.json"):  # how a client learns that it has the newest root
                raise tuf.DownloadHTTPError(str(error), 404) from error
            told = self._channel.offline or isinstance(error, TrustDeniedError)
            self.failure = error if told else TrustMissingError(f"{error.detail} No metadata, no trust.")
            self.last = name
            raise tuf.DownloadError(name) from error
        except GridKitError as error:
            self.last, self.failure = name, error
            raise tuf.DownloadError(name) from error
        self.last, self._content = name, content
        if len(content) > max_length:
            raise tuf.DownloadLengthMismatchError(name)
        self._check_term(name)
        return content

    def is_mixed(self) -> bool:
        """Whether what came last has another version than the name that it was asked for by."""
        asked = self.last.partition(".")[0]
        signed = _signed_part(self._content)
        return asked.isdecimal() and signed.get("version") != int(asked)

    def _check_term(self, name: str) -> None:
        if name == TIMESTAMP and not self._channel.offline and _signed_part(self._content).get(OFFLINE_MARK):
            self.failure = TrustExpiredError(
                "The marketplace sent the timestamp that is meant for bundles; over the network it may hide news. "
                + NOT_USED
            )
            raise tuf.DownloadError(name)


def _signed_part(content: bytes) -> dict[str, Any]:
    try:
        signed = json.loads(content)["signed"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return signed if isinstance(signed, dict) else {}


def _clear_left() -> None:
    """Remove the folders of processes that were killed over a fetch."""
    before = time.time() - _LEFT_AFTER_SECONDS
    for item in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # it is somebody else's, or another process has just removed it
            facts = item.lstat()
            if stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and facts.st_mtime < before:
                shutil.rmtree(item, ignore_errors=True)


def _unfold(folder: Path, files: Mapping[str, bytes]) -> None:
    (folder / _HISTORY).mkdir()
    for name, content in files.items():
        place = folder / _HISTORY / name if name.endswith(".root.json") else folder / name
        place.write_bytes(content)


def _folded(folder: Path) -> dict[str, bytes]:
    roots = (folder / _HISTORY).glob("*.root.json")
    parts = (path for path in folder.glob("*.json") if path.name != "root.json")
    return {path.name: path.read_bytes() for path in (*roots, *parts)}

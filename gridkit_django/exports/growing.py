"""The whole file of a run that is nothing but its segments: it grows while they are written, and is whole at once."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from gridkit_django.exports.scratch import ScratchFile
from gridkit_django.exports.segments import KeptSegment, Seams, SegmentPlace

_BUFFER = 256 * 1024
_COPY_BYTES = 1024 * 1024


class GrowingFile:
    """A file that gets its segments one after another, in their order.

    Args:
        file: an empty file; nothing else is written to it.
        seams: what it has besides its segments.

    Attributes:
        size: bytes of the segment that was written last.
    """

    def __init__(self, file: ScratchFile, seams: Seams) -> None:
        self.size = 0
        self._file = file
        self._seams = seams
        file.append(seams.opening)

    @contextmanager
    def segment(self, place: SegmentPlace, beside: ScratchFile | None = None) -> Iterator[BinaryIO]:
        """Give a stream in the block to which one segment is written, from front to back.

        Args:
            place: where it belongs: right after what was written before.
            beside: an empty file that gets the segment, too.

        Raises:
            ExportTooLargeError: when one of the files would be larger than it may.
            ExportStorageError: when there is no room left.
        """
        sink = _Sink(self._file, self._seams.between if place.first_row else b"", beside)
        stream = io.BufferedWriter(sink, _BUFFER)
        try:
            yield cast("BinaryIO", stream)
        except BaseException:
            sink.given_up = True
            raise
        finally:
            stream.close()
        self.size = sink.size

    def take_over(self, segment: KeptSegment) -> None:
        """Add a segment that was written before."""
        with self.segment(segment.place) as stream:
            shutil.copyfileobj(segment.stream, stream, _COPY_BYTES)

    def close(self, rows: int) -> None:
        """Complete the file.

        Args:
            rows: how many it has.
        """
        self._file.append(self._seams.closing if rows else self._seams.closing_of_none)


class _Sink(io.RawIOBase):
    """Takes the blocks of one segment.

    Args:
        whole: the file that they go to.
        before: what comes before the first one there.
        beside: another file that they go to.

    Attributes:
        given_up: nothing is written any more.
        size: bytes that were taken.
    """

    def __init__(self, whole: ScratchFile, before: bytes, beside: ScratchFile | None) -> None:
        self.given_up = False
        self.size = 0
        self._before = before
        self._whole: Callable[[Any], None] = whole.append
        self._beside: Callable[[Any], None] | None = None if beside is None else beside.append

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self.given_up:
            return len(data)
        if self._before:
            self._whole(self._before)
            self._before = b""
        self._whole(data)
        if self._beside is not None:
            self._beside(data)
        self.size += len(data)
        return len(data)

"""A PDF file that is written while it is made: what is complete leaves memory at once."""

from __future__ import annotations

import zlib
from typing import Any, BinaryIO

import pydyf

_OBJECTS_PER_STREAM = 200


class PackedStream(pydyf.Stream):  # type: ignore[misc]  # pydyf is untyped
    """A compressed stream (PDF 1.7, 7.4.4) at zlib's usual level.

    pydyf's own compresses at the highest one: a fifteenth fewer bytes, for three times the time.

    Args:
        content: operators, as bytes.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__([zlib.compress(content)], {"Filter": "/FlateDecode"})


class FileInWriting(pydyf.PDF):  # type: ignore[misc]  # pydyf is untyped
    """A pydyf document whose objects go into the file one by one, small ones packed together.

    Args:
        output: binary file opened for writing.
    """

    def __init__(self, output: BinaryIO) -> None:
        super().__init__()
        self._output = output
        self._places = _Places()
        self._packed: list[tuple[int, bytes]] = []
        self.write_line(b"%PDF-1.7", output)
        self.write_line(b"%\xf0\x9f\x96\xa4", output)

    def put(self, object_: Any) -> bytes:
        """Write an object that is complete and return its reference; it is added to the file when it isn't yet.

        Args:
            object_: a pydyf object.
        """
        if object_.number is None:
            self.add_object(object_)
        reference: bytes = object_.reference
        if object_.compressible:
            self._packed.append((object_.number, object_.data))
            if len(self._packed) >= _OBJECTS_PER_STREAM:
                self._put_packed()
        else:
            self._places.note(object_.number, 1, self.current_position, 0)
            self.write_line(object_.indirect, self._output)
        self.objects[object_.number] = None
        return reference

    def complete(self) -> None:
        """Write all that is left, and the table of where everything is."""
        self.add_object(self.info)
        for object_ in self.objects[1:]:
            if object_ is not None:
                self.put(object_)
        self._put_packed()
        self._put_places()
        self.write_line(b"startxref", self._output)
        self.write_line(str(self.xref_position).encode(), self._output)
        self.write_line(b"%%EOF", self._output)

    def _put_packed(self) -> None:
        """Write the small objects that wait, as one stream."""
        if not self._packed:
            return
        index: list[str] = []
        position = 0
        for number, data in self._packed:
            index.append(f"{number} {position}")
            position += len(data) + 1
        head = " ".join(index).encode()
        extra = {"Type": "/ObjStm", "N": len(self._packed), "First": len(head) + 1}
        stream = pydyf.Stream([head, *(data for _, data in self._packed)], extra, compress=True)
        self.add_object(stream)
        for place, (number, _) in enumerate(self._packed):
            self._places.note(number, 2, stream.number, place)
        self._packed = []
        self.put(stream)

    def _put_places(self) -> None:
        self.xref_position = self.current_position
        number = len(self.objects)
        self._places.note(number, 1, self.xref_position, 0)
        extra = {
            "Type": "/XRef",
            "Index": pydyf.Array((0, number + 1)),
            "W": pydyf.Array((1, 6, 2)),  # as _Places keeps them
            "Size": number + 1,
            "Root": self.catalog.reference,
            "Info": self.info.reference,
        }
        stream = pydyf.Stream([bytes(self._places.table)], extra, compress=True)
        self.add_object(stream)
        self.write_line(stream.indirect, self._output)


class _Places:
    """Where each object of a file is, as the file itself says it: nine bytes an object."""

    _ENTRY = 9

    def __init__(self) -> None:
        self.table = bytearray((0).to_bytes(7, "big") + b"\xff\xff")

    def note(self, number: int, kind: int, where: int, place: int) -> None:
        """Note the place of an object.

        Args:
            number: of the object.
            kind: 1 for an object by itself, 2 for one in a stream of objects.
            where: its offset in the file, or the number of that stream.
            place: in that stream.
        """
        end = (number + 1) * self._ENTRY
        if len(self.table) < end:
            self.table.extend(bytes(end - len(self.table)))
        entry = kind.to_bytes(1, "big") + where.to_bytes(6, "big") + place.to_bytes(2, "big")
        self.table[end - self._ENTRY : end] = entry

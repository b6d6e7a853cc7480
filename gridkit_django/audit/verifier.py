"""Checks an exported audit trail. Needs Python 3.9 or newer and nothing else: copy this one file and run it.

    python verifier.py trail.ndjson --key <public key>

It reads the export line by line, computes the digest of each record and the Merkle root of each seal, follows the chain
from seal to seal, and checks signatures (Ed25519, RFC 8032, in plain Python) and checkpoints. It imports nothing of the
site, trusts nothing in the file but what is signed with a key that you name, and changes nothing.
Exit code: 0 when all is proven, 1 when something is wrong, 2 when nothing can be said. The format of the file is
described in the reference of GridKit for Django, page "Formats of the audit proof".
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import json
import re
import sys
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

FAULTS_SHOWN = 100
NO_END = "; without one it can't be seen whether the end was cut off"
SEAL_PREFIX = b"gridkit audit seal 1\n"
PURGE_PREFIX = b"gridkit audit purge 1\n"

CHANGED, MISSING, ADDED, MOVED = "changed", "missing", "added", "moved"
REPEATED, TRUNCATED, BAD_SIGNATURE, UNKNOWN_KEY = "repeated", "truncated", "bad-signature", "unknown-key"

Check = Callable[[bytes, bytes], bool]  # says whether a signature (second) of a message (first) is right

# Ed25519 (RFC 8032). Points are (x, y, z, t) with x = X/Z, y = Y/Z, x * y = T/Z.

_P = 2**255 - 19
_Q = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_D2 = 2 * _D % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
_BASE_Y = 4 * pow(5, -1, _P) % _P
Point = tuple[int, int, int, int]
_ZERO: Point = (0, 1, 1, 0)


def _added(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = p[3] * q[3] * _D2 % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _x_of(y: int, sign: int) -> int | None:
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    return _P - x if x & 1 != sign else x


def _point(text: bytes) -> Point | None:
    number = int.from_bytes(text, "little")
    y, sign = number & (2**255 - 1), number >> 255
    x = _x_of(y, sign) if y < _P else None
    return None if x is None else (x, y, 1, x * y % _P)


def _multiples(p: Point) -> list[Point]:
    """Return 0 to 15 times a point."""
    return list(accumulate([p] * 15, _added, initial=_ZERO))


_BASE = _multiples((_x_of(_BASE_Y, 0) or 0, _BASE_Y, 1, (_x_of(_BASE_Y, 0) or 0) * _BASE_Y % _P))


def ed25519_fits(public: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether an Ed25519 signature fits, as RFC 8032, 5.1.7 has it."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, commitment = _point(public), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= _Q:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _Q
    # scalar * base - challenge * key must be the commitment: both products at once, four bits at a time.
    minus = _multiples((_P - key[0], key[1], 1, _P - key[3]))
    point = _ZERO
    for shift in range(252, -1, -4):
        for _ in range(4):
            point = _added(point, point)
        point = _added(_added(point, _BASE[scalar >> shift & 15]), minus[challenge >> shift & 15])
    x, y, z, _ = commitment
    return not ((point[0] * z - x * point[2]) % _P or (point[1] * z - y * point[2]) % _P)


def key_id_of(public: bytes) -> str:
    """Return the id of a public key."""
    return "ed25519:" + hashlib.sha256(public).hexdigest()[:32]


def leaf_digest(line: bytes) -> bytes:
    """Return the digest of a record's line."""
    return hashlib.sha256(b"\x00" + line).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the Merkle root over digests."""
    level = list(leaves) or [hashlib.sha256(b"").digest()]
    while len(level) > 1:
        pairs = (level[at] + level[at + 1] for at in range(0, len(level) - 1, 2))
        paired = [hashlib.sha256(b"\x01" + pair).digest() for pair in pairs]
        level = paired + level[len(level) - len(level) % 2 :]
    return level[0]


@dataclass
class Note:
    """A checkpoint: so many records and this digest at that seal, at that time."""

    origin: str
    total: int
    digest: bytes
    seal: int
    text: bytes
    key_hash: bytes
    signature: bytes

    @classmethod
    def parse(cls, text: str) -> Note:
        """Read a signed note. Raises ValueError when it is none."""
        body, _, last = text.rstrip("\n").rpartition("\n\n")
        lines, (mark, name, blob) = body.split("\n"), (*last.split(" "), "", "")[:3]
        if mark != "\u2014" or name != lines[0] or not "".join(lines[3:4]).startswith("seal "):
            raise ValueError("not a checkpoint of this kind")
        signed = base64.b64decode(blob, validate=True)
        digest = base64.b64decode(lines[2], validate=True)
        return cls(name, int(lines[1]), digest, int(lines[3][5:]), f"{body}\n".encode(), signed[:4], signed[4:])

    def names(self, key: bytes) -> bool:
        """Say whether it names a key as the one that signed it: a public one, or a site's own by its id."""
        kind = b"\x01" if len(key) == 32 else b"\xff"
        return hashlib.sha256(self.origin.encode() + b"\n" + kind + key).digest()[:4] == self.key_hash

    def is_by(self, public: bytes) -> bool:
        """Say whether it was signed with a key."""
        return self.names(public) and ed25519_fits(public, self.text, self.signature)


def notes_in(text: str) -> list[Note]:
    """Return the checkpoints in a text: notes, or lines of a log or an export that hold them. Raises ValueError."""
    found = [Note.parse(note) for note in re.findall(r"(?m)^\S+\n\d+\n\S+\nseal (?:.+\n)+\n\u2014 .+$", text)]
    for line in text.splitlines():
        start = line.find('{"checkpoint":')
        if start >= 0:
            found.append(Note.parse(json.JSONDecoder().raw_decode(line[start:])[0]["checkpoint"]))
    if not found:
        raise ValueError("there is no checkpoint in the text")
    return found


@dataclass
class Fault:
    """Something that is wrong."""

    kind: str
    detail: str
    seal: int | None = None
    record: int | None = None


@dataclass
class Report:
    """What was found."""

    seals: int = 0
    records: int = 0
    withheld: int = 0
    purged: int = 0
    checkpoints: int = 0
    compared: int = 0
    first_seal: int = 0
    last_seal: int = 0
    last_digest: str = ""
    trusted: bool = False
    faults: list[Fault] = field(default_factory=list)
    fault_count: int = 0

    def add(self, kind: str, detail: str, seal: int | None = None, record: int | None = None) -> None:
        """Note a fault; of very many only the first are kept."""
        self.fault_count += 1
        if len(self.faults) < FAULTS_SHOWN:
            self.faults.append(Fault(kind, detail, seal, record))


@dataclass
class Batch:
    """A seal and the lines that follow it."""

    said: dict[str, Any]
    marks: bytes
    is_withheld: bool = False
    leaves: dict[int, bytes] = field(default_factory=dict)
    lines: dict[int, bytes] = field(default_factory=dict)
    last_id: int = -(2**63)
    ids: dict[int, None] = field(init=False)

    def __post_init__(self) -> None:
        """Know the ids that the seal is about, in their order; no more than it has marks of."""
        spans = self.said["spans"]
        if any(last < first for first, last in spans) or 8 * sum(b - a + 1 for a, b in spans) != len(self.marks):
            raise ValueError("the seal has other marks than records")
        self.ids = {number: None for first, last in spans for number in range(first, last + 1)}


class FileVerifier:
    """Checks the lines of an export, one after the other.

    Args:
        public_keys: keys that you believe; nothing in the file can add to them.
        notes: checkpoints that were kept elsewhere.
        checks: other checks of keys that you believe, by their ids.
    """

    def __init__(
        self, public_keys: Iterable[bytes], notes: Iterable[Note] = (), checks: Mapping[str, Check] | None = None
    ) -> None:
        self._public = {key_id_of(key): key for key in public_keys}
        self._trusted: dict[str, Check] = {name: partial(ed25519_fits, key) for name, key in self._public.items()}
        self._trusted.update(checks or {})
        self._site_keys = {name for name in self._trusted if name.startswith("hmac:")}
        self._notes = list(notes)
        self.report = Report(trusted=bool(self._trusted), checkpoints=len(self._notes))
        self._origin = ""
        self._receipts_of: set[str] = set()
        self._digests: dict[int, tuple[bytes, int]] = {}
        self._batch: Batch | None = None
        self._unvouched: int | None = None
        self._was_signed = self._is_sorted = False
        self._purged: dict[int, dict[int, bytes]] = {}
        self._gone: list[tuple[int, int]] = []
        self._names = array("Q")
        self._end: dict[str, int] | None = None
        self._readers: dict[str, Callable[[dict[str, Any]], None]] = {
            "seal": self._read_seal, "withheld": self._read_withheld, "purge": self._read_purge,
            "key": lambda item: self._public.update({key_id_of(key := base64.b64decode(item["public"])): key}),
            "checkpoint": lambda item: self._notes.append(Note.parse(item["checkpoint"])),
            "end": lambda item: setattr(self, "_end", item["end"]), "evidence": self._read_head,
        }  # fmt: skip

    def check(self, lines: Iterable[bytes]) -> Report:
        """Read all lines and return what was found."""
        for number, line in enumerate(lines, 1):
            try:
                self._read(text := line.rstrip(b"\r\n"), json.loads(text))
            except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
                self.report.add(CHANGED, f"line {number} can't be read: {error!r}", self.report.last_seal or None)
        self._close()
        self._judge_end()
        return self.report

    def _read(self, text: bytes, item: dict[str, Any]) -> None:
        is_record = "action" in item or "unreadable" in item
        self._read_record(text, item) if is_record else self._readers[next(iter(item))](item)

    def _read_record(self, text: bytes, item: dict[str, Any]) -> None:
        if "uuid" in item:
            self._names.append(int(item["uuid"].replace("-", "")[16:], 16))
        self.report.records += 1
        self._take(int(item["id"]), leaf_digest(text), text)

    def _read_withheld(self, item: dict[str, Any]) -> None:
        if "all" in item["withheld"] and self._batch:
            self._batch.is_withheld = True
            return
        first, leaves = int(item["withheld"]["first"]), base64.b64decode(item["withheld"]["leaves"])
        for place in range(len(leaves) // 32):
            self._take(first + place, leaves[32 * place : 32 * place + 32], None)
            self.report.withheld += 1

    def _take(self, number: int, leaf: bytes, line: bytes | None) -> None:
        seal = self._batch.said["number"] if self._batch else None
        if self._batch is None or number in self._batch.leaves or number not in self._batch.ids:
            self.report.add(ADDED, "there is a record more than was sealed", seal, number)
            return
        if number <= self._batch.last_id:
            self.report.add(MOVED, "the record stands in another place of the file", seal, number)
        self._batch.last_id, self._batch.leaves[number] = number, leaf
        if line is not None:
            self._batch.lines[number] = line

    def _read_purge(self, item: dict[str, Any]) -> None:
        said = json.loads(item["purge"])
        if not self._fits(said["key"], PURGE_PREFIX + item["purge"].encode(), base64.b64decode(item["signature"])):
            self.report.add(BAD_SIGNATURE, f"the receipt of the purge of {said['spans']} is not signed as it says")
            return
        if said["key"] not in self._trusted and self._trusted:
            self.report.add(UNKNOWN_KEY, f"the receipt of the purge of {said['spans']} is signed with {said['key']}")
            return
        self._receipts_of.add(said["origin"])
        self._gone += [(first, last) for first, last in said["spans"]]
        self._is_sorted = False
        for seal, runs in said["leaves"].items():
            known = self._purged.setdefault(int(seal), {})
            for first, text in runs:
                leaves = base64.b64decode(text)
                known.update({first + at // 32: leaves[at : at + 32] for at in range(0, len(leaves), 32)})

    def _read_head(self, item: dict[str, Any]) -> None:
        self._origin = item.get("origin", "")
        if item["evidence"] != 1:
            raise ValueError("this verifier reads form 1 of the format; get the one that belongs to the export")

    def _fits(self, key: str, message: bytes, signature: bytes) -> bool:
        """Say whether a signature is right, by a trusted key or one of the file; an unknown key can't be judged."""
        if key in self._trusted:
            return self._trusted[key](message, signature)
        public = self._public.get(key)
        return public is None or ed25519_fits(public, message, signature)

    def _read_seal(self, item: dict[str, Any]) -> None:
        self._close()
        message = SEAL_PREFIX + item["seal"].encode()
        said, digest = json.loads(item["seal"]), hashlib.sha256(message).digest()
        number = said["number"]
        before = self._digests.get(self.report.last_seal)
        if before is not None and number != (due := self.report.last_seal + 1):
            self.report.add(MISSING, f"seals {due} to {number - 1} are not there", due)
        elif before is not None and said["previous"] != before[0].hex():
            self.report.add(CHANGED, "the seal does not follow the one before it", number)
        elif before is not None and said["total"] != before[1] + said["count"]:
            self.report.add(CHANGED, "the seal counts other records than are there", number)
        self._judge_signature(number, said["key"], message, base64.b64decode(item["signature"]))
        self._digests[number] = (digest, said["total"])
        self.report.first_seal = self.report.first_seal or number
        self.report.last_seal, self.report.last_digest = number, digest.hex()
        self.report.seals += 1
        if number == 1:
            self._origin = f"gridkit/{said['previous'][:16]}"
        self._batch = Batch(said, base64.b64decode(item["marks"]))

    def _judge_signature(self, number: int, key: str, message: bytes, signature: bytes) -> None:
        """Check a signature. A trusted one vouches for all seals before it, for it covers their digests."""
        if not self._fits(key, message, signature):
            self.report.add(BAD_SIGNATURE, f"the seal is not signed with {key}, as it says", number)
            return
        is_site = key.startswith("hmac:")
        self._site_keys.update([key] * is_site)
        if is_site and self._was_signed:
            self.report.add(BAD_SIGNATURE, "the seal has no public signature, though seals before it have", number)
        self._was_signed = self._was_signed or not is_site
        self._unvouched = None if key in self._trusted else self._unvouched or number

    def _close(self) -> None:
        """Judge the batch that was read."""
        batch, self._batch = self._batch, None
        if batch is None:
            return
        known, ids = self._purged.get(batch.said["number"], {}), list(batch.ids)
        gone = [number for number in ids if number not in batch.leaves]
        runs = self._gone = self._gone if self._is_sorted else sorted(self._gone)
        self._is_sorted = True
        purged = [n for n in gone if (at := bisect_right(runs, (n, 2**63))) and runs[at - 1][1] >= n]
        self.report.purged += len(purged)
        is_untold = batch.is_withheld and not batch.leaves
        self.report.withheld += (len(gone) - len(purged)) * is_untold
        if is_untold or len(purged) == len(ids):
            return
        leaves = {**{number: known[number] for number in purged if number in known}, **batch.leaves}
        missing = [number for number in ids if number not in leaves]
        if missing:
            said = f"{len(missing)} sealed records are not there, the first is {missing[0]}"
            self.report.add(MISSING, said, batch.said["number"], missing[0])
        if hashlib.sha256(batch.marks).hexdigest() != batch.said["marks"]:
            self.report.add(CHANGED, "the marks of the seal were changed", batch.said["number"])
        elif not missing and root_of([leaves[number] for number in ids]).hex() == batch.said["root"]:
            return
        self._name(batch, ids, leaves, is_whole=not missing)

    def _name(self, batch: Batch, ids: list[int], leaves: dict[int, bytes], *, is_whole: bool) -> None:
        """Say which records of a bad batch are bad, by the marks of their digests."""
        marks = {number: batch.marks[8 * at : 8 * at + 8] for at, number in enumerate(ids)}
        bad = [number for number in ids if number in leaves and leaves[number][:8] != marks[number]]
        for number in bad:
            kind, detail = CHANGED, "the record is not what was sealed"
            for other in bad:
                line = batch.lines.get(number, b"")
                moved = re.sub(rb',"id":%d,"occurredAt":"' % number, b',"id":%d,"occurredAt":"' % other, line, count=1)
                if other != number and leaf_digest(moved)[:8] == marks[other]:
                    kind, detail = MOVED, f"the record has the content that was sealed as record {other}"
                    break
            self.report.add(kind, detail, batch.said["number"], number)
        if is_whole and not bad:
            self.report.add(CHANGED, "some record of the seal is not what was sealed", batch.said["number"])

    def _judge_end(self) -> None:
        if self._unvouched is not None and self._trusted:
            self.report.add(UNKNOWN_KEY, "no key that you trust vouches for this and the next seals", self._unvouched)
        if self._end is None or self._end["seals"] != self.report.seals:
            self.report.add(TRUNCATED, "the file ends before its end", self.report.last_seal or None)
        if repeated := len(self._names) - len(set(self._names)):
            self.report.add(REPEATED, f"{repeated} records have the uuid of another one")
        self._judge_origins()
        self.report.compared = sum(note.seal in self._digests for note in self._notes[: self.report.checkpoints])
        for note in self._notes:
            self._judge_note(note)

    def _judge_origins(self) -> None:
        """A receipt of another chain that was signed with the same key excuses nothing here."""
        sure = [key for name, key in self._public.items() if name in self._trusted]
        named = (note.origin for note in self._notes if any(note.is_by(key) for key in sure))
        self._origin = self._origin or next(named, "")
        for origin in self._receipts_of - {self._origin} if self._origin else ():
            self.report.add(CHANGED, f"there is a receipt of a purge of another chain, {origin}")

    def _judge_note(self, note: Note) -> None:
        said, known = f"the checkpoint of seal {note.seal} ({note.total} records)", self._digests.get(note.seal)
        # Only the site itself can judge what its own keys signed; others compare it with the chain.
        sites = (self._fits(name, note.text, note.signature) for name in self._site_keys if note.names(name.encode()))
        if not (any(sites) or any(note.is_by(public) for public in self._public.values())):
            self.report.add(UNKNOWN_KEY, f"{said} is not signed with a key of this trail", note.seal)
        elif (self._origin or note.origin) != note.origin or (known and known != (note.digest, note.total)):
            self.report.add(CHANGED, f"{said} was made of another chain", note.seal)
        elif note.seal > self.report.last_seal:
            self.report.add(TRUNCATED, f"{said} was made, but the trail ends before it", note.seal)


def collected(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what a destination appended to a file: no line again, as a batch may be sent twice, no torn one, an end."""
    seen, seals = set[bytes](), 0
    for line in lines:
        digest = hashlib.sha256(line.strip()).digest()
        with suppress(ValueError):
            if digest in seen or not json.loads(line):
                continue
            seals += line.startswith(b'{"seal"')
            seen.add(digest)
            yield line
    yield b'{"end":{"seals":%d}}' % seals


def public_key_in(text: str) -> bytes:
    """Return the key that a text stands for: base64, or a file with base64 or a public key in PEM."""
    told = Path(text).read_text() if len(text) < 4096 and Path(text).is_file() else text
    told = re.sub(r"-----[A-Z ]+-----|\s", "", told)
    key = base64.b64decode(told, validate=True)[-32:]
    if len(key) != 32:
        raise ValueError("a public key has 32 bytes")
    return key


def show(report: Report, *, as_json: bool) -> None:
    """Write the report."""
    if as_json:
        sys.stdout.write(json.dumps(asdict(report), indent=1) + "\n")
        return
    for fault in report.faults:
        place = f"seal {fault.seal or '-'}, record {fault.record or '-'}"
        sys.stdout.write(f"{fault.kind}: {place}: {fault.detail}\n")
    sys.stdout.write(
        f"{report.seals} seals ({report.first_seal} to {report.last_seal}), {report.records} records, "
        f"{report.withheld} withheld, {report.purged} purged, digest {report.last_digest}\n"
        f"{report.compared} of {report.checkpoints} kept checkpoints compared{'' if report.compared else NO_END}\n"
        f"{report.fault_count} faults{'' if report.trusted else '; nobody vouches for the keys: name one with --key'}\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a file and return the exit code."""
    parser = argparse.ArgumentParser(description="Check an exported audit trail of GridKit for Django.")
    parser.add_argument("file", help="the export (NDJSON, or NDJSON in gzip)")
    parser.add_argument("--key", action="append", default=[], help="public key that you trust: base64, or a file")
    parser.add_argument("--checkpoint", action="append", default=[], help="file with checkpoints that you kept")
    parser.add_argument("--collected", action="store_true", help="a destination appended the lines as they came")
    parser.add_argument("--json", action="store_true", help="write the report as JSON")
    options = parser.parse_args(arguments)
    try:
        keys = [public_key_in(text) for text in options.key]
        notes = [note for name in options.checkpoint for note in notes_in(Path(name).read_text(encoding="utf-8"))]
        opened = gzip.open if options.file.endswith(".gz") else open
        with opened(options.file, "rb") as lines:
            report = FileVerifier(keys, notes).check(collected(lines) if options.collected else lines)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    show(report, as_json=options.json)
    return 1 if report.fault_count else (0 if report.trusted else 2)


if __name__ == "__main__":
    sys.exit(main())

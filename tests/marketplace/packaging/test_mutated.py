"""Mutated archives: the gate refuses, or what it says is exactly what another reader finds. It never breaks."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridkit_django.exceptions import PackageRefusedError
from gridkit_django.marketplace.packaging import GatePolicy, inspect_package
from tests.marketplace.wheels import DIST_INFO, FILENAME, PACKAGE, Archive, files, items_of, record, wheel, with_record

pytestmark = pytest.mark.unmeasured

GOOD = wheel()
ITEMS = items_of(with_record(files()))
SMALL = GatePolicy(total_bytes=1_000_000, file_bytes=100_000, entries=50)
NAMES = st.sampled_from(
    [
        *files(),
        "x.py",
        f"{PACKAGE}/x.py",
        "../x",
        "a.pth",
        f"{PACKAGE}/Plugin.py",
        f"{DIST_INFO}/RECORD",
        f"{PACKAGE}/\u00fc",
    ]
)


def judge(content: bytes) -> None:
    """Ask the gate; where it lets the archive through, hold what it says against another reader."""
    package = None
    with suppress(PackageRefusedError):
        package = inspect_package(content, filename=FILENAME, policy=SMALL)
    if package is None:
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        found = {name: archive.read(name) for name in archive.namelist()}
    said = {f"{PACKAGE}/{name}": raw for name, raw in package.files.items()} | dict(package.dist_info)
    assert said == found
    lines = [line.rsplit(",", 2) for line in package.record.decode().splitlines()]
    assert {name for name, _, _ in lines} == set(found)
    for name, digest, size in lines:
        if not name.endswith("/RECORD"):
            raw = base64.urlsafe_b64encode(hashlib.sha256(found[name]).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={raw}", str(len(found[name])))
    assert (package.plugin_id, package.version) == ("@acme/colours", "1.0.0")
    assert package.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_archive_with_other_bytes_is_refused_or_consistent(edits: list[tuple[int, int]]) -> None:
    content = bytearray(GOOD)
    for place, value in edits:
        content[place] = value

    judge(bytes(content))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, len(GOOD)), st.integers(0, 40), st.binary(max_size=40))
def test_archive_with_bytes_cut_out_and_put_in_is_refused_or_consistent(place: int, cut: int, put: bytes) -> None:
    judge(GOOD[:place] + put + GOOD[place + cut :])


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, len(ITEMS) - 1),
    st.fixed_dictionaries(
        {},
        optional={
            "flags": st.sampled_from([0, 1, 2, 6, 8, 0x800, 0x808]),
            "mode": st.integers(0, 0xFFFF),
            "size": st.integers(0, 2**32 - 1),
            "crc": st.integers(0, 2**32 - 1),
            "method": st.sampled_from([0, 8, 12, 99]),
            "local_size": st.integers(0, 2000),
            "deflate": st.booleans(),
            "extra": st.binary(max_size=8),
            "local_extra": st.binary(max_size=8),
            "behind": st.binary(max_size=8),
            "offset": st.integers(0, 3000),
            "raw": st.binary(max_size=40),
        },
    ),
    NAMES,
    st.binary(max_size=60),
    st.booleans(),
)
def test_archive_with_lying_headers_and_more_files_is_refused_or_consistent(
    index: int, headers: dict[str, object], name: str, content: bytes, listed: bool
) -> None:
    items = list(ITEMS)
    items[index] = replace(items[index], **headers)  # type: ignore[arg-type]
    judge(Archive(tuple(items)).build())
    more = {**files(), name: content}
    own = {f"{DIST_INFO}/RECORD": record(more if listed else files())}
    judge(Archive(items_of({**own, **more} if listed else {**more, **own})).build())

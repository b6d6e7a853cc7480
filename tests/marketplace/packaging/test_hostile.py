"""Hostile archives, made byte by byte: each is refused, by its own rule, and the entry is named."""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from gridkit_django.exceptions import PackageRefusedError
from gridkit_django.marketplace.packaging import STANDARD, GatePolicy, Rule, inspect_package, policy_of_site
from tests.marketplace.wheels import (
    DIST_INFO,
    FILENAME,
    PACKAGE,
    Archive,
    Item,
    changed,
    files,
    items_of,
    metadata,
    plus,
    wheel,
    wheel_file,
    with_record,
)

PLUGIN = f"{PACKAGE}/plugin.py"
INIT = f"{PACKAGE}/__init__.py"
RECORD = f"{DIST_INFO}/RECORD"
EVIL = b"print('host taken')\n"
GOOD = items_of(with_record(files()))
TOKEN = b"ghp_" + b"aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3hJ5"


def added(name: str, content: bytes = EVIL) -> Callable[[], bytes]:
    """A wheel with one file more, which RECORD lists."""
    return lambda: wheel({name: content})


def entry(name: str, **more: object) -> Callable[[], bytes]:
    """A wheel with one entry more, which RECORD lists."""
    return lambda: plus([Item(name.encode(), EVIL, flags=0 if name.isascii() else 0x800, **more)])  # type: ignore[arg-type]


def lying(name: str, **headers: object) -> Callable[[], bytes]:
    """A good wheel, one of whose entries lies."""
    return lambda: changed(name, **headers)


def archive(**more: object) -> Callable[[], bytes]:
    """A good wheel, whose end lies."""
    return lambda: Archive(GOOD, **more).build()  # type: ignore[arg-type]


def without(name: str) -> Callable[[], bytes]:
    """A wheel that lacks a file."""
    return lambda: wheel({name: None})


def said(name: str, text: str) -> Callable[[], bytes]:
    """A wheel whose dist-info says something else."""
    return lambda: wheel({f"{DIST_INFO}/{name}": text.encode()})


def unlisted() -> bytes:
    """A wheel with a file of which RECORD is silent."""
    return Archive((*GOOD, Item(f"{PACKAGE}/hidden.py".encode(), EVIL))).build()


def recorded(change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    """A good wheel with another RECORD."""

    def build() -> bytes:
        contents = with_record(files())
        own = f"{DIST_INFO}/RECORD"
        return Archive(items_of({**contents, own: change(contents[own])})).build()

    return build


def overlapping() -> bytes:
    """Two names for the same bytes: the second local header lies inside the first entry's content."""
    inner = Item(f"{PACKAGE}/b.py".encode(), EVIL, deflate=False)
    outer = Item(f"{PACKAGE}/a.py".encode(), inner.local(), deflate=False)
    contents = with_record({**files(), f"{PACKAGE}/a.py": outer.content, f"{PACKAGE}/b.py": EVIL})
    honest = tuple(item for item in items_of(contents) if item.name not in (inner.name, outer.name))
    start = len(b"".join(item.local() for item in honest))
    body = b"".join(item.local() for item in (*honest, outer))
    places = [*_places(honest), start, start + 30 + len(outer.name)]
    central = b"".join(item.central(at) for item, at in zip((*honest, outer, inner), places, strict=True))
    count = len(honest) + 2
    return body + central + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(central), len(body), 0)


def _places(items: tuple[Item, ...]) -> list[int]:
    places, at = [], 0
    for item in items:
        places.append(at)
        at += len(item.local())
    return places


def quoted() -> bytes:
    """The same local file named by many lines of the directory (a bomb that no ratio of one entry shows)."""
    item = Item(b"a.py", EVIL)
    central = item.central(0) * 2
    body = item.local()
    return body + central + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, len(central), len(body), 0)


def descriptor(
    content: bytes, *, crc: int | None = None, size: int | None = None, mark: bytes = b"PK\x07\x08"
) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    stored = len(packer.compress(content) + packer.flush())
    true = (zlib.crc32(content) if crc is None else crc, stored, len(content) if size is None else size)
    return mark + struct.pack("<3L", *true)


CODE = files()[PLUGIN]
MANIFEST = files()[f"{PACKAGE}/plugin.toml"].decode()

HOSTILE: dict[str, tuple[Callable[[], bytes], Rule, str]] = {
    # what no zip reader should have to judge
    "empty": (lambda: b"", Rule.ARCHIVE, ""),
    "HTML instead of a wheel": (lambda: b"<html>404</html>" * 9, Rule.ARCHIVE, ""),
    "cut off": (lambda: wheel()[:-9], Rule.ARCHIVE, ""),
    "no files": (lambda: Archive(()).build(), Rule.LAYOUT, ""),
    "data behind": (archive(behind=b"#!/bin/sh\n"), Rule.TRAILING, ""),
    "comment behind": (archive(comment=b"PK hello"), Rule.TRAILING, ""),
    "data before": (archive(before=b"#!/bin/sh\n"), Rule.LAYOUT, ""),
    "directory elsewhere": (archive(end={"start": 7}), Rule.LAYOUT, ""),
    "directory shorter": (archive(end={"count": 3, "here": 3}), Rule.LAYOUT, ""),
    "directory longer": (archive(end={"count": 12, "here": 12}), Rule.LAYOUT, ""),
    "bytes in the directory": (archive(directory=b"hidden"), Rule.LAYOUT, ""),
    "two disks": (archive(end={"disk": 1}), Rule.LAYOUT, ""),
    "counts that differ": (archive(end={"here": 2}), Rule.LAYOUT, ""),
    "64-bit kind": (archive(end={"count": 0xFFFF, "here": 0xFFFF}), Rule.LAYOUT, ""),
    "64-bit places": (archive(end={"start": 0xFFFFFFFF}), Rule.LAYOUT, ""),
    "hidden between files": (lying(PLUGIN, behind=b"hidden"), Rule.LAYOUT, PLUGIN),
    "overlapping files": (overlapping, Rule.LAYOUT, f"{PACKAGE}/a.py"),
    "one file under many names": (quoted, Rule.LAYOUT, "a.py"),
    "place outside": (lying(PLUGIN, offset=5), Rule.LAYOUT, INIT),
    # headers that contradict each other
    "local header of another name": (lying(PLUGIN, local_name=b"acme_colours/plugin.pX"), Rule.HEADERS, PLUGIN),
    "local header of another length": (lying(PLUGIN, local_size=3), Rule.HEADERS, PLUGIN),
    "local header of another checksum": (lying(PLUGIN, local_crc=3), Rule.HEADERS, PLUGIN),
    "extra field in front": (lying(PLUGIN, local_extra=b"\x75\x70\x02\x00hi"), Rule.HEADERS, PLUGIN),
    "extra field with a second name": (lying(PLUGIN, extra=b"\x75\x70\x02\x00hi"), Rule.HEADERS, PLUGIN),
    "comment of a file": (lying(PLUGIN, comment=b"hi"), Rule.HEADERS, PLUGIN),
    "stored with two lengths": (lying(PLUGIN, deflate=False, size=3), Rule.HEADERS, PLUGIN),
    "missing descriptor": (lying(PLUGIN, flags=8), Rule.DESCRIPTOR, PLUGIN),
    "descriptor of another length": (
        lying(PLUGIN, flags=8, descriptor=descriptor(CODE, size=1)), Rule.DESCRIPTOR, PLUGIN,
    ),
    "descriptor of another checksum": (
        lying(PLUGIN, flags=8, descriptor=descriptor(CODE, crc=1)), Rule.DESCRIPTOR, PLUGIN,
    ),
    "descriptor without its flag": (lying(PLUGIN, descriptor=descriptor(CODE)), Rule.LAYOUT, PLUGIN),
    "encrypted": (lying(PLUGIN, flags=1), Rule.COMPRESSION, PLUGIN),
    "bzip2": (lying(PLUGIN, method=12), Rule.COMPRESSION, PLUGIN),
    "checksum of other content": (lying(PLUGIN, crc=1), Rule.CONTENT, PLUGIN),
    "less content than claimed": (lying(PLUGIN, size=len(CODE) + 1), Rule.CONTENT, PLUGIN),
    "more content than claimed": (lying(PLUGIN, size=5), Rule.CONTENT, PLUGIN),
    "broken compression": (lying(PLUGIN, raw=b"\xff" * 40), Rule.CONTENT, PLUGIN),
    "bytes behind the compressed ones": (lying(PLUGIN, raw=Item(b"", CODE).stored + b"hidden"), Rule.CONTENT, PLUGIN),
    # limits
    "zip bomb": (added(f"{PACKAGE}/zeros", bytes(2**20)), Rule.RATIO, ""),
    "bomb of many files": (
        lambda: Archive(tuple(Item(b"p/%d" % i, size=14 * 2**20) for i in range(5))).build(), Rule.TOO_LARGE, "",
    ),
    "one large file": (added(f"{PACKAGE}/zeros", bytes(16 * 1024 * 1024 + 1)), Rule.FILE_TOO_LARGE, f"{PACKAGE}/zeros"),
    "2,001 empty files": (
        lambda: Archive(tuple(Item(b"p/%d" % i, deflate=False) for i in range(2001))).build(), Rule.ENTRIES, "",
    ),
    "a claim of 4 GB": (lying(PLUGIN, size=0xFFFFFFF0), Rule.FILE_TOO_LARGE, PLUGIN),
    "archive over the limit": (lambda: bytes(64 * 1024 * 1024 + 1), Rule.TOO_LARGE, ""),
    # kinds of entries
    "symbolic link": (entry(f"{PACKAGE}/link", mode=stat.S_IFLNK | 0o777), Rule.LINK, f"{PACKAGE}/link"),
    "device": (entry(f"{PACKAGE}/null", mode=stat.S_IFCHR | 0o666), Rule.KIND, f"{PACKAGE}/null"),
    "named pipe": (entry(f"{PACKAGE}/pipe", mode=stat.S_IFIFO | 0o666), Rule.KIND, f"{PACKAGE}/pipe"),
    "folder": (entry(f"{PACKAGE}/folder/", mode=stat.S_IFDIR | 0o755), Rule.KIND, f"{PACKAGE}/folder/"),
    "setuid": (entry(f"{PACKAGE}/su", mode=stat.S_IFREG | 0o4755), Rule.KIND, f"{PACKAGE}/su"),
    # names
    "parent folder": (entry("acme_colours/../../etc/cron.d/x"), Rule.PATH, "acme_colours/../../etc/cron.d/x"),
    "absolute path": (entry("/etc/passwd"), Rule.PATH, "/etc/passwd"),
    "backslash": (entry("acme_colours\\..\\x.py"), Rule.PATH, "acme_colours\\..\\x.py"),
    "drive": (entry("C:/windows/x.py"), Rule.PATH, "C:/windows/x.py"),
    "stream of a file": (entry(f"{PACKAGE}/x.py:hidden"), Rule.NAME, f"{PACKAGE}/x.py:hidden"),
    "control character": (entry(f"{PACKAGE}/a\x07.py"), Rule.NAME, f"{PACKAGE}/a\x07.py"),
    "line end in a name": (entry(f"{PACKAGE}/a\n.py"), Rule.NAME, f"{PACKAGE}/a\n.py"),
    "NUL in a name": (entry(f"{PACKAGE}/a\0.py"), Rule.NAME, f"{PACKAGE}/a\0.py"),
    "writing from right to left": (entry(f"{PACKAGE}/\u202eyp.x"), Rule.NAME, f"{PACKAGE}/\u202eyp.x"),
    "name that is no UTF-8": (
        lambda: plus([Item(b"acme_colours/\xff.py", EVIL)]), Rule.NAME, "acme_colours/\\xff.py",
    ),
    "empty part of a path": (entry(f"{PACKAGE}//x.py"), Rule.NAME, f"{PACKAGE}//x.py"),
    "dot part of a path": (entry(f"{PACKAGE}/./x.py"), Rule.NAME, f"{PACKAGE}/./x.py"),
    "trailing dot": (entry(f"{PACKAGE}/x.py."), Rule.NAME, f"{PACKAGE}/x.py."),
    "device of Windows": (entry(f"{PACKAGE}/nul.py"), Rule.NAME, f"{PACKAGE}/nul.py"),
    "long name": (entry(f"{PACKAGE}/" + "x" * 300), Rule.NAME, f"{PACKAGE}/" + "x" * 67),
    "deep name": (entry(f"{PACKAGE}/" + "x/" * 30 + "x"), Rule.NAME, f"{PACKAGE}/" + "x/" * 30 + "x"),
    "decomposed letters": (entry(f"{PACKAGE}/u\u0308.py"), Rule.NAME, f"{PACKAGE}/u\u0308.py"),
    "the same name twice": (
        lambda: Archive((*GOOD, Item(PLUGIN.encode(), EVIL))).build(), Rule.DUPLICATE, PLUGIN,
    ),
    "file and folder of one name": (entry(f"{PLUGIN}/x"), Rule.DUPLICATE, PLUGIN),
    "names that differ in case": (entry(f"{PACKAGE}/Plugin.py"), Rule.CASE, f"{PACKAGE}/Plugin.py"),
    "folders that differ in case": (entry("Acme_Colours/x.py"), Rule.CASE, "Acme_Colours/x.py"),
    # files that take over the host
    "its own django": (added("django/__init__.py"), Rule.OUTSIDE, "django/__init__.py"),
    "module beside the package": (added("acme_colours.py"), Rule.OUTSIDE, "acme_colours.py"),
    "pth": (added("evil.pth", b"import os"), Rule.STARTUP, "evil.pth"),
    "pth in the package": (added(f"{PACKAGE}/evil.pth", b"import os"), Rule.STARTUP, f"{PACKAGE}/evil.pth"),
    "sitecustomize": (added("sitecustomize.py"), Rule.STARTUP, "sitecustomize.py"),
    "usercustomize": (added(f"{PACKAGE}/usercustomize.py"), Rule.STARTUP, f"{PACKAGE}/usercustomize.py"),
    "data tree": (
        added("acme_colours-1.0.0.data/data/etc/x"), Rule.DATA_TREE, "acme_colours-1.0.0.data",
    ),
    "scripts tree": (
        added("acme_colours-1.0.0.data/scripts/python"), Rule.DATA_TREE, "acme_colours-1.0.0.data",
    ),
    "console script": (
        said("entry_points.txt", "[console_scripts]\npython = acme_colours.plugin:main\n"), Rule.SCRIPT,
        "entry_points.txt",
    ),
    "bytecode": (added(f"{PACKAGE}/x.pyc"), Rule.BYTECODE, f"{PACKAGE}/x.pyc"),
    "cache of bytecode": (
        added(f"{PACKAGE}/__pycache__/x.txt"), Rule.BYTECODE, f"{PACKAGE}/__pycache__/x.txt",
    ),
    "compiled extension": (added(f"{PACKAGE}/fast.so"), Rule.COMPILED, f"{PACKAGE}/fast.so"),
    "compiled code of another name": (
        added(f"{PACKAGE}/logo.png", b"\x7fELF\x02\x01"), Rule.COMPILED, f"{PACKAGE}/logo.png",
    ),
    "program for Windows": (added(f"{PACKAGE}/logo.png", b"MZ\x90\0"), Rule.COMPILED, f"{PACKAGE}/logo.png"),
    "second dist-info": (added("django-9.dist-info/METADATA"), Rule.DIST_INFO, ""),
    "no dist-info": (lambda: Archive(items_of({PLUGIN: CODE})).build(), Rule.DIST_INFO, ""),
    "stranger in dist-info": (
        added(f"{DIST_INFO}/direct_url.json"), Rule.DIST_INFO, f"{DIST_INFO}/direct_url.json",
    ),
    # RECORD
    "no RECORD": (lambda: Archive(items_of(files())).build(), Rule.RECORD_MISSING, f"{DIST_INFO}/RECORD"),
    "unlisted file": (unlisted, Rule.RECORD_UNLISTED, f"{PACKAGE}/hidden.py"),
    "listed file that is not there": (
        recorded(lambda raw: raw + b"acme_colours/x.py,sha256=AAAA,3\n"), Rule.RECORD_ABSENT, "acme_colours/x.py",
    ),
    "wrong hash": (recorded(lambda raw: raw.replace(b"sha256=", b"sha256=A", 1)), Rule.RECORD_HASH, INIT),
    "weak hash": (recorded(lambda raw: raw.replace(b"sha256=", b"md5=", 1)), Rule.RECORD, INIT),
    "wrong length": (recorded(lambda raw: raw.replace(b",0\n", b",7\n", 1)), Rule.RECORD_HASH, INIT),
    "file listed twice": (recorded(lambda raw: raw + raw.splitlines(keepends=True)[0]), Rule.RECORD, INIT),
    "line of two fields": (recorded(lambda raw: raw + b"x,y\n"), Rule.RECORD, ""),
    "RECORD that is no text": (recorded(lambda raw: b"\xff" + raw), Rule.RECORD, ""),
    "RECORD with its own hash": (recorded(lambda raw: raw.replace(b"RECORD,,", b"RECORD,x,3")), Rule.RECORD, RECORD),
    # papers
    "no METADATA": (without(f"{DIST_INFO}/METADATA"), Rule.METADATA, f"{DIST_INFO}/METADATA"),
    "METADATA of another name": (said("METADATA", metadata("acme-other")), Rule.DIST_INFO, DIST_INFO),
    "METADATA of another version": (said("METADATA", metadata(version="2")), Rule.VERSION, DIST_INFO),
    "METADATA without a version": (said("METADATA", "Metadata-Version: 2.1\nName: x\n\n"), Rule.METADATA, "METADATA"),
    "METADATA that is no text": (lambda: wheel({f"{DIST_INFO}/METADATA": b"\xff\xfe"}), Rule.METADATA, "METADATA"),
    "METADATA of two megabytes": (said("METADATA", metadata() + "x " * 2**20), Rule.RATIO, ""),
    "package from an address": (
        said("METADATA", metadata(more="Requires-Dist: evil @ https://example.com/evil.whl\n")), Rule.REQUIREMENT,
        "METADATA",
    ),
    "no WHEEL": (without(f"{DIST_INFO}/WHEEL"), Rule.WHEEL, f"{DIST_INFO}/WHEEL"),
    "WHEEL of another kind": (said("WHEEL", "Wheel-Version: 7.0\n"), Rule.WHEEL, "WHEEL"),
    "not of pure Python": (said("WHEEL", wheel_file(pure="false")), Rule.WHEEL, "WHEEL"),
    "wheel of a platform": (said("WHEEL", wheel_file("cp311-cp311-linux_x86_64")), Rule.TAGS, "WHEEL"),
    "wheel of Python 2": (said("WHEEL", wheel_file("cp27-none-any")), Rule.TAGS, "WHEEL"),
    "wheel of no tag": (said("WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"), Rule.TAGS, "WHEEL"),
    "wheel of a broken tag": (said("WHEEL", wheel_file("py3")), Rule.TAGS, "WHEEL"),
    "tags that differ from the file's name": (said("WHEEL", wheel_file("py31-none-any")), Rule.TAGS, "WHEEL"),
    "no entry point": (
        without(f"{DIST_INFO}/entry_points.txt"), Rule.ENTRY_POINTS, f"{DIST_INFO}/entry_points.txt",
    ),
    "two entry points": (
        said("entry_points.txt", "[gridkit.plugins]\na = acme_colours.plugin:ColoursPlugin\nb = x:y\n"),
        Rule.ENTRY_POINTS, "entry_points.txt",
    ),
    "entry point of others": (
        said("entry_points.txt", "[gridkit.plugins]\na = acme_colours.plugin:ColoursPlugin\n[pytest11]\na = b\n"),
        Rule.ENTRY_POINTS, "entry_points.txt",
    ),
    "entry point hidden in the defaults": (
        said("entry_points.txt", "[DEFAULT]\na = b\n[gridkit.plugins]\n"), Rule.ENTRY_POINTS, "entry_points.txt",
    ),
    "entry point elsewhere": (
        said("entry_points.txt", "[gridkit.plugins]\na = os:system\n"), Rule.ENTRY_POINTS,
        f"{DIST_INFO}/entry_points.txt",
    ),
    "entry points that are no text": (
        lambda: wheel({f"{DIST_INFO}/entry_points.txt": b"\xff"}), Rule.ENTRY_POINTS, "entry_points.txt",
    ),
    "entry module that is not there": (
        without(PLUGIN), Rule.ENTRY_POINTS, f"{DIST_INFO}/entry_points.txt",
    ),
    # the plugin's own
    "no manifest": (without(f"{PACKAGE}/plugin.toml"), Rule.MANIFEST, "plugin.toml"),
    "wrong manifest": (
        added(f"{PACKAGE}/plugin.toml", b"verified = true\n"), Rule.MANIFEST, "plugin.toml",
    ),
    "manifest of another plugin": (
        added(f"{PACKAGE}/plugin.toml", MANIFEST.replace("@acme/colours", "@gridkit/plugin-export").encode()),
        Rule.IDENTITY, "",
    ),
    "manifest without a publisher": (
        added(f"{PACKAGE}/plugin.toml", MANIFEST.replace("@acme/colours", "acme-colours").encode()), Rule.IDENTITY, "",
    ),
    "manifest of another version": (
        added(f"{PACKAGE}/plugin.toml", MANIFEST.replace('"1.0.0"', '"99.0"').encode()), Rule.VERSION, "plugin.toml",
    ),
    "no config schema": (without(f"{PACKAGE}/config_schema.json"), Rule.SCHEMA, "config_schema.json"),
    "config schema that is no JSON": (
        added(f"{PACKAGE}/config_schema.json", b"{"), Rule.SCHEMA, "config_schema.json",
    ),
    "config schema that is no schema": (
        added(f"{PACKAGE}/config_schema.json", b'{"type": "banana"}'), Rule.SCHEMA, "config_schema.json",
    ),
    "config schema from elsewhere": (
        added(f"{PACKAGE}/config_schema.json", b'{"properties": {"a": {"$ref": "https://example.com/x.json"}}}'),
        Rule.SCHEMA, "config_schema.json",
    ),
    "token": (added(f"{PACKAGE}/x.py", b"\n\nKEY = '" + TOKEN + b"'\n"), Rule.SECRET, f"{PACKAGE}/x.py"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_package_is_refused_by_its_own_rule_which_names_the_entry(name: str) -> None:
    build, rule, entry_name = HOSTILE[name]

    with pytest.raises(PackageRefusedError) as caught:
        inspect_package(build(), filename=FILENAME)
    assert (caught.value.code, caught.value.entry) == (rule.value, entry_name), caught.value.detail
    assert caught.value.extra["rule"] == rule.value
    assert len(caught.value.detail) < 700


@pytest.mark.parametrize(
    ("filename", "rule"),
    [
        ("colours.zip", Rule.FILENAME),
        ("acme_other-1.0.0-py3-none-any.whl", Rule.FILENAME),
        ("acme_colours-1.0.1-py3-none-any.whl", Rule.VERSION),
        ("acme_colours-1.0.0-1-py3-none-any.whl", Rule.FILENAME),
        ("../acme_colours-1.0.0-py3-none-any.whl", Rule.FILENAME),
    ],
)
def test_file_of_another_name_than_its_content_is_refused(filename: str, rule: Rule) -> None:
    with pytest.raises(PackageRefusedError) as caught:
        inspect_package(wheel(), filename=filename)
    assert caught.value.code == rule.value


def test_compiled_code_is_taken_where_the_site_runs_its_platform() -> None:
    tag = "manylinux_2_28_x86_64"
    content = wheel({
        f"{PACKAGE}/fast.so": b"\x7fELF",
        f"{DIST_INFO}/WHEEL": wheel_file(f"cp311-cp311-{tag}", pure="false").encode(),
    })  # fmt: skip

    package = inspect_package(content, policy=GatePolicy(tags=frozenset({tag})))
    assert "fast.so" in package.files
    with pytest.raises(PackageRefusedError):
        inspect_package(content)


def test_platforms_of_the_setting_are_those_that_the_site_runs(settings: Any) -> None:
    assert policy_of_site() == STANDARD
    settings.GRIDKIT = {"PACKAGE_PLATFORM_TAGS": ["manylinux_2_28_x86_64"]}

    assert policy_of_site().tags == {"manylinux_2_28_x86_64"}
    assert policy_of_site().entries == STANDARD.entries


def test_every_rule_has_a_hostile_package() -> None:
    met = {rule for _, rule, _ in HOSTILE.values()} | {Rule.FILENAME}

    assert set(Rule) - met == set()


@pytest.mark.parametrize("mark", [b"PK\x07\x08", b""])
def test_data_descriptor_that_says_the_truth_is_taken(mark: bytes) -> None:
    content = changed(PLUGIN, flags=8, local_size=0, local_crc=0, descriptor=descriptor(CODE, mark=mark))

    with pytest.raises(PackageRefusedError) as caught:
        inspect_package(content)
    assert caught.value.code == Rule.HEADERS.value, "the stored length in front must be left out too"
    blank = changed(PLUGIN, flags=8, local_size=0, local_crc=0, local_stored=0, descriptor=descriptor(CODE, mark=mark))
    assert inspect_package(blank).files["plugin.py"] == CODE

"""What changed between two releases, for the person who reviews: files, imports, permissions, and the text itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff

from gridkit_django.exceptions import GridKitError
from gridkit_django.marketplace.packaging import inspect_package, policy_of_site
from gridkit_django.marketplace.shelf.storing import read
from gridkit_django.models import Release

LINES_MAX = 3000
"""Lines of text differences that are shown, of all files together."""
_FILE_BYTES_MAX = 200_000


@dataclass(frozen=True, slots=True)
class Change:
    """Something that came or went.

    Attributes:
        name: what.
        kind: ``added``, ``removed`` or ``changed``.
    """

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class FileText:
    """The difference of one file, line by line.

    Attributes:
        name: of the file.
        lines: kind (``added``, ``removed``, ``same``, ``place``) and text of each line.
    """

    name: str
    lines: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ReleaseDiff:
    """What changed.

    Attributes:
        before: the version that it is compared with; empty when there is none.
        permissions: that are asked for anew, or no more.
        imports: modules that are imported anew, or no more.
        files: that came, went or changed.
        texts: the differences, as many as fit.
        cut: whether there are more than fit, or some could not be read.
    """

    before: str
    permissions: Sequence[Change]
    imports: Sequence[Change]
    files: Sequence[Change]
    texts: Sequence[FileText]
    cut: bool


def release_diff(release: Release, before: Release | None) -> ReleaseDiff:
    """Return what changed since another release; without one everything is new.

    Args:
        release: the one under review.
        before: what it is compared with.
    """
    files = _changed_files(before.file_digests if before else {}, release.file_digests)
    texts, cut = _texts(release, before, files)
    return ReleaseDiff(
        before=before.version if before else "",
        permissions=_sets(before.permissions if before else (), release.permissions),
        imports=_sets(before.imports if before else (), release.imports),
        files=files,
        texts=texts,
        cut=cut,
    )


def _sets(before: Sequence[str], after: Sequence[str]) -> list[Change]:
    added = [Change(name, "added") for name in sorted(set(after) - set(before))]
    return added + [Change(name, "removed") for name in sorted(set(before) - set(after))]


def _changed_files(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    changed = [Change(name, "changed") for name in before.keys() & after.keys() if before[name] != after[name]]
    return sorted([*_sets(list(before), list(after)), *changed], key=lambda change: change.name)


def _texts(release: Release, before: Release | None, files: Sequence[Change]) -> tuple[list[FileText], bool]:
    new, old = _files_of(release), _files_of(before)
    if new is None or old is None:
        return [], True
    found: list[FileText] = []
    room, cut = LINES_MAX, False
    for change in files:
        lines = _lines(old.get(change.name, b""), new.get(change.name, b""))
        if lines is None:
            continue
        cut = cut or len(lines) > room
        if room and lines:
            found.append(FileText(change.name, lines[:room]))
        room = max(room - len(lines), 0)
    return found, cut


def _files_of(release: Release | None) -> Mapping[str, bytes] | None:
    """Return the files of a release; None when they can't be read or the gate does not let them through any more."""
    if release is None:
        return {}
    try:
        content = read(release.file.stored_as)
        return inspect_package(content, filename=release.file.filename, policy=policy_of_site()).files
    except GridKitError:
        return None


def _lines(old: bytes, new: bytes) -> list[tuple[str, str]] | None:
    """Return the difference of two texts; None when one is no text, or too long to compare."""
    if max(len(old), len(new)) > _FILE_BYTES_MAX or b"\0" in old or b"\0" in new:
        return None
    try:
        before, after = old.decode().splitlines(), new.decode().splitlines()
    except UnicodeDecodeError:
        return None
    return list(_marked(before, after))


def _marked(before: list[str], after: list[str]) -> Iterator[tuple[str, str]]:
    kinds = {"+": "added", "-": "removed", "@": "place"}
    for number, line in enumerate(unified_diff(before, after, lineterm="", n=3)):
        if number > 1:  # the first two name the files
            yield kinds.get(line[:1], "same"), line[:500]

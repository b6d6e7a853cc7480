"""The folder ``market`` of a plugin's repository: what its page in a marketplace shows beside the package."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gridkit_django.exceptions import PackageBuildError, PublishRefusedError
from gridkit_django.marketplace.author.asking import ask
from gridkit_django.marketplace.trust import HttpPlace

FOLDER = "market"
FILE = "front.toml"
SCREENSHOTS = "screenshots"
_KEYS = ("demo", "documentation", "pricing_text", "pricing_page", "license_page")
_CAPTIONS = "captions"
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_BYTES_MAX = 5_000_000


@dataclass(frozen=True, slots=True)
class LocalPicture:
    """A picture in the folder.

    Attributes:
        path: its file.
        content: what is in it.
        caption: what it shows.
    """

    path: Path
    content: bytes = field(repr=False)
    caption: str = ""

    @property
    def source(self) -> str:
        """The SHA-256 of the file."""
        return hashlib.sha256(self.content).hexdigest()

    def fields(self) -> dict[str, Any]:
        """Return the parts of an upload."""
        texts = {"caption": self.caption} if self.caption else {}
        return {"picture": (self.path.name, self.content, "application/octet-stream"), **texts}


@dataclass(frozen=True, slots=True)
class LocalFront:
    """What the folder says.

    Attributes:
        told: addresses and texts by their names; what is not there stays as it is in the marketplace.
        icon: None when there is none; then that of the marketplace stays.
        screenshots: in their order; None when there is no folder of them; then those of the marketplace stay.
    """

    told: Mapping[str, str]
    icon: LocalPicture | None
    screenshots: Sequence[LocalPicture] | None


def read_front(repository: Path) -> LocalFront | None:
    """Return what a plugin's repository says, None when it has no folder ``market``.

    Raises:
        PackageBuildError: when ``front.toml`` is broken, or says what nobody knows; or a picture is too large.
    """
    folder = repository / FOLDER
    if not folder.is_dir():
        return None
    told = _told(folder / FILE)
    captions = told.pop(_CAPTIONS, {})
    icons = [path for path in _pictures_in(folder) if path.stem == "icon"]
    shots = folder / SCREENSHOTS
    found = _pictures_in(shots) if shots.is_dir() else None
    names = [path.name for path in found or ()]
    if not isinstance(captions, dict) or not set(captions) <= set(names):
        raise PackageBuildError(f"{folder / FILE} has captions of pictures that are not in {SCREENSHOTS}: {captions}.")
    return LocalFront(
        told=told,
        icon=_picture(icons[0]) if icons else None,
        screenshots=None if found is None else [_picture(path, str(captions.get(path.name, ""))) for path in found],
    )


def send_front(place: HttpPlace, plugin_id: str, front: LocalFront) -> Iterator[str]:
    """Make a plugin's page in a marketplace as the folder says, and yield what was done. The same again does nothing.

    Args:
        place: the marketplace, with a token that has the scope ``front``.
        plugin_id: which plugin; a release of it was uploaded before.
        front: what the folder says.

    Raises:
        PublishRefusedError: when the marketplace says no.
        TrustUnreachableError: when it does not answer.
    """
    address = f"api/v1/plugins/{quote(plugin_id, safe='@/')}/front/"
    there = ask(place, "GET", address)
    told = {name: value for name, value in front.told.items() if there.get(name) != value}
    if told:
        ask(place, "PATCH", address, body=told)
        yield f"changed {', '.join(sorted(told))}"
    icon = there.get("icon")
    if front.icon is not None and front.icon.source != (icon.get("source") if isinstance(icon, dict) else None):
        ask(place, "PUT", f"{address}icon/", fields=front.icon.fields())
        yield "icon sent"
    if front.screenshots is not None:
        yield from _send_screenshots(place, f"{address}screenshots/", front.screenshots, _shots(there))


def _send_screenshots(
    place: HttpPlace, address: str, wanted: Sequence[LocalPicture], there: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    sources = {picture.source for picture in wanted}
    for shot in there:
        if shot.get("source") not in sources:
            ask(place, "DELETE", f"{address}{quote(str(shot.get('sha256')))}/")
            yield f"screenshot {shot.get('caption') or str(shot.get('sha256'))[:12]} removed"
    known = {shot.get("source"): shot for shot in there if shot.get("source") in sources}
    now = list(known.values())
    for picture in wanted:
        if picture.source not in known or known[picture.source].get("caption", "") != picture.caption:
            now = _shots(ask(place, "POST", address, fields=picture.fields()))
            yield f"screenshot {picture.path.name} sent"
    names = {shot.get("source"): str(shot.get("sha256")) for shot in now}
    order = list(dict.fromkeys(names[picture.source] for picture in wanted if picture.source in names))
    if order != [str(shot.get("sha256")) for shot in now]:
        ask(place, "PUT", address, body={"order": order})
        yield "screenshots put in order"


def _shots(front: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = front.get("screenshots")
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise PublishRefusedError("The marketplace's answer is no front of a plugin. Is it older than this command?")
    return found


def _told(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PackageBuildError(f"{path} is no valid TOML: {error}.") from error
    unknown = sorted(set(found) - {*_KEYS, _CAPTIONS})
    if unknown or not all(isinstance(found[name], str) for name in _KEYS if name in found):
        raise PackageBuildError(f"{path} may have these texts: {', '.join(_KEYS)}; and the table [{_CAPTIONS}].")
    return found


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in _SUFFIXES)


def _picture(path: Path, caption: str = "") -> LocalPicture:
    size = path.stat().st_size
    if size > _BYTES_MAX:
        raise PackageBuildError(f"{path} has {size} bytes; {_BYTES_MAX} is the most.")
    return LocalPicture(path, path.read_bytes(), caption)

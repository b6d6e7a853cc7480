"""Names inside an archive: such that every system makes the same file of them, inside the folder and nowhere else."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from gridkit_django.marketplace.packaging.rules import Rule, refuse

NAME_MAX = 240
DEPTH_MAX = 20
_FORBIDDEN = frozenset('\\:<>"|?*')
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{kind}{number}" for kind in ("com", "lpt") for number in "0123456789¹²³"}
)


def check_paths(names: Iterable[str]) -> None:
    """Refuse names that lead elsewhere, that some system can't write, or two that it takes for one.

    Raises:
        PackageRefusedError: names the first one.
    """
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        _check_path(name)
        key = _folded(name)
        if key in seen:
            rule = Rule.DUPLICATE if seen[key] == name else Rule.CASE
            refuse(rule, f"{name!r} stands twice in the package (also as {seen[key]!r}).", name)
        seen[key] = name
        for folder in _folders(name):
            if folders.setdefault(_folded(folder), folder) != folder:
                refuse(Rule.CASE, f"{name!r} and another file spell one folder in two ways.", name)
    for key in seen.keys() & folders.keys():
        refuse(Rule.DUPLICATE, f"{seen[key]!r} is a file and a folder.", seen[key])


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _folders(name: str) -> Iterable[str]:
    parts = name.split("/")
    return ("/".join(parts[:depth]) for depth in range(1, len(parts)))


def _check_path(name: str) -> None:
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or "\\" in name or name[1:2] == ":":
        refuse(Rule.PATH, f"{name!r} leads out of the package's folder.", name)
    if len(name.encode("utf-8", "surrogatepass")) > NAME_MAX or len(parts) > DEPTH_MAX:
        refuse(Rule.NAME, f"A name has more than {NAME_MAX} bytes or {DEPTH_MAX} levels: {name[:80]!r}….", name[:80])
    if not name.isprintable() or _FORBIDDEN & set(name) or unicodedata.normalize("NFC", name) != name:
        refuse(Rule.NAME, f"{name!r} holds a character that is not safe in a file's name.", name)
    for part in parts:
        if part in ("", ".") or part[-1] in ". " or part[0] == " " or part.partition(".")[0].casefold() in _DEVICES:
            refuse(Rule.NAME, f"{name!r} has a part that some systems can't write or write elsewhere.", name)

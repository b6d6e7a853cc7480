"""Which files a package may hold: its one import package and its dist-info, and nothing that runs by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gridkit_django.marketplace.packaging.rules import GatePolicy, Rule, refuse

DIST_INFO = ".dist-info"
_ALLOWED = frozenset({"METADATA", "WHEEL", "RECORD", "entry_points.txt", "top_level.txt"})
_LICENCES = re.compile(r"(licenses/.+|sboms/.+|(LICEN[SC]E|COPYING|NOTICE|AUTHORS)[\w.-]*)")
_COMPILED = re.compile(r".+\.(so(\.[\d.]+)?|pyd|dll|dylib|exe|o|a|lib|com|bat|cmd|msi|jar|class|wasm)", re.IGNORECASE)
_STARTUP = frozenset({"sitecustomize.py", "usercustomize.py"})
_MAGIC = (
    b"\x7fELF",
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\xfe\xed\xfa\xcf",
    b"\xfe\xed\xfa\xce",
)


def dist_info_of(names: Mapping[str, object]) -> str:
    """Return the name of the one dist-info folder.

    Raises:
        PackageRefusedError: when there is none, or more than one, or a tree of data or scripts.
    """
    tops = sorted({name.partition("/")[0] for name in names if "/" in name})
    for top in tops:
        if top.endswith(".data"):
            refuse(
                Rule.DATA_TREE, f"{top!r} would be spread over the host. A plugin keeps its data in its package.", top
            )
    found = [top for top in tops if top.endswith(DIST_INFO)]
    if len(found) != 1:
        refuse(Rule.DIST_INFO, f"A package has one dist-info folder; this one has {len(found)}.")
    return found[0]


def check_places(names: Mapping[str, object], package: str, dist_info: str) -> None:
    """Refuse what Python or a system runs by itself, and all that lies outside the package and its dist-info.

    Raises:
        PackageRefusedError: names the file.
    """
    for name in names:
        _check_nature(name)
        top, slash, rest = name.partition("/")
        if top == dist_info and slash:
            if rest not in _ALLOWED and not _LICENCES.fullmatch(rest):
                refuse(Rule.DIST_INFO, f"{name!r} has no place in a plugin's dist-info.", name)
        elif top != package or not slash:
            refuse(Rule.OUTSIDE, f"{name!r} lies outside {package}/, the one package that this plugin may bring.", name)


def _check_nature(name: str) -> None:
    last = name.rpartition("/")[2].casefold()
    if last.endswith(".pth") or last in _STARTUP:
        refuse(Rule.STARTUP, f"Python would run {name!r} at its start, in every process of the host.", name)
    if "__pycache__" in name.split("/") or last.endswith((".pyc", ".pyo")):
        refuse(Rule.BYTECODE, f"{name!r} is bytecode, which nobody can review. Only sources belong in a package.", name)


def check_compiled(files: Mapping[str, bytes], policy: GatePolicy, tags: frozenset[str]) -> None:
    """Refuse compiled code, unless the site runs that of the wheel's platform.

    Args:
        files: the files of the package.
        policy: says whose compiled code the site runs.
        tags: the platform tags of the wheel.

    Raises:
        PackageRefusedError: names the file.
    """
    if tags & policy.tags:
        return
    for name, content in files.items():
        if _COMPILED.fullmatch(name) or content.startswith(_MAGIC) or (content[:2] == b"MZ" and b"\0" in content[:64]):
            refuse(Rule.COMPILED, f"{name!r} is compiled code, which this site does not take from plugins.", name)

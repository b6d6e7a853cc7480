"""Version ranges in the two forms that manifests use: PEP 440 (``>=1.2,<2``) and npm's caret and tilde (``^1.2``)."""

from __future__ import annotations

import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

_NPM = re.compile(r"([\^~])\s*v?(\d+)(?:\.(\d+))?(?:\.(\d+))?")
_BARE = re.compile(r"v?\d+(\.\d+)*")


def parse_range(text: str) -> SpecifierSet:
    """Return the versions that ``text`` admits.

    Args:
        text: a PEP 440 specifier set, ``^1.2.3`` or ``~1.2.3`` (npm's rules, also below 1.0), one exact version,
            or ``*`` for every version.

    Raises:
        ValueError: when the text is none of these.
    """
    text = text.strip()
    if text == "*":
        return SpecifierSet()
    npm = _NPM.fullmatch(text)
    if npm:
        return _npm_range(npm[1], [int(part) for part in npm.groups()[1:] if part is not None])
    if _BARE.fullmatch(text):
        return SpecifierSet(f"=={text.removeprefix('v')}")
    return _pep440_range(text)


def _pep440_range(text: str) -> SpecifierSet:
    try:
        specifiers = SpecifierSet(text)
    except InvalidSpecifier as error:
        raise ValueError(f"{text!r} is no version range; write it like '>=1.2,<2', '^1.2' or '~1.2.3'") from error
    if not len(specifiers):
        raise ValueError("a version range can't be empty; write '*' for every version")
    return specifiers


def _npm_range(mark: str, parts: list[int]) -> SpecifierSet:
    """Caret keeps the leftmost number that is not zero; tilde keeps the minor number where one is given."""
    full = [*parts, 0, 0][:3]
    if mark == "~":
        keep = 1 if len(parts) > 1 else 0
    else:
        keep = next((place for place, number in enumerate(parts) if number), len(parts) - 1)
    above = [*full[:keep], full[keep] + 1]
    return SpecifierSet(f">={'.'.join(map(str, full))},<{'.'.join(map(str, above))}.dev0")


def admits(range_text: str, version: str) -> bool:
    """Whether ``version`` lies in the range. Pre-releases count: a site that runs one means it.

    Raises:
        ValueError: when the range or the version can't be understood.
    """
    try:
        number = Version(version)
    except InvalidVersion as error:
        raise ValueError(f"{version!r} is no version number (PEP 440)") from error
    return parse_range(range_text).contains(number, prereleases=True)

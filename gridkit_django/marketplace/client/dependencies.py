"""What a plugin needs beside it: looked for among what this host has installed. Nothing is ever installed for it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from packaging.requirements import InvalidRequirement, Requirement

from gridkit_django.exceptions import DependencyUnmetError


def unmet(requirements: Iterable[str]) -> tuple[str, ...]:
    """Return one sentence for each requirement that this host does not meet.

    Args:
        requirements: as core metadata writes them.
    """
    return tuple(text for item in requirements if (text := _fault(item)))


def check_dependencies(requirements: Iterable[str], what: str) -> None:
    """Refuse a plugin whose requirements this host does not meet.

    Args:
        requirements: as core metadata writes them.
        what: names the plugin in the error.

    Raises:
        DependencyUnmetError: says what is missing, and which version there is.
    """
    found = unmet(requirements)
    if found:
        raise DependencyUnmetError(
            f"{what} can't run here: {'; '.join(found)}. Install that on every host of the site, then try again: "
            "plugins never change what the site itself runs on.",
            extra={"unmet": list(found)},
        )


def _fault(text: str) -> str:
    try:
        need = Requirement(text)
    except InvalidRequirement:
        return f"{text[:200]!r} is no requirement"
    if need.marker is not None and not need.marker.evaluate({"extra": ""}):
        return ""
    if need.url is not None:
        return f"it wants {need.name} from an address of its own, which is not allowed"
    wanted = f"{need.name}{need.specifier}"
    try:
        found = version(need.name)
    except PackageNotFoundError:
        return f"it needs {wanted}, which is not installed"
    return "" if need.specifier.contains(found, prereleases=True) else f"it needs {wanted}, and {found} is installed"

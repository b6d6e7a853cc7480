"""What a plugin's repository says about its package: ``pyproject.toml``, readme, changelog and licence."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from gridkit_django.exceptions import PackageBuildError
from gridkit_django.marketplace.packaging.distinfo import ENTRY_POINT_GROUP
from gridkit_django.marketplace.packaging.gate import CHANGELOG_NAME
from gridkit_django.marketplace.packaging.identity import distribution_of, import_package_of
from gridkit_django.plugins.metadata import MANIFEST_NAME, PluginMetadata

METADATA_VERSION = "2.1"
_TEXT_BYTES_MAX = 256 * 1024


@dataclass(frozen=True)
class Project:
    """A plugin's repository, or its folder alone.

    Attributes:
        plugin: the folder that holds ``plugin.toml``.
        root: the repository; the same folder where there is none.
        declared: the table ``project`` of ``pyproject.toml``.
    """

    plugin: Path
    root: Path
    declared: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def find(cls, folder: Path) -> Project:
        """Find the plugin in a folder: there, or one or two levels below.

        Raises:
            PackageBuildError: when there is none, or more than one, or ``pyproject.toml`` is broken.
        """
        if (folder / MANIFEST_NAME).is_file():
            return cls(folder, folder, _declared(folder))
        found = sorted({*folder.glob(f"*/{MANIFEST_NAME}"), *folder.glob(f"src/*/{MANIFEST_NAME}")})
        found = [path for path in found if not path.parent.name.startswith(".")]
        if len(found) != 1:
            raise PackageBuildError(
                f"{folder} holds {len(found)} plugins; one was expected: a folder with {MANIFEST_NAME}, in it or below."
            )
        return cls(found[0].parent, folder, _declared(folder))

    def check(self, manifest: PluginMetadata) -> None:
        """Refuse a ``pyproject.toml`` that speaks of another package than the manifest.

        Raises:
            PackageBuildError: says what differs.
        """
        name, version = self.declared.get("name"), self.declared.get("version")
        distribution = distribution_of(manifest.id)
        if name is not None and canonicalize_name(str(name)) != distribution:
            raise PackageBuildError(f"pyproject.toml names the project {name!r}; {manifest.id} is {distribution}.")
        try:
            same = version is None or Version(str(version)) == Version(manifest.version)
        except InvalidVersion as error:
            raise PackageBuildError(f"pyproject.toml has the version {version!r}, which is none.") from error
        if not same:
            raise PackageBuildError(f"pyproject.toml has version {version}, {MANIFEST_NAME} {manifest.version}.")

    def metadata(self, manifest: PluginMetadata) -> bytes:
        """Return METADATA."""
        readme = self.text(str(self.declared.get("readme") or "README.md"))
        urls = {"Homepage": manifest.homepage, "Repository": manifest.repository}
        lines = [
            ("Metadata-Version", METADATA_VERSION),
            ("Name", distribution_of(manifest.id)),
            ("Version", manifest.version),
            ("Summary", manifest.description),
            ("Author", manifest.author),
            ("License", manifest.license),
            ("Keywords", ",".join(manifest.tags)),
            *(("Project-URL", f"{label}, {url}") for label, url in urls.items() if url),
            ("Requires-Python", str(self.declared.get("requires-python") or "")),
            *(("Requires-Dist", str(item)) for item in self.declared.get("dependencies") or ()),
            ("Description-Content-Type", "text/markdown"),
        ]
        head = "".join(f"{name}: {' '.join(value.split())}\n" for name, value in lines if value)
        return f"{head}\n{readme}".encode()

    def text(self, name: str) -> str:
        """Return a text of the repository, empty when there is none.

        Raises:
            PackageBuildError: when it is too large or no UTF-8.
        """
        path = self.root / name
        if not path.is_file():
            return ""
        raw = path.read_bytes()
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise PackageBuildError(f"{name} is no text in UTF-8.") from error
        if len(raw) > _TEXT_BYTES_MAX:
            raise PackageBuildError(f"{name} has {len(raw)} bytes; {_TEXT_BYTES_MAX} is the most.")
        return text.replace("\r\n", "\n")

    def extra_files(self) -> dict[str, bytes]:
        """Return what the repository adds to the import package: the changelog."""
        text = self.text(CHANGELOG_NAME)
        return {CHANGELOG_NAME: text.encode()} if text else {}

    def licences(self) -> dict[str, bytes]:
        """Return the texts of the licence, by the name of their file."""
        found = [path for pattern in ("LICEN[SC]E*", "COPYING*", "NOTICE*") for path in self.root.glob(pattern)]
        return {f"licenses/{path.name}": path.read_bytes() for path in sorted(found) if path.is_file()}


def entry_points(manifest: PluginMetadata) -> bytes:
    """Return ``entry_points.txt``."""
    name = manifest.id.rpartition("/")[2]
    return f"[{ENTRY_POINT_GROUP}]\n{name} = {import_package_of(manifest.id)}.{manifest.entry}\n".encode()


def _declared(folder: Path) -> Mapping[str, Any]:
    path = folder / "pyproject.toml"
    if not path.is_file():
        return {}
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8")).get("project", {})
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PackageBuildError(f"{path} is no valid TOML: {error}.") from error
    return found if isinstance(found, dict) else {}

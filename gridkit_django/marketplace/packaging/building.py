"""Making a package: the same folder gives the same bytes, and what comes out has passed the gate."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gridkit_django.exceptions import PackageBuildError
from gridkit_django.marketplace.packaging.gate import InspectedPackage, inspect_package
from gridkit_django.marketplace.packaging.identity import import_package_of
from gridkit_django.marketplace.packaging.project import Project, entry_points
from gridkit_django.marketplace.packaging.record import write_record
from gridkit_django.plugins.metadata import PluginMetadata, read_manifest
from gridkit_django.plugins.sources import SCHEMA_NAME, FilesSource, FolderSource

_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16
_UNIX = 3
_LEVEL = 9
_WHEEL = b"Wheel-Version: 1.0\nGenerator: gridkit-django\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_OF_THE_REPOSITORY = frozenset({"pyproject.toml", "uv.lock"})


@dataclass(frozen=True)
class BuiltPackage:
    """A package that was made.

    Attributes:
        filename: what the wheel is called.
        content: the wheel.
        inspected: what the gate found in it.
    """

    filename: str
    content: bytes = field(repr=False)
    inspected: InspectedPackage


def build_package(folder: Path) -> BuiltPackage:
    """Make a package of a plugin's repository, or of the plugin's folder alone.

    The plugin's code is imported, because the JSON Schema of its configuration is made from its class.

    Raises:
        PackageBuildError: when no plugin is there, or ``pyproject.toml`` contradicts its manifest.
        ManifestError: when the manifest is wrong.
        PluginLoadError: when the code can't be imported.
        PackageRefusedError: when the gate refuses what came out.
    """
    project = Project.find(folder)
    manifest = read_manifest(project.plugin)
    package = import_package_of(manifest.id)
    project.check(manifest)
    source = FolderSource(project.plugin).frozen()
    own = {name: raw for name, raw in source.files.contents.items() if name not in _OF_THE_REPOSITORY}
    own = {"__init__.py": b"", **project.extra_files(), **own, SCHEMA_NAME: _schema_of(source, manifest)}
    dist_info = f"{package}-{manifest.version}.dist-info"
    papers = {
        **project.licences(),
        "METADATA": project.metadata(manifest),
        "WHEEL": _WHEEL,
        "entry_points.txt": entry_points(manifest),
    }
    files = {f"{package}/{name}": raw for name, raw in sorted(own.items())}
    files |= {f"{dist_info}/{name}": raw for name, raw in sorted(papers.items())}
    record = f"{dist_info}/RECORD"
    content = _zipped({**files, record: write_record(files, record)})
    filename = f"{package}-{manifest.version}-py3-none-any.whl"
    return BuiltPackage(filename, content, inspect_package(content, filename=filename))


def config_schema_of(folder: Path) -> bytes:
    """Return the JSON Schema of the configuration of a plugin in a folder, as it stands in packages.

    Raises:
        ManifestError: when the manifest is wrong.
        PluginLoadError: when the code can't be imported.
    """
    source = FolderSource(folder).frozen()
    return _schema_of(source, source.manifest())


def _schema_of(source: FilesSource, manifest: PluginMetadata) -> bytes:
    code = source.load()
    try:
        schema: Mapping[str, Any] = code.plugin_class.Config.model_json_schema()
        return f"{json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False)}\n".encode()
    except (TypeError, ValueError, AttributeError) as error:
        raise PackageBuildError(f"The configuration of {manifest.id} has no JSON Schema: {error}.") from error
    finally:
        code.unload()


def _zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr, entry.create_system = _MODE, _UNIX
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, _LEVEL)
    return buffer.getvalue()

"""The gate: what a package must be before anybody lists it, keeps it or runs it. It runs no code of the package."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from packaging.version import Version

from gridkit_django.exceptions import ManifestError
from gridkit_django.json_schema import fault_of_schema
from gridkit_django.marketplace.packaging.contents import check_compiled, check_places, dist_info_of
from gridkit_django.marketplace.packaging.distinfo import (
    Papers,
    check_dist_info,
    check_filename,
    check_wheel,
    entry_point_of,
    read_metadata,
)
from gridkit_django.marketplace.packaging.identity import distribution_of
from gridkit_django.marketplace.packaging.inflating import content_of
from gridkit_django.marketplace.packaging.leaks import check_leaks
from gridkit_django.marketplace.packaging.paths import check_paths
from gridkit_django.marketplace.packaging.record import check_content, check_names, parse_record
from gridkit_django.marketplace.packaging.rules import STANDARD, GatePolicy, Rule, refuse
from gridkit_django.marketplace.packaging.ziplayout import read_layout
from gridkit_django.plugins.metadata import MANIFEST_NAME, PluginMetadata, parse_manifest_file
from gridkit_django.plugins.sources import SCHEMA_NAME, parse_schema

CHANGELOG_NAME = "CHANGELOG.md"


@dataclass(frozen=True)
class InspectedPackage:
    """A package that passed the gate.

    Attributes:
        plugin_id: like ``@acme/colours``.
        version: PEP 440, as the manifest writes it.
        distribution: canonical name of the distribution, like ``acme-colours``.
        import_package: the one package that it brings, like ``acme_colours``.
        digest: ``sha256:…`` of the wheel file.
        size: bytes of the wheel file.
        manifest: the checked ``plugin.toml``.
        config_schema: JSON Schema of the configuration.
        core_metadata: METADATA, as it stands in the wheel.
        files: the files inside the import package, by name relative to it.
        requires_dist: what must be installed beside it.
        requires_python: the Python versions that it works with, or empty.
        readme: the long description, in Markdown; nothing of it is safe to show as it is.
        changelog: ``CHANGELOG.md`` of the package, in Markdown; empty when there is none.
        record: RECORD, which ``check_unpacked`` asks for.
        dist_info: the files of the dist-info folder, by whole path.
    """

    plugin_id: str
    version: str
    distribution: str
    import_package: str
    digest: str
    size: int
    manifest: PluginMetadata
    config_schema: Mapping[str, Any] = field(repr=False)
    core_metadata: bytes = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)
    requires_dist: tuple[str, ...]
    requires_python: str
    readme: str = field(repr=False)
    changelog: str = field(repr=False)
    record: bytes = field(repr=False)
    dist_info: Mapping[str, bytes] = field(repr=False)


def inspect_package(content: bytes, *, filename: str = "", policy: GatePolicy = STANDARD) -> InspectedPackage:
    """Judge a package and return what is in it.

    Args:
        content: the wheel file.
        filename: its name, which must agree with what it holds; empty when there is none.
        policy: the limits.

    Raises:
        PackageRefusedError: by which rule, in which file.
    """
    files = _read(content, policy)
    dist_info = dist_info_of(files)
    papers = _papers(files, dist_info, filename)
    package = papers.distribution.replace("-", "_")
    check_places(files, package, dist_info)
    platforms = check_wheel(_require(files, f"{dist_info}/WHEEL", Rule.WHEEL), filename, policy)
    record = _check_record(files, f"{dist_info}/RECORD")
    check_compiled(files, policy, platforms)
    own = {name.removeprefix(f"{package}/"): raw for name, raw in files.items() if name.startswith(f"{package}/")}
    manifest = _manifest(own, papers)
    _check_entry(files, f"{dist_info}/entry_points.txt", package, manifest, own)
    schema = _schema(own, manifest)
    check_leaks(files)
    return InspectedPackage(
        plugin_id=manifest.id,
        version=manifest.version,
        distribution=papers.distribution,
        import_package=package,
        digest=f"sha256:{hashlib.sha256(content).hexdigest()}",
        size=len(content),
        manifest=manifest,
        config_schema=MappingProxyType(schema),
        core_metadata=files[f"{dist_info}/METADATA"],
        files=MappingProxyType(own),
        requires_dist=papers.requires_dist,
        requires_python=papers.requires_python,
        readme=papers.readme,
        changelog=own.get(CHANGELOG_NAME, b"").decode("utf-8", "replace"),
        record=record,
        dist_info=MappingProxyType({name: raw for name, raw in files.items() if name.startswith(f"{dist_info}/")}),
    )


def _read(content: bytes, policy: GatePolicy) -> dict[str, bytes]:
    entries = read_layout(content, policy)
    check_paths(entry.name for entry in entries)
    return {entry.name: content_of(content, entry) for entry in entries}


def _require(files: Mapping[str, bytes], name: str, rule: Rule) -> bytes:
    if name not in files:
        refuse(rule, f"{name!r} is missing. Build the package anew.", name)
    return files[name]


def _papers(files: Mapping[str, bytes], dist_info: str, filename: str) -> Papers:
    papers = read_metadata(_require(files, f"{dist_info}/METADATA", Rule.METADATA))
    check_dist_info(dist_info, papers)
    if filename:
        check_filename(filename, papers)
    return papers


def _check_record(files: Mapping[str, bytes], own: str) -> bytes:
    record = _require(files, own, Rule.RECORD_MISSING)
    lines = parse_record(record)
    check_names(lines, files, own)
    for name, content in files.items():
        if name != own:
            check_content(lines, name, content)
    return record


def _manifest(own: Mapping[str, bytes], papers: Papers) -> PluginMetadata:
    raw = _require(own, MANIFEST_NAME, Rule.MANIFEST)
    try:
        manifest = parse_manifest_file(raw, where=papers.distribution)
    except ManifestError as error:
        refuse(Rule.MANIFEST, error.detail, MANIFEST_NAME)
    expected = distribution_of(manifest.id)
    if expected != papers.distribution:
        refuse(Rule.IDENTITY, f"The plugin {manifest.id} belongs in {expected}, not in {papers.distribution}.")
    if Version(manifest.version) != papers.version:
        refuse(
            Rule.VERSION, f"{MANIFEST_NAME} says version {manifest.version}, METADATA {papers.version}.", MANIFEST_NAME
        )
    return manifest


def _check_entry(
    files: Mapping[str, bytes], name: str, package: str, manifest: PluginMetadata, own: Mapping[str, bytes]
) -> None:
    value = entry_point_of(_require(files, name, Rule.ENTRY_POINTS))
    if value != f"{package}.{manifest.entry}":
        refuse(Rule.ENTRY_POINTS, f"The entry point is {value!r}, by {MANIFEST_NAME} {package}.{manifest.entry}.", name)
    module = manifest.entry.partition(":")[0].replace(".", "/")
    if not own.keys() & {f"{module}.py", f"{module}/__init__.py"}:
        refuse(Rule.ENTRY_POINTS, f"The entry point {value!r} names a module that is not in the package.", name)


def _schema(own: Mapping[str, bytes], manifest: PluginMetadata) -> dict[str, Any]:
    raw = _require(own, SCHEMA_NAME, Rule.SCHEMA)
    try:
        schema = parse_schema(raw, manifest.id)
        if fault := fault_of_schema(schema):
            refuse(Rule.SCHEMA, f"{SCHEMA_NAME} is no JSON Schema: {fault.splitlines()[0]}.", SCHEMA_NAME)
        _check_references(schema)
    except ManifestError as error:
        refuse(Rule.SCHEMA, error.detail, SCHEMA_NAME)
    except RecursionError as error:
        refuse(Rule.SCHEMA, f"{SCHEMA_NAME} is no JSON Schema: {str(error).splitlines()[0]}.", SCHEMA_NAME)
    return schema


def _check_references(part: Any) -> None:
    """Refuse a schema that asks for parts of another document: nothing is fetched for a form."""
    if isinstance(part, dict):
        for key in ("$ref", "$dynamicRef"):
            if not str(part.get(key, "#")).startswith("#"):
                refuse(Rule.SCHEMA, f"{SCHEMA_NAME} refers to another document ({key}).", SCHEMA_NAME)
    for item in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        _check_references(item)

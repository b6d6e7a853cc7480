"""Manifests, read without running code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gridkit_django.exceptions import ManifestError
from gridkit_django.plugins import Category, PluginMetadata, read_manifest
from gridkit_django.plugins.metadata import MANIFEST_BYTES_MAX, parse_manifest
from tests.plugins.samples import write_plugin

GOOD: dict[str, Any] = {
    "id": "@acme/alarm",
    "name": "Alarm",
    "version": "1.2",
    "author": "Acme",
    "description": "Rings.",
    "category": "utility",
    "license": "MIT",
    "core_version": "^0.1",
}


def test_manifest_is_read_from_a_folder(tmp_path: Path) -> None:
    metadata = read_manifest(write_plugin(tmp_path))
    assert (metadata.id, metadata.category, metadata.entry) == ("sample", Category.UTILITY, "plugin:Sample")


def test_every_key_of_the_specification_is_taken() -> None:
    metadata = parse_manifest(
        {
            **GOOD,
            "tags": ["bell"],
            "peer_plugins": ["@acme/bell ^1.0", "clock"],
            "incompatible_with": ["silence"],
            "homepage": "https://example.org/",
            "repository": "https://example.org/code",
            "pricing": "freemium",
            "required_permissions": ["rows:read", "network:example.org"],
            "requires_restart": True,
            "resource_limits": {
                "max_memory_mb": 50,
                "max_cpu_percent": 10,
                "max_event_handlers": 5,
                "max_storage_mb": 1,
                "max_events_per_second": 7,
            },
        },
        where="alarm",
    )
    assert metadata.peers == (("@acme/bell", "^1.0"), ("clock", "*"))
    assert metadata.resource_limits.max_event_handlers == 5
    assert parse_manifest(metadata.as_dict(), where="alarm") == metadata


@pytest.mark.parametrize(
    ("change", "pointer", "detail"),
    [
        ({"id": "Acme"}, "/id", "plugin id"),
        ({"id": None}, "/id", "string"),
        ({"version": "new"}, "/version", "PEP 440"),
        ({"category": "fun"}, "/category", "'data'"),
        ({"core_version": "soon"}, "/core_version", "range"),
        ({"peer_plugins": ["clock soon"]}, "/peer_plugins/0", "range"),
        ({"peer_plugins": ["Clock"]}, "/peer_plugins/0", "plugin id"),
        ({"entry": "plugin"}, "/entry", "module:Class"),
        ({"required_permissions": ["rows:fly"]}, "/required_permissions/0", "no permission 'rows:fly'"),
        ({"required_permissions": ["rows:*"]}, "/required_permissions/0", "no permission"),
        ({"homepage": "javascript:alert(1)"}, "/homepage", "http or https"),
        ({"resource_limits": {"max_files": 1}}, "/resource_limits/max_files", "no such key"),
        ({"verified": True}, "/verified", "only the marketplace"),
        ({"rating": 5}, "/rating", "only the marketplace"),
        ({"colour": "red"}, "/colour", "no such key"),
    ],
)
def test_fault_is_told_with_its_place(change: dict[str, Any], pointer: str, detail: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest({**GOOD, **change}, where="alarm")
    assert [item.pointer for item in caught.value.errors] == [pointer]
    assert detail in caught.value.errors[0].detail
    assert "manifest of alarm" in caught.value.detail


def test_several_faults_are_told_together() -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest({}, where="nothing")
    assert {item.pointer for item in caught.value.errors} >= {"/id", "/name", "/version", "/core_version"}


@pytest.mark.parametrize(
    ("content", "detail"),
    [(b"id = ", "no valid TOML"), (b"\xff\xfe", "no valid TOML"), (b"#" * (MANIFEST_BYTES_MAX + 1), "larger than")],
)
def test_file_that_is_no_manifest_is_refused(tmp_path: Path, content: bytes, detail: str) -> None:
    (tmp_path / "plugin.toml").write_bytes(content)
    with pytest.raises(ManifestError, match=detail):
        read_manifest(tmp_path)


def test_missing_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"no readable plugin\.toml"):
        read_manifest(tmp_path)


def test_metadata_can_not_be_changed() -> None:
    metadata = PluginMetadata.model_validate(GOOD)
    with pytest.raises(ValidationError):
        metadata.name = "Other"  # type: ignore[misc]

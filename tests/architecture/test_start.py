"""What processes import when they start, and at their first request: what they do not need then, they do not load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LATE = {
    "boto3": "what stands for signed metadata brings it along",
    "duckdb": "tests only",
    "jsonschema": "judging by a schema",
    "markdown_it": "texts of authors",
    "nh3": "texts of authors",
    "openpyxl": "writing XLSX",
    "PIL": "pictures of plugins",
    "pyarrow": "writing Parquet",
    "pytest": "tests only",
    "redis": "hints between processes",
    "securesystemslib": "signed metadata",
    "tuf": "signed metadata",
    "weasyprint": "writing PDF",
    # Not these packages whole, but what is heavy in them.
    "django.test": "the OpenAPI document",
    "drf_spectacular.openapi": "the OpenAPI document",
    "gridkit_django.testing": "tests only",
}
"""Packages that neither a start nor a first request needs, and what does."""

LATER_THAN_START = {
    "gridkit_django.marketplace.packaging": "installing and publishing",
    "packaging.requirements": "installing and publishing",
    "rest_framework.views": "the API",
    "urllib3": "following marketplaces",
}
"""What the API of a web process needs, and a command or a worker does not."""

CODE = """
import json, sys
import django
django.setup()
started = sorted(sys.modules)
from django.urls import get_resolver
assert get_resolver().reverse_dict  # as the first request does: every module with addresses is imported
print(json.dumps([started, sorted(sys.modules)]))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str]]:
    """The modules of a process of the example project: after its start, and when its addresses are loaded."""
    given = {
        "DJANGO_SETTINGS_MODULE": "example_project.settings",
        "GRIDKIT_DEMO_VAR": str(tmp_path_factory.mktemp("var")),
    }
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        check=True,
        cwd=ROOT,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
    )
    started, addressed = json.loads(done.stdout.splitlines()[-1])
    return started, addressed


def test_start_loads_nothing_that_only_some_acts_need(loaded: tuple[list[str], list[str]]) -> None:
    assert sorted({**LATE, **LATER_THAN_START}.keys() & set(loaded[0])) == []


def test_first_request_loads_nothing_that_only_some_acts_need(loaded: tuple[list[str], list[str]]) -> None:
    assert "gridkit_django.api.urls" in loaded[1]
    assert sorted(LATE.keys() & set(loaded[1])) == []


def test_each_package_that_is_loaded_late_is_installed_here() -> None:
    assert [name for name in LATE if find_spec(name) is None] == []

"""Whether PDF files can be written on this machine."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.core.checks import run_checks

from gridkit_plugins.export import availability
from gridkit_plugins.export.availability import check_pdf, pdf_problem


def test_this_machine_can_write_pdf_files():
    assert pdf_problem() is None
    assert check_pdf() == []


def test_missing_packages_are_named():
    assert pdf_problem(packages=("django", "no_such_a", "no_such_b")) == (
        "Python packages are missing: no_such_a, no_such_b"
    )


def test_a_missing_library_is_named():
    assert pdf_problem(libraries=("libno-such.so.0",)) == "the pango library is missing"


def test_the_system_check_warns_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(availability, "pdf_problem", lambda: "the pango library is missing")
    found = [message for message in run_checks() if message.id == "gridkit.W017"]

    assert [message.msg for message in found] == ["Exports to PDF can't be written: the pango library is missing."]
    assert "gridkit-django[pdf]" in found[0].hint


def test_neither_the_plugin_nor_the_check_imports_weasyprint():
    code = (
        "import sys, gridkit_plugins.export.availability as a; a.pdf_problem(); import gridkit_plugins.export.options;"
        "sys.exit('weasyprint' in sys.modules or 'openpyxl' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

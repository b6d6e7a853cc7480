"""Whether this machine can write PDF files, found out without importing WeasyPrint (which takes most of a second)."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from importlib.util import find_spec

from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning

PACKAGES = ("weasyprint", "pydyf")
PANGO = ("libpango-1.0.so.0", "libpango-1.0.0.dylib", "libpango-1.0.dylib", "libpango-1.0-0", "pango-1.0-0")
"""The names under which WeasyPrint looks for pango on Linux, macOS and Windows."""


def pdf_problem(packages: Sequence[str] = PACKAGES, libraries: Sequence[str] = PANGO) -> str | None:
    """Return what PDF files lack on this machine, or None when they can be written."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        return f"Python packages are missing: {', '.join(missing)}"
    if not any(_loads(name) for name in libraries):
        return "the pango library is missing"
    return None


def check_pdf(**_kwargs: object) -> list[CheckMessage]:
    """System check ``gridkit.W017``: PDF exports are offered but can't be written here."""
    problem = pdf_problem()
    if problem is None:
        return []
    hint = (
        "Install gridkit-django[pdf] and pango (Debian: libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0), or take "
        "pdf out of the formats of @gridkit/plugin-export. All other formats work."
    )
    return [CheckWarning(f"Exports to PDF can't be written: {problem}.", hint=hint, id="gridkit.W017")]


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True

"""The system libraries that no Python package carries: looked for first, installed by apt where that is allowed."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock

from steps import StepError, run, say, warn

PDF_LIBRARIES = (
    ("libpango-1.0.so.0", "libpango-1.0-0"),
    ("libpangoft2-1.0.so.0", "libpangoft2-1.0-0"),
    ("libharfbuzz-subset.so.0", "libharfbuzz-subset0"),
)
_ONE_AT_A_TIME = Lock()
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def pdf_libraries() -> None:
    """See to Pango and one font, which WeasyPrint draws PDF files with; without them only that format is missing."""
    missing = [package for library, package in PDF_LIBRARIES if not _loads(library)]
    if not any(_fonts()):
        missing.append("fonts-dejavu-core")
    if missing:
        _try_apt(missing, "PDF exports (WeasyPrint) will not work, nor will their tests; everything else does")


def chromium() -> None:
    """See to a Chromium for the browser tests: $CHROMIUM, one on PATH, or Debian's package."""
    if os.environ.get("CHROMIUM") or any(shutil.which(name) for name in CHROMIUM_NAMES):
        return
    _try_apt(["chromium"], "the browser tests will fail: they drive a real Chromium (set CHROMIUM to its path)")


def file_readers() -> None:
    """See to the programs that read exported files back in the tests: LibreOffice without a screen, and poppler's.

    LibreOffice is $SOFFICE, on PATH, or Debian's, whose packages are 86 MB to fetch and 310 MB on disk.
    """
    missing = [] if os.environ.get("SOFFICE") or shutil.which("soffice") else ["libreoffice-calc-nogui"]
    if not (shutil.which("pdfinfo") and shutil.which("pdftotext")):
        missing.append("poppler-utils")
    if missing:
        _try_apt(missing, "the tests that read exported files back with them will fail (SOFFICE names a LibreOffice)")


def apt_install(packages: Sequence[str], consequence: str) -> None:
    """Install Debian packages.

    Args:
        packages: Their names.
        consequence: What is the matter without them; a part of the error's message.

    Raises:
        StepError: There is no apt, it may not be used, or it failed. The message tells what to do by hand.
    """
    names = " ".join(packages)
    apt = _apt()
    if apt is None:
        raise StepError(f"{consequence}.\nInstall them by your system's means (Debian: sudo apt-get install {names}).")
    patient = ["-qq", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=300"]
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        with _ONE_AT_A_TIME:
            say("...", f"installing {names}")
            run([*apt, "update", *patient], env=quiet)
            run([*apt, "install", "-y", "--no-install-recommends", *patient, *packages], env=quiet)
    except StepError as error:
        raise StepError(f"{consequence}.\napt could not install {names}: {error}") from error


def _try_apt(packages: Sequence[str], consequence: str) -> None:
    """Install packages that the rest can do without: a failure is a warning."""
    try:
        apt_install(packages, consequence)
    except StepError as error:
        warn(str(error))


def _apt() -> list[str] | None:
    """Return how apt-get is called here, or None where nobody may call it without being asked for a password."""
    apt = shutil.which("apt-get")
    if apt is None:
        return None
    if os.geteuid() == 0:
        return [apt]
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n", "env", "DEBIAN_FRONTEND=noninteractive", apt]
    return None


def _loads(library: str) -> bool:
    """Say whether the dynamic linker finds a library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _fonts() -> Iterable[Path]:
    """Yield fonts that a PDF can be set in."""
    for folder in (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts"):
        for pattern in ("*.ttf", "*.otf"):
            yield from folder.rglob(pattern)

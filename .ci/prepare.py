"""Get a checkout ready: `prepare.py demo` for the running product, `check` for checks, `dev` for tests, `bench`, too.

Needs nothing but Python 3.11, and a package index that pip can reach. Each step says one line when it did something
and is silent when there was nothing to do. Python's packages, the system's and the browser's are fetched side by side.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import foreign
import frontend
import packages
import system
from steps import StepError, say


def demo() -> None:
    """Prepare what `make demo` needs."""
    packages.environment()
    side_by_side(partial(python, "demo", "product packages"), system.pdf_libraries, frontend.build)


def check() -> None:
    """Prepare what checks and documentation need."""
    packages.environment()
    side_by_side(partial(python, "dev", "development packages"), system.pdf_libraries, frontend.build)


def dev() -> None:
    """Prepare what tests need, too."""
    side_by_side(programs, everything_else)


def programs() -> None:
    """See to the system's libraries and programs."""
    system.pdf_libraries()
    system.chromium()
    system.file_readers()


def everything_else() -> None:
    """Make the environment, then fill it, and build the pages."""
    packages.environment()
    side_by_side(partial(python, "dev", "development packages"), packages.redis_server, frontend.build, foreign.build)


def bench() -> None:
    """Prepare what benchmarks need: what tests need, and peers to stand beside."""
    dev()
    packages.peers()


def python(name: str, label: str) -> None:
    """Install the packages of one requirements file, the flights, and this project."""
    packages.install(name, label=label)
    packages.install("data", "--no-deps", "--no-build-isolation", label="flight data")
    packages.project()


def side_by_side(*actions: Callable[[], None]) -> None:
    """Do things at the same time; all are waited for, then the first that failed raises.

    They wait for downloads, mostly. uv sees to it that two of them don't change the environment at once.
    """
    with ThreadPoolExecutor(len(actions)) as pool:
        done = [pool.submit(action) for action in actions]
    for each in done:
        each.result()


def main(profile: str) -> int:
    """Run one profile and return the exit status."""
    os.environ.pop("VIRTUAL_ENV", None)
    started = time.monotonic()
    try:
        {"demo": demo, "check": check, "dev": dev, "bench": bench}[profile]()
    except StepError as error:
        say("failed", str(error).replace("\n", "\n         "))
        return 1
    if time.monotonic() - started > 5:
        say("ok", f"ready ({time.monotonic() - started:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

"""Get a checkout ready: `prepare.py demo` for the running product, `prepare.py dev` for tests and checks, `bench`, too.

Needs nothing but Python 3.11, and a package index that pip can reach. Each step says one line when it did something
and is silent when there was nothing to do. What needs nothing of one another is done side by side: Python's packages, the
system's, and the browser's.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import foreign
import frontend
import packages
import system
from steps import StepError, say


def demo() -> None:
    """Prepare what `make demo` needs."""
    packages.environment()
    side_by_side(lambda: python("demo", "product packages"), system.pdf_libraries, frontend.build)


def dev() -> None:
    """Prepare what tests, checks and documentation need."""
    packages.environment()
    side_by_side(lambda: python("dev", "development packages"), servers, pages)


def bench() -> None:
    """Prepare what benchmarks need: what tests need, and peers to stand beside."""
    dev()
    packages.peers()


def python(name: str, label: str) -> None:
    """Install the packages of one requirements file, the flights, and this project."""
    packages.install(name, label=label)
    packages.install("data", "--no-deps", "--no-build-isolation", label="flight data")
    packages.project()


def servers() -> None:
    """See to what tests start, and to what PDF files are drawn with: one after the other, for apt does one at a time."""
    packages.redis_server()
    system.pdf_libraries()
    system.chromium()


def pages() -> None:
    """Build our own front end, and the pages with the grids of others."""
    frontend.build()
    foreign.build()


def side_by_side(*actions: Callable[[], None]) -> None:
    """Do things at the same time; all are waited for, then the first that failed raises.

    They wait for downloads, mostly. uv and apt keep two of their own kind from working at once.
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
        {"demo": demo, "dev": dev, "bench": bench}[profile]()
    except StepError as error:
        say("failed", str(error).replace("\n", "\n         "))
        return 1
    if time.monotonic() - started > 5:
        say("ok", f"ready ({time.monotonic() - started:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

"""Get a checkout ready: `prepare.py demo` for the running product, `prepare.py dev` for tests and checks, `bench`, too.

Needs nothing but Python 3.11, and a package index that pip can reach. Each step says one line when it did something
and is silent when there was nothing to do.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import foreign
import frontend
import packages
import system
from steps import StepError, say


def demo() -> None:
    """Prepare what `make demo` needs."""
    packages.environment()
    packages.install("demo", label="product packages")
    packages.install("data", "--no-deps", "--no-build-isolation", label="flight data")
    packages.project()
    system.pdf_libraries()
    frontend.build()


def dev() -> None:
    """Prepare what tests, checks and documentation need; the system's packages come beside Python's."""
    with ThreadPoolExecutor(1) as beside:
        from_system = beside.submit(_programs)
        packages.environment()
        packages.install("dev", label="development packages")
        packages.install("data", "--no-deps", "--no-build-isolation", label="flight data")
        packages.redis_server()
        packages.project()
        frontend.build()
        foreign.build()
        from_system.result()


def _programs() -> None:
    system.pdf_libraries()
    system.chromium()
    system.file_readers()


def bench() -> None:
    """Prepare what benchmarks need: what tests need, and peers to stand beside."""
    dev()
    packages.peers()


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

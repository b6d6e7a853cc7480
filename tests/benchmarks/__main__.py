"""Run the benchmarks: every `bench_*.py` beside this file, or those that are named (`make bench ARGS=events`)."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from tests.benchmarks.database import benchmark_project
from tests.benchmarks.harness import machine

HERE = Path(__file__).parent


def names() -> list[str]:
    """Return what there is to run, in alphabetical order."""
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def main(chosen: list[str]) -> int:
    """Run benchmarks on a scratch database and print their tables; 2 when a name is unknown."""
    if unknown := set(chosen) - set(names()):
        sys.stderr.write(f"No benchmark is called {', '.join(sorted(unknown))}; there are: {', '.join(names())}\n")
        return 2
    with benchmark_project():
        sys.stdout.write(f"{machine()}\n\n")
        for name in chosen or names():
            module = importlib.import_module(f"tests.benchmarks.bench_{name}")
            for text in module.run():
                sys.stdout.write(f"{text}\n\n")
                sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

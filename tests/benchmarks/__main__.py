"""Run the benchmarks: every `bench_*.py` here and below, or those that are named (`make bench ARGS=events`)."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from tests.benchmarks.database import benchmark_project
from tests.benchmarks.harness import machine

HERE = Path(__file__).parent


def modules() -> dict[str, str]:
    """Return what there is to run, in alphabetical order: the name to the module's dotted path."""
    found = {
        path.stem.removeprefix("bench_"): path.relative_to(HERE).with_suffix("") for path in HERE.rglob("bench_*.py")
    }
    return {name: ".".join(("tests", "benchmarks", *found[name].parts)) for name in sorted(found)}


def main(chosen: list[str]) -> int:
    """Run benchmarks on a scratch database and print their tables; 2 when a name is unknown."""
    known = modules()
    if unknown := set(chosen) - set(known):
        sys.stderr.write(f"No benchmark is called {', '.join(sorted(unknown))}; there are: {', '.join(known)}\n")
        return 2
    with benchmark_project():
        sys.stdout.write(f"{machine()}\n\n")
        for name in chosen or known:
            for text in importlib.import_module(known[name]).run():
                sys.stdout.write(f"{text}\n\n")
                sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

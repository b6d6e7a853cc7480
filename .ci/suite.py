"""Run the tests: all of them on SQLite, those marked `both_databases` again on PostgreSQL, with one coverage figure.

Without arguments the whole suite runs, shuffled, on a process for each core and one more for PostgreSQL, which uses the
time in which the others wait for servers; coverage must reach the share that pyproject.toml asks for. Arguments
(`make test ARGS="tests/grids -x"`) go to pytest; then one database follows the other, and coverage is not judged.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

from steps import PYTHON, ROOT, say

COVERAGE = ROOT / "var" / "coverage"
OUTCOMES = ("failed", "passed", "skipped", "deselected", "xfailed", "xpassed", "warnings", "errors")
NO_TESTS = 5
QUIET = {"-q", "--quiet"}
BOTH = "both_databases"
SPREAD = ("--dist", "loadfile", "--no-loadscope-reorder", "-n")
"""A file stays in one process, since its tests share servers; `tests/conftest.py` says which file comes first."""


def run_pytest(database: str, arguments: list[str], shown: TextIO) -> tuple[int, dict[str, int]]:
    """Run pytest once, writing its output as it comes.

    Args:
        database: What GRIDKIT_TEST_DB says: `sqlite` or `postgres`.
        arguments: More arguments for pytest.
        shown: Where the output goes.

    Returns:
        Its exit status and the counts of its closing line.
    """
    command: list[str | Path] = [
        PYTHON,
        "-m",
        "pytest",
        "-p",
        "tests.servers.probing",
        "-q",
        "--no-header",
        "--durations=30",
        *arguments,
    ]
    shown.write(f"\nTests on {database}\n")
    shown.flush()
    last = ""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "GRIDKIT_TEST_DB": database, "COVERAGE_FILE": str(COVERAGE / "data")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            shown.write(line)
            shown.flush()
            last = line if re.search(r"\d+ (passed|failed|errors?|deselected)\b.* in ", line) else last
    return process.returncode, _counts(last)


def run_both() -> list[tuple[int, dict[str, int]]]:
    """Run the whole suite on both databases at once, and show what PostgreSQL's run printed after the other's."""
    subprocess.run([PYTHON, "-m", "tests.servers.compiling"], cwd=ROOT, check=True)
    cores = min(4, os.cpu_count() or 1)
    on_postgres = [*SPREAD, str(max(1, cores // 2)), "-m", BOTH]
    with (COVERAGE / "postgres.log").open("w+") as log, ThreadPoolExecutor(1) as beside:
        later = beside.submit(run_pytest, "postgres", on_postgres, log)
        first = run_pytest("sqlite", [*SPREAD, str(cores)], sys.stdout)
        second = later.result()
        log.seek(0)
        shutil.copyfileobj(log, sys.stdout)
    return [first, second]


def run_part(arguments: list[str]) -> list[tuple[int, dict[str, int]]]:
    """Run what the arguments name on one database after the other; it may hold nothing for the second."""
    first = run_pytest("sqlite", arguments, sys.stdout)
    status, counts = run_pytest("postgres", ["-m", BOTH, *arguments], sys.stdout)
    return [first, (0 if status == NO_TESTS else status, counts)]


def _counts(line: str) -> dict[str, int]:
    """Read the counts of pytest's closing line."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
    found = {word: int(number) for number, word in re.findall(r"(\d+) ([a-z]+)", plain)}
    if "error" in found:
        found["errors"] = found.pop("error")
    return {word: found[word] for word in OUTCOMES if word in found}


def judge_coverage() -> int:
    """Combine what all processes measured, print what is not covered, and fail under the agreed share."""
    env = {**os.environ, "COVERAGE_FILE": str(COVERAGE / "data")}
    # Files stay, so that several test runs can be added up; the summary is for a person.
    subprocess.run([PYTHON, "-m", "coverage", "combine", "-q", COVERAGE], cwd=ROOT, env=env, check=False)
    sys.stdout.write("\nCoverage\n")
    sys.stdout.flush()
    return subprocess.run([PYTHON, "-m", "coverage", "report"], cwd=ROOT, env=env, check=False).returncode


def close(started: float, *runs: dict[str, int]) -> None:
    """Print one closing line over all runs, in pytest's own form."""
    total = {word: sum(run.get(word, 0) for run in runs) for word in OUTCOMES if word != "deselected"}
    text = ", ".join(f"{number} {word}" for word, number in total.items() if number) or "no tests ran"
    sys.stdout.write(f"{f' {text} in {time.monotonic() - started:.2f}s ':=^100}\n")


def main(arguments: list[str]) -> int:
    """Run both databases and return the exit status: 0 only when tests ran, all passed and coverage holds."""
    started = time.monotonic()
    shutil.rmtree(COVERAGE, ignore_errors=True)
    COVERAGE.mkdir(parents=True)
    # pytest is quiet here already; twice quiet it would leave out the closing line that the counts come from.
    arguments = [word for word in arguments if word not in QUIET]
    runs = run_part(arguments) if arguments else run_both()
    status = max(status for status, _ in runs)
    if not arguments:
        status = max(status, judge_coverage())
    if status:
        say("failed", "see above; a part can be run again by: make test ARGS='tests/... -x'")
    close(started, *(counts for _, counts in runs))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

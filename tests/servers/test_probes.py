"""Probes see what coverage.py's own tracer sees: each sample runs under both, and coverage.py judges both alike."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import coverage
import pytest

from tests.servers import probes

_PARTS = re.split(r"^# sample: (.*)\n", Path(__file__).with_name("probe_samples.txt").read_text(), flags=re.MULTILINE)
SAMPLES = dict(zip(_PARTS[1::2], _PARTS[2::2], strict=True))


def judged(measure: coverage.Coverage, path: Path) -> tuple[list[int], dict[int, tuple[int, int]]]:
    """Return what coverage.py says of a file: the lines that are missing, and of each branch how many ways ran."""
    return measure.analysis2(str(path))[3], measure.branch_stats(str(path))


def measure_in(folder: Path, path: Path) -> coverage.Coverage:
    return coverage.Coverage(data_file=str(folder / "data"), branch=True, include=[str(path)], config_file=False)


def run(path: Path, arcs: dict[int, None] | None = None) -> dict[str, Any]:
    """Run a module, with probes when there is something that they can write to, and return its names."""
    text = path.read_text()
    tree = text if arcs is None else probes.with_probes(text, str(path))
    names: dict[str, Any] = {"__file__": str(path), probes.ARCS: arcs}
    exec(compile(tree, str(path), "exec", dont_inherit=True), names)  # noqa: S102
    return names


def told(folder: Path, path: Path, arcs: dict[int, None]) -> coverage.Coverage:
    """Return coverage.py with what probes have seen."""
    folder.mkdir()
    measure = measure_in(folder, path)
    measure.get_data().add_arcs({str(path): [probes.arc_of(key) for key in arcs]})
    return measure


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """Where a sample goes."""
    return tmp_path / "sample.py"


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_probes_see_the_lines_and_branches_that_the_tracer_sees(name: str, sample: Path) -> None:
    sample.write_text(SAMPLES[name])
    traced = measure_in(sample.parent, sample)
    with traced.collect():
        run(sample)
    arcs: dict[int, None] = {}

    run(sample, arcs)

    assert judged(told(sample.parent / "probed", sample, arcs), sample) == judged(traced, sample)


def test_condition_that_raises_is_no_way_that_was_taken(sample: Path) -> None:
    sample.write_text("def run(x):\n    if 1 / x:\n        print(x)\n")
    arcs: dict[int, None] = {}
    names = run(sample, arcs)

    with pytest.raises(ZeroDivisionError):
        names["run"](0)

    assert judged(told(sample.parent / "probed", sample, arcs), sample) == ([3], {2: (2, 0)})


def test_errors_come_from_the_line_that_they_come_from_without_probes(sample: Path) -> None:
    lines = [
        "def run(x):",
        "    if x:",
        "        try:",
        "            y = 1 / 0",
        "        finally:",
        "            x = 2",
    ]
    sample.write_text("\n".join([*lines, "run(1)"]))
    seen = []
    for arcs in (None, {}):
        with pytest.raises(ZeroDivisionError) as error:
            run(sample, arcs)
        seen.append([entry.lineno + 1 for entry in error.traceback if entry.path == sample])

    assert seen == [[7, 4], [7, 4]]

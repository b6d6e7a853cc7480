"""What the real grids sent in the browser is understood, on both databases; and the modules are those of the page."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User

from example_project.flights.grids import FlightGrid
from gridkit_django.grids import GridAccess
from gridkit_django.grids.dialects import answer_in_dialect
from tests.foreign.flights import make_flights
from tests.foreign.shown import SENT
from tests.foreign.site import BUILD
from tests.servers.processes import ROOT

ADMIN = User(username="admin", is_superuser=True)
DIALECTS = {
    "ag-grid": "aggrid",
    "ag-grid-infinite": "aggrid",
    "tanstack-8": "tanstack",
    "tanstack-9": "tanstack",
    "tabulator": "tabulator",
    "datatables": "datatables",
    "devextreme": "devextreme",
    "mui": "mui",
}
PINS = ROOT / "tests" / "foreign"


@pytest.mark.both_databases
@pytest.mark.django_db
def test_all_requests_that_the_real_grids_sent_are_answered() -> None:
    make_flights()
    access = GridAccess(FlightGrid, ADMIN)

    assert {file.stem for file in SENT.glob("*.json")} == set(DIALECTS)
    for name, dialect in DIALECTS.items():
        requests: list[Any] = json.loads((SENT / f"{name}.json").read_text("utf-8"))
        assert len(requests) >= 3
        assert all(answer_in_dialect(access, dialect, request) for request in requests)


def test_bundled_modules_are_those_of_the_how_to_page() -> None:
    page = (ROOT / "docs" / "how-to" / "use-another-grid.md").read_text("utf-8")
    blocks = re.findall(r"^```(?:javascript|jsx)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    named = {block.partition("\n")[0].removeprefix("// "): block for block in blocks}

    assert len(named) == len(blocks)
    assert {file.name: file.read_text("utf-8") for file in (BUILD.parent / "pages").iterdir()} == named, "run make"
    assert {file.stem for file in BUILD.glob("*.js")} == set(DIALECTS)


def test_pinned_packages_are_exact_and_name_no_place() -> None:
    wanted = json.loads((PINS / "package.json").read_text("utf-8"))
    lock = (PINS / "package-lock.json").read_text("utf-8")

    pins = [
        version.rpartition("@")[2] for part in ("dependencies", "devDependencies") for version in wanted[part].values()
    ]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pins)
    assert '"resolved"' not in lock
    assert json.loads(lock)["packages"][""]["dependencies"] == wanted["dependencies"]

"""Every test of the conformance suite fails on a plugin that deserves it, and passes on one that does not."""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.signals import request_started

from gridkit_django.plugins import Plugin
from gridkit_django.testing import PluginConformance
from gridkit_django.testing.conformance import ending, work
from tests.testing.conftest import MakeSubject
from tests.testing.failing import CASES, GOOD, Case

pytestmark = pytest.mark.django_db(transaction=True)

TESTS = sorted(name for name in vars(PluginConformance) if name.startswith("test_"))


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send events and load anew a few times only: what fails here does so at once. `tests/official` does all of it."""
    monkeypatch.setattr(work, "ROUNDS", 5)
    monkeypatch.setattr(ending, "RELOADS", 3)


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Undo what the failing plugins do to this process."""
    dumps, path, finders = json.dumps, list(sys.path), list(sys.meta_path)
    yield
    json.dumps, sys.path[:], sys.meta_path[:] = dumps, path, finders
    os.environ.pop("ACME", None)
    logging.getLogger("acme").handlers.clear()
    request_started.disconnect(dispatch_uid="acme")
    Plugin.__annotations__.pop("kept", None)
    gc.collect()


def run(test: str, subject: Any) -> None:
    """Run one test of the suite on a subject."""
    getattr(PluginConformance, test)(object(), subject)


def test_every_test_of_the_suite_has_a_plugin_that_fails_it() -> None:
    assert sorted({case.test for case in CASES}) == TESTS


@pytest.mark.parametrize("case", CASES, ids=str)
def test_failing_plugin_is_found_out_and_told_why(
    case: Case, make_subject: MakeSubject, tmp_path: Path, settings: Any
) -> None:
    if "Slower" in case.words:
        settings.GRIDKIT = {**settings.GRIDKIT, "HANDLER_BUDGET_MS": 1, "HANDLER_FAILURES_MAX": 10_000}
    # What the runtime tells of a plugin stays for the life of the process, so each has an id of its own.
    subject = make_subject(case.write(tmp_path / f"failing-{CASES.index(case)}"))
    with pytest.raises(pytest.fail.Exception) as caught:
        run(case.test, subject)
    assert [words for words in (case.words, *case.more) if words not in str(caught.value)] == []


class TestGood(PluginConformance):
    """The plugin that the failing ones are made from passes."""

    @pytest.fixture
    def subject(self, make_subject: MakeSubject, tmp_path: Path) -> Any:
        return make_subject(Case("", "", GOOD).write(tmp_path / "good"))

"""What is compiled before the tests is what pytest would have compiled, and pytest takes it."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from _pytest.assertion import rewrite

from tests.servers.rewriting import compile_test

SOURCE = """
def test_two_is_three():
    assert 2 == 3
"""


def test_pytest_takes_a_file_of_tests_as_it_was_compiled_before(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "test_sample.py"
    path.write_text(SOURCE)

    compile_test(path)

    def refuse(*_: object) -> None:
        raise AssertionError("pytest compiled the file again.")

    monkeypatch.setattr(rewrite, "_rewrite_test", refuse)
    compile_test(path)  # it is there
    hook: Any = request.config.pluginmanager.rewrite_hook
    spec = spec_from_file_location("test_sample", path, loader=hook)
    assert spec is not None
    module = module_from_spec(spec)
    hook.exec_module(module)
    with pytest.raises(AssertionError, match="assert 2 == 3"):
        module.test_two_is_three()

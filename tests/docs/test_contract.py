"""The contract with plugin authors: every member stands in the reference, and its docstring says what it takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gridkit_django import plugins, testing
from gridkit_django.plugins import Plugin, PluginContext, ResourceLimits
from gridkit_django.plugins.capabilities import Capability, PluginAudit, PluginExports, PluginJobs, PluginStorage
from gridkit_django.plugins.outbox_door import PluginOutbox
from tests.docs.pages import text_of

CONTRACT = (Plugin, PluginContext, PluginStorage, PluginAudit, PluginExports, PluginJobs, PluginOutbox)
DOORS = [(plugins, name) for name in plugins.__all__] + [(testing, name) for name in testing.__all__]


def members() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield every public method of the contract, and ``handles``."""
    for kind in CONTRACT:
        for name, member in vars(kind).items():
            function = getattr(member, "__func__", getattr(member, "fget", member))
            if inspect.isfunction(function) and not name.startswith("_"):
                yield f"{kind.__name__}.{name}", function
    yield "handles", plugins.handles


@pytest.mark.parametrize(("door", "name"), DOORS, ids=[name for _, name in DOORS])
def test_public_name_stands_in_the_reference(door: Any, name: str) -> None:
    page = text_of("reference/plugins.md")
    assert f":: {door.__name__}.{name}\n" in page, f"add {name} to docs/reference/plugins.md"


@pytest.mark.parametrize(("name", "member"), list(members()), ids=[name for name, _ in members()])
def test_member_of_the_contract_says_what_each_argument_means(name: str, member: Callable[..., Any]) -> None:
    text = inspect.getdoc(member) or ""
    assert text.split("\n")[0].endswith((".", "?"))
    described = [item for item in inspect.signature(member).parameters if item not in {"self", "cls"}]
    assert [item for item in described if f"{item}:" not in text and f"``{item}``" not in text] == []


@pytest.mark.parametrize(
    ("name", "member"), [(name, member) for name, member in members() if "self._require(" in inspect.getsource(member)]
)
def test_member_that_needs_a_permission_says_so(name: str, member: Callable[..., Any]) -> None:
    text = inspect.getdoc(member) or ""
    assert "PluginPermissionError: without" in text


@pytest.mark.parametrize("name", ResourceLimits.model_fields)
def test_limit_of_the_manifest_stands_in_the_table_of_what_limits_do(name: str) -> None:
    (row,) = [line for line in text_of("explanation/plugins.md").splitlines() if line.startswith(f"| `{name}` |")]
    assert any(cell.strip() for cell in row.split("|")[2:5])


def test_every_part_of_the_context_is_in_the_contract() -> None:
    assert set(Capability.__subclasses__()) == {kind for kind in CONTRACT if kind is not Plugin}

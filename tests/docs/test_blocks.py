"""Code on the pages: Python compiles, data parses, and links lead somewhere."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, blocks, pages, prose_of

_LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_compiles_and_is_formatted_for_people(block: Block) -> None:
    tree = compile(block.text, str(block), "exec", flags=ast.PyCF_ONLY_AST, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    assert max(map(len, block.text.splitlines())) <= 120


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_json_parses(block: Block) -> None:
    assert json.loads(block.text)


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_toml_parses(block: Block) -> None:
    assert tomllib.loads(block.text)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_to_files(page: Path) -> None:
    links = [link.partition("#")[0] for link in _LINK.findall(prose_of(page)) if "://" not in link]
    assert [link for link in links if link and not (page.parent / link).exists()] == []


def test_every_fence_names_its_language() -> None:
    assert [str(block) for block in blocks("")] == []

"""Every refusal stands in the reference."""

from __future__ import annotations

import pytest

from gridkit_django.marketplace.packaging import Rule
from tests.docs.pages import text_of


@pytest.mark.parametrize("rule", list(Rule))
def test_refusal_stands_in_the_reference(rule: Rule) -> None:
    assert f"| `{rule.value}` |" in text_of("reference/packages.md")

"""Version ranges in PEP 440 and npm form."""

from __future__ import annotations

import pytest

from gridkit_django.plugins.ranges import admits, parse_range


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=1.2,<2", ["1.2", "1.9.9"], ["1.1", "2.0"]),
        ("^1.2.3", ["1.2.3", "1.9"], ["1.2.2", "2.0.0", "2.0.0rc1", "2.0.0.dev0"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "0.2.2"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4", "0.0.2"]),
        ("^0.0", ["0.0.9"], ["0.1"]),
        ("^0", ["0.9"], ["1.0"]),
        ("^1", ["1.0", "1.99"], ["2"]),
        ("~1.2.3", ["1.2.9"], ["1.3.0", "1.2.2"]),
        ("~1.2", ["1.2.9"], ["1.3"]),
        ("~1", ["1.9"], ["2.0"]),
        ("^ v1.0", ["1.5"], ["2.0"]),
        ("*", ["0.1", "99"], []),
        ("1.2.3", ["1.2.3"], ["1.2.4"]),
        (">=0.1", ["0.2rc1"], ["0.1.dev1"]),
    ],
)
def test_range_admits_what_its_form_means(text: str, inside: list[str], outside: list[str]) -> None:
    assert [version for version in [*inside, *outside] if admits(text, version)] == inside


@pytest.mark.parametrize("text", ["", "  ", "new", "^", "^1.2.3.4.5", ">>1", "1 - 2"])
def test_text_that_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="range"):
        parse_range(text)


def test_version_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="'new' is no version number"):
        admits("*", "new")

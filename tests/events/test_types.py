"""The catalogue of event types."""

from __future__ import annotations

import pytest

from gridkit_django.events import (
    ALIASES,
    EVENT_TYPES,
    INTERACTION_TYPES,
    SERVER_TYPES,
    Priority,
    canonical_type,
    matching_types,
)
from gridkit_django.exceptions import UnknownEventTypeError


def test_facts_and_interactions_do_not_overlap_and_make_up_the_catalogue() -> None:
    assert SERVER_TYPES.isdisjoint(INTERACTION_TYPES)
    assert SERVER_TYPES | INTERACTION_TYPES == EVENT_TYPES


@pytest.mark.parametrize("fact", ["row:create", "row:update", "row:delete", "cell:edit", "export:finish"])
def test_facts_about_rows_are_the_servers(fact: str) -> None:
    assert fact in SERVER_TYPES


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_canonical_name_stands_for_itself(name: str) -> None:
    assert canonical_type(name) == name


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("row:add", "row:create"),
        ("row:remove", "row:delete"),
        ("cell:update", "cell:edit"),
        ("filtering:change", "filter:apply"),
        ("sorting:change", "sort:change"),
        ("pagination:change", "page:change"),
    ],
)
def test_name_of_the_original_core_stands_for_the_canonical_one(alias: str, name: str) -> None:
    assert canonical_type(alias) == name
    assert matching_types(alias) == {name}


def test_no_alias_hides_a_type() -> None:
    assert EVENT_TYPES.isdisjoint(ALIASES)
    assert set(ALIASES.values()) <= EVENT_TYPES


@pytest.mark.parametrize("name", ["row:upsert", "ROW:UPDATE", "", "row", "row:*", "*"])
def test_name_outside_the_catalogue_is_refused_and_the_known_ones_are_named(name: str) -> None:
    with pytest.raises(UnknownEventTypeError, match=r"cell:edit, .*row:update"):
        canonical_type(name)


def test_namespace_pattern_covers_exactly_its_namespace() -> None:
    assert matching_types("row:*") == {"row:create", "row:update", "row:delete", "row:select", "row:deselect"}
    assert matching_types("export:*") == {"export:request", "export:finish"}


def test_star_covers_everything() -> None:
    assert matching_types("*") == EVENT_TYPES


@pytest.mark.parametrize("pattern", ["rows:*", ":*", "r*", "row:up*", "**", "row:upsert"])
def test_pattern_that_can_never_fire_is_refused(pattern: str) -> None:
    with pytest.raises(UnknownEventTypeError):
        matching_types(pattern)


def test_priorities_are_called_from_immediate_to_low() -> None:
    assert sorted(Priority, key=lambda priority: priority.rank) == [
        Priority.IMMEDIATE,
        Priority.HIGH,
        Priority.NORMAL,
        Priority.LOW,
    ]

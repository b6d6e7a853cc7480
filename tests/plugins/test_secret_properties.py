"""Whatever the shape of a configuration: no secret is stored or shown in clear, and every one comes back."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gridkit_django.plugins.encryption import SEAL, Keyring
from gridkit_django.plugins.masks import restore_secrets
from gridkit_django.plugins.secret_values import (
    DEFAULT_MASK,
    MASK,
    mask_secrets,
    open_secrets,
    seal_secrets,
    seal_stored,
    sealed_in,
    secrets_in,
)

KEYS = Keyring(["only for tests"])
MARK = "§"
"""Every generated secret begins with it, and nothing else holds it."""

PLAIN_TEXT = st.text(st.characters(exclude_characters=MARK, exclude_categories=["Cs"]), max_size=8).filter(
    lambda text: text not in {MASK, DEFAULT_MASK}
)
TOKENS = st.sampled_from(["gAAAAAB", "gAAAA"])
"""Looks like the token of a sealed value."""
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | PLAIN_TEXT
SECRETS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(lambda text: MARK + text)
NAMES = st.sampled_from(["a", "b", "c/d", "~", SEAL, "ünï"])

Shape = tuple[dict[str, Any], Any]
"""A JSON Schema, and a value that follows it."""


def _object(members: dict[str, Shape]) -> Shape:
    schema = {"type": "object", "properties": {name: schema for name, (schema, _) in members.items()}}
    return schema, {name: value for name, (_, value) in members.items()}


def _list(items: tuple[dict[str, Any], list[Any]]) -> Shape:
    return {"type": "array", "items": items[0]}, items[1]


def _optional(shape: Shape) -> Shape:
    return {"anyOf": [shape[0], {"type": "null"}]}, shape[1]


def _free(shape: Shape) -> Shape:
    """The value is no longer described by name, but by what all other names have."""
    return {"type": "object", "additionalProperties": shape[0]}, {"free": shape[1]}


SECRET_PLACE = st.sampled_from([{"type": "string", "writeOnly": True}])
LEAVES = st.tuples(st.just({}), SCALARS) | st.tuples(SECRET_PLACE, SECRETS | st.just("") | st.none())
SECRET_LISTS = st.tuples(SECRET_PLACE, st.lists(SECRETS, max_size=3)).map(_list)
LOOKALIKES = TOKENS.map(lambda token: _object({SEAL: ({"type": "string"}, token)}))
SHAPES = st.recursive(
    LEAVES | SECRET_LISTS | LOOKALIKES,
    lambda inner: st.dictionaries(NAMES, inner, max_size=4).map(_object) | inner.map(_optional) | inner.map(_free),
    max_leaves=12,
)
CONFIGS = st.dictionaries(NAMES, SHAPES, max_size=5).map(_object)


@settings(deadline=None)
@given(CONFIGS)
def test_sealed_configuration_opens_to_what_it_was_and_holds_no_secret(shape: Shape) -> None:
    schema, values = shape
    sealed = seal_secrets(values, schema, KEYS)
    assert open_secrets(sealed, KEYS) == values
    assert MARK not in json.dumps(sealed, ensure_ascii=False)
    assert seal_stored(sealed, [schema], KEYS) == sealed


@settings(deadline=None)
@given(CONFIGS)
def test_masked_configuration_shows_no_secret_with_or_without_its_schema(shape: Shape) -> None:
    schema, values = shape
    sealed = seal_secrets(values, schema, KEYS)
    for shown in (mask_secrets(sealed, {}), mask_secrets(sealed, schema), mask_secrets(values, schema)):
        assert MARK not in json.dumps(shown, ensure_ascii=False)


@settings(deadline=None)
@given(CONFIGS)
def test_masked_configuration_that_comes_back_is_the_stored_one(shape: Shape) -> None:
    schema, values = shape
    stored = seal_secrets(values, schema, KEYS)
    submitted = seal_secrets(mask_secrets(stored, schema), schema, KEYS)
    assert open_secrets(restore_secrets(submitted, stored, schema), KEYS) == values


@settings(deadline=None)
@given(CONFIGS)
def test_stored_rows_of_before_encryption_are_read_the_same_and_sealed(shape: Shape) -> None:
    schema, values = shape
    assume(not sealed_in(values))  # what lies in a table and looks sealed is taken to be sealed
    assert mask_secrets(values, schema) == mask_secrets(seal_stored(values, [schema], KEYS), schema)
    older = Keyring(["older"])
    sealed = seal_stored(values, [schema], older)
    newer = Keyring(["newer", "older"])
    renewed = seal_stored(sealed, [schema], newer)
    found = secrets_in(values, schema)
    assert open_secrets(renewed, Keyring(["newer"])) == open_secrets(sealed, older)
    assert (renewed == sealed) is (not found and json.dumps(sealed) == json.dumps(values))


@settings(deadline=None)
@given(CONFIGS)
def test_secret_that_lost_its_place_in_the_schema_stays_sealed(shape: Shape) -> None:
    schema, values = shape
    secrets = secrets_in(values, schema)
    sealed = seal_secrets(values, {}, KEYS, known=secrets)
    assert MARK not in json.dumps(sealed, ensure_ascii=False)
    assert open_secrets(sealed, KEYS) == values

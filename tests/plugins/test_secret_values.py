"""Secrets are masked by schema, and masks that come back stand for what is stored."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from gridkit_django.exceptions import PluginConfigError
from gridkit_django.plugins.masks import restore_secrets
from gridkit_django.plugins.secret_values import DEFAULT_MASK, MASK, mask_secrets


class Account(BaseModel):
    user: str = ""
    token: SecretStr | None = None


class Tree(BaseModel):
    key: SecretStr = SecretStr("")
    below: list[Tree] = []


class Config(BaseModel):
    name: str = ""
    password: SecretStr = SecretStr("")
    account: Account = Account()
    accounts: list[Account] = []
    keys: list[SecretStr] = []
    by_name: dict[str, SecretStr] = {}
    tree: Tree | None = None


SCHEMA = Config.model_json_schema()
STORED: dict[str, Any] = {
    "name": "n",
    "password": "p1",
    "account": {"user": "u", "token": "t1"},
    "accounts": [{"user": "a", "token": "t2"}, {"user": "b", "token": ""}],
    "keys": ["k1", "k2"],
    "by_name": {"x": "s1"},
    "tree": {"key": "r", "below": [{"key": "b", "below": []}]},
}


def test_every_secret_is_masked_and_nothing_else() -> None:
    assert mask_secrets(STORED, SCHEMA) == {
        "name": "n",
        "password": MASK,
        "account": {"user": "u", "token": MASK},
        "accounts": [{"user": "a", "token": MASK}, {"user": "b", "token": ""}],
        "keys": [MASK, MASK],
        "by_name": {"x": MASK},
        "tree": {"key": MASK, "below": [{"key": MASK, "below": []}]},
    }


def test_masks_come_back_as_what_is_stored() -> None:
    assert restore_secrets(mask_secrets(STORED, SCHEMA), STORED, SCHEMA) == STORED


def test_new_secret_replaces_the_stored_one_and_an_empty_one_clears_it() -> None:
    restored = restore_secrets({"password": "", "account": {"token": "new"}}, STORED, SCHEMA)
    assert restored == {"password": "", "account": {"token": "new"}}


def test_mask_that_stands_for_nothing_is_refused_with_its_place() -> None:
    submitted = {"password": MASK, "keys": [MASK, "k"], "account": {"token": MASK}}
    with pytest.raises(PluginConfigError, match="Enter the secret") as caught:
        restore_secrets(submitted, {"account": "odd"}, SCHEMA)
    assert [item.pointer for item in caught.value.errors] == ["/password", "/keys/0", "/account/token"]


def test_mask_of_a_default_is_left_out_where_nothing_is_stored() -> None:
    assert restore_secrets({"password": DEFAULT_MASK, "name": DEFAULT_MASK}, {}, SCHEMA) == {"name": DEFAULT_MASK}
    assert restore_secrets({"keys": [DEFAULT_MASK]}, {}, SCHEMA) == {"keys": []}
    assert restore_secrets({"password": DEFAULT_MASK}, STORED, SCHEMA) == {"password": "p1"}


def test_items_of_a_list_are_found_again_wherever_they_moved_to() -> None:
    accounts = [{"user": "b", "token": MASK}, {"user": "a", "token": MASK}, {"user": "c", "token": "new"}]
    stored = {"accounts": [{"user": "a", "token": "t1"}, {"user": "b", "token": "t2"}]}
    restored = restore_secrets({"accounts": accounts}, stored, SCHEMA)
    assert [item["token"] for item in restored["accounts"]] == ["t2", "t1", "new"]
    assert restore_secrets({"accounts": accounts[:1]}, stored, SCHEMA)["accounts"] == [{"user": "b", "token": "t2"}]


def test_item_that_was_changed_where_it_stands_keeps_its_secret() -> None:
    stored = {"accounts": [{"user": "a", "token": "t1"}, {"user": "b", "token": "t2"}]}
    submitted = {"accounts": [{"user": "a", "token": MASK}, {"user": "renamed", "token": MASK}]}
    restored = restore_secrets(submitted, stored, SCHEMA)
    assert [item["token"] for item in restored["accounts"]] == ["t1", "t2"]


def test_item_that_could_be_any_of_several_is_refused_instead_of_guessed() -> None:
    assert restore_secrets({"keys": [MASK, MASK, "k3"]}, STORED, SCHEMA)["keys"] == ["k1", "k2", "k3"]
    for keys in ([MASK], [MASK, MASK, MASK]):
        with pytest.raises(PluginConfigError) as caught:
            restore_secrets({"keys": keys}, STORED, SCHEMA)
        assert caught.value.errors[-1].pointer == f"/keys/{len(keys) - 1}"


def test_secret_of_any_alternative_is_a_secret() -> None:
    schema = {
        "properties": {
            "login": {
                "oneOf": [
                    {"properties": {"key": {"type": "string"}}},
                    {"properties": {"key": {"type": "string", "writeOnly": True}}},
                ]
            },
            "pair": {"prefixItems": [{"type": "string"}, {"writeOnly": True}], "items": {"writeOnly": True}},
        },
        "patternProperties": {"^x-": {"writeOnly": True}},
        "additionalProperties": {"$ref": "#/$defs/a~1b"},
        "$defs": {"a/b": {"properties": {"z": {"writeOnly": True}}}, "far": {"$ref": "elsewhere.json"}},
    }
    values = {"login": {"key": "s"}, "pair": ["open", "s", "s"], "x-1": "s", "other": {"z": "s"}}
    masked = mask_secrets(values, schema)
    assert masked == {"login": {"key": MASK}, "pair": ["open", MASK, MASK], "x-1": MASK, "other": {"z": MASK}}
    broken = {"patternProperties": {"(?!broken": {"writeOnly": True}}}
    assert mask_secrets({"any": "s"}, broken) == {"any": MASK}
    lost = {"properties": {"a": {"$ref": "#/$defs/none"}, "b": {"$ref": "elsewhere.json"}}}
    assert mask_secrets({"a": 1, "b": 2}, lost) == {"a": 1, "b": 2}


def test_text_that_looks_like_a_mask_is_kept_where_no_secret_is_expected() -> None:
    assert restore_secrets({"name": MASK}, STORED, SCHEMA) == {"name": MASK}


def test_unknown_keys_and_circular_schemas_are_passed_through() -> None:
    circular = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}
    assert mask_secrets({"x": {"y": 1}}, circular) == {"x": {"y": 1}}

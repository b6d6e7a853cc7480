"""Secrets are masked by schema, and masks that come back stand for what is stored."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, SecretStr

from gridkit_django.plugins.secret_values import MASK, mask_secrets, restore_secrets


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


def test_mask_without_a_stored_secret_is_dropped() -> None:
    submitted = {"password": MASK, "keys": [MASK, "k"], "account": {"token": MASK}}
    assert restore_secrets(submitted, {"account": "odd"}, SCHEMA) == {"keys": ["k"], "account": {}}


def test_text_that_looks_like_a_mask_is_kept_where_no_secret_is_expected() -> None:
    assert restore_secrets({"name": MASK}, STORED, SCHEMA) == {"name": MASK}


def test_unknown_keys_and_circular_schemas_are_passed_through() -> None:
    circular = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}
    assert mask_secrets({"x": {"y": 1}}, circular) == {"x": {"y": 1}}

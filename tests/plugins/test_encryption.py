"""Secrets at rest: sealed with the newest key, readable with every key, and with no other."""

from __future__ import annotations

import pytest
from django.test import override_settings

from gridkit_django.exceptions import PluginConfigError, PluginSecretError
from gridkit_django.plugins.encryption import SEAL, Keyring, is_sealed
from gridkit_django.plugins.secret_values import (
    DEPTH_MAX,
    MASK,
    mask_secrets,
    open_secrets,
    seal_secrets,
    seal_stored,
    secrets_in,
    without_secrets,
)

SCHEMA = {"properties": {"password": {"writeOnly": True}, "deep": {}, "name": {"type": "string"}}}
OLD, NEW = Keyring(["old phrase"]), Keyring(["new phrase", "old phrase"])


@pytest.mark.parametrize("value", ["s3cret", "", "ünïcode \ud800", 0, None, False, [1, "x"], {"a": {"b": 1.5}}])
def test_sealed_value_comes_back_as_it_was(value: object) -> None:
    sealed = OLD.seal(value)
    assert is_sealed(sealed)
    assert OLD.unseal(sealed) == value


def test_same_value_never_looks_the_same_twice() -> None:
    assert OLD.seal("s3cret") != OLD.seal("s3cret")


def test_older_key_still_reads_and_the_newest_one_writes() -> None:
    assert NEW.unseal(OLD.seal("s")) == "s"
    with pytest.raises(PluginSecretError):
        OLD.unseal(NEW.seal("s"))


def test_renewing_touches_only_what_an_older_key_sealed() -> None:
    sealed = OLD.seal("s")
    renewed = NEW.renewed(sealed)
    assert renewed != sealed
    assert NEW.renewed(renewed) == renewed
    assert Keyring(["new phrase"]).unseal(renewed) == "s"
    with pytest.raises(PluginSecretError):
        Keyring(["third"]).renewed(sealed)


@pytest.mark.parametrize("token", ["", "x", "gAAAAA", "ünïcode"])
def test_token_that_is_none_is_told_like_a_wrong_key(token: str) -> None:
    with pytest.raises(PluginSecretError, match="ENCRYPTION_KEYS"):
        OLD.unseal({SEAL: token})


def test_site_without_keys_uses_its_secret_key_and_goes_on_reading_it_later() -> None:
    with override_settings(SECRET_KEY="first", SECRET_KEY_FALLBACKS=[]):
        sealed = Keyring.of_site().seal("s")
    with override_settings(SECRET_KEY="second", SECRET_KEY_FALLBACKS=["first"]):
        assert Keyring.of_site().unseal(sealed) == "s"
    with override_settings(SECRET_KEY="first", GRIDKIT={"ENCRYPTION_KEYS": ["own"]}):
        assert Keyring.of_site().unseal(sealed) == "s"
        own = Keyring.of_site().renewed(sealed)
    with override_settings(SECRET_KEY="third", GRIDKIT={"ENCRYPTION_KEYS": ["own"]}):
        assert Keyring.of_site().unseal(own) == "s"
        with pytest.raises(PluginSecretError, match="gridkit_rotate_secrets"):
            Keyring.of_site().unseal(sealed)


def test_unreadable_secrets_are_named_by_place_and_nothing_is_shown() -> None:
    values = {"password": OLD.seal("s"), "deep": [{"a/b": OLD.seal("t")}], "name": "n"}
    with pytest.raises(PluginSecretError, match="/password, /deep/0/a~1b") as caught:
        open_secrets(values, Keyring(["other"]))
    assert [item.pointer for item in caught.value.errors] == ["/password", "/deep/0/a~1b"]
    assert mask_secrets(values, {}) == {"password": MASK, "deep": [{"a/b": MASK}], "name": "n"}


def test_value_that_only_looks_sealed_is_taken_as_the_plain_value_it_is() -> None:
    token = OLD.seal("somebody else's")
    sealed = seal_secrets({"password": token, "deep": {"inner": token}}, SCHEMA, OLD)
    assert open_secrets(sealed, OLD) == {"password": token, "deep": {"inner": token}}
    plain = {"deep": {SEAL: "no token"}, "name": {SEAL: 7}}
    assert seal_secrets(plain, SCHEMA, OLD) == plain == open_secrets(plain, OLD) == mask_secrets(plain, SCHEMA)


def test_value_that_was_secret_is_sealed_wherever_it_turns_up() -> None:
    values = {"name": "s3cret", "deep": ["other", "s3cret"], "password": ""}
    sealed = seal_secrets(values, SCHEMA, OLD, known=["s3cret", "", 0])
    assert mask_secrets(sealed, {}) == {"name": MASK, "deep": ["other", MASK], "password": ""}
    assert open_secrets(sealed, OLD) == values


def test_stored_values_are_sealed_where_any_of_the_schemas_sees_a_secret() -> None:
    stored = {"password": "plain", "name": "n", "deep": OLD.seal("d")}
    sealed = seal_stored(stored, [SCHEMA, {"properties": {"name": {"writeOnly": True}}}], NEW)
    assert mask_secrets(sealed, {}) == {"password": MASK, "name": MASK, "deep": MASK}
    assert seal_stored(sealed, [SCHEMA], NEW) == sealed
    assert seal_stored({"a": 1}, [], NEW) == {"a": 1}


def test_configuration_without_end_is_refused() -> None:
    deep: object = "x"
    for _ in range(DEPTH_MAX + 1):
        deep = [deep]
    with pytest.raises(PluginConfigError, match="levels"):
        seal_secrets({"deep": deep}, SCHEMA, OLD)


def test_secrets_are_taken_out_of_a_text_the_longest_first() -> None:
    secrets = secrets_in({"password": {"k": "s3cret", "l": ["s3cret-2", 'quo"ted', 12345, "abc", None]}}, SCHEMA)
    text = without_secrets("s3cret-2 s3cret 'quo\"ted' quo\\\"ted 12345 abc", secrets)
    assert text == f"{MASK} {MASK} '{MASK}' {MASK} {MASK} abc"

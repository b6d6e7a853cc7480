"""The ``GRIDKIT`` settings dict: typed, complete, refused when wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from gridkit_django.conf import GridKitSettings, SettingsReader, read_settings, settings
from gridkit_django.exceptions import SettingsError


def test_empty_dict_gives_the_defaults() -> None:
    assert read_settings({}) == GridKitSettings()


def test_values_take_the_place_of_the_defaults_and_lists_become_tuples() -> None:
    pins = {"@gridkit/plugin-export": {"formats": ["csv"]}}
    found = read_settings(
        {
            "PAGE_SIZE": 25,
            "EVENT_MIDDLEWARE": ["a.b", "c.d"],
            "PLUGIN_PINS": pins,
            "PLUGINS_SAFE_MODE": True,
            "HOT_RELOAD": False,
            "THROTTLE_RATES": {"rows": "10/s", "edits": None},
        }
    )
    assert found == GridKitSettings(
        PAGE_SIZE=25,
        EVENT_MIDDLEWARE=("a.b", "c.d"),
        PLUGIN_PINS=pins,
        PLUGINS_SAFE_MODE=True,
        HOT_RELOAD=False,
        THROTTLE_RATES={"rows": "10/s", "edits": None},
    )


def test_path_stands_for_its_text() -> None:
    assert read_settings({"PLUGIN_ROOT": Path("site") / "plugins"}).PLUGIN_ROOT == "site/plugins"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("PAGE_SIZE", "100"),
        ("PAGE_SIZE", 1.5),
        ("PAGE_SIZE", True),
        ("PAGE_SIZE", None),
        ("PAGE_SIZE", 0),
        ("OFFSET_MAX", -1),
        ("PLUGINS_SAFE_MODE", 1),
        ("PLUGINS_SAFE_MODE", None),
        ("HOT_RELOAD", "yes"),
        ("PLUGIN_ROOT", 3),
        ("EXPORT_STORAGE", None),
        ("EVENT_MIDDLEWARE", "a.b"),
        ("EVENT_MIDDLEWARE", [1]),
        ("PLUGIN_PINS", []),
        ("PLUGIN_PINS", {"p": 1}),
        ("THROTTLE_RATES", None),
        ("THROTTLE_RATES", {"rows": 5}),
    ],
)
def test_value_of_the_wrong_type_is_refused_with_its_key(key: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=f"GRIDKIT in the Django settings is wrong: {key}"):
        read_settings({key: value})


def test_none_is_taken_where_it_means_something() -> None:
    found = read_settings({"PLUGIN_ROOT": None, "HOT_RELOAD": None, "OFFSET_MAX": 0})
    assert (found.PLUGIN_ROOT, found.HOT_RELOAD, found.OFFSET_MAX) == (None, None, 0)


def test_unknown_key_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(SettingsError, match=r"unknown key 'PAGESIZE' \(known: AUDIT_.*PAGE_SIZE, "):
        read_settings({"PAGESIZE": 1})


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"PAGESIZE": 1, 3: 1, "PAGE_SIZE": "x", "THROTTLE_RATES": {"rows": 5}})
    for part in ("unknown key 'PAGESIZE'", "unknown key 3", "PAGE_SIZE: ", "THROTTLE_RATES.rows"):
        assert part in caught.value.detail


@pytest.mark.parametrize("raw", [None, [], "PAGE_SIZE"])
def test_anything_but_a_dict_is_refused(raw: Any) -> None:
    with pytest.raises(SettingsError, match="Make it a dict"):
        read_settings(raw)


def test_overridden_settings_are_read_again_and_restored() -> None:
    before = settings().PAGE_SIZE
    with override_settings(GRIDKIT={"PAGE_SIZE": before + 1}):
        assert before + 1 == settings().PAGE_SIZE
    assert before == settings().PAGE_SIZE


def test_values_are_kept_until_gridkit_changes() -> None:
    reader = SettingsReader()
    first = reader()
    reader.forget(setting="TIME_ZONE")
    assert reader() is first
    reader.forget(setting="GRIDKIT")
    assert reader() is not first


def test_project_without_the_dict_gets_the_defaults() -> None:
    reader = SettingsReader()
    with override_settings():
        del django_settings.GRIDKIT
        assert reader() == GridKitSettings()

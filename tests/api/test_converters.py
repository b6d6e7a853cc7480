"""Ids in paths: plugin ids with their scope, and primary keys with slashes."""

from __future__ import annotations

import pytest
from django.urls import resolve, reverse


@pytest.mark.parametrize("plugin", ["@gridkit/plugin-export", "simple", "@a.b/c_d.e"])
@pytest.mark.parametrize("name", ["plugin", "plugin-activate", "plugin-grants"])
def test_plugin_id_stands_in_the_path_as_it_is(plugin: str, name: str) -> None:
    address = reverse(f"gridkit:{name}", kwargs={"plugin": plugin})
    assert f"/plugins/{plugin}/" in address
    match = resolve(address)
    assert (match.url_name, match.kwargs) == (name, {"plugin": plugin})


def test_list_of_available_plugins_is_no_plugin() -> None:
    assert resolve("/gridkit/api/plugins/available/").url_name == "plugin-available"


@pytest.mark.parametrize("path", ["@only-a-scope", "Capital", "a/b", "@a/b/c", "@/b", "-x", "a%2Fb"])
def test_what_is_no_plugin_id_leads_nowhere(path: str) -> None:
    assert resolve(f"/gridkit/api/plugins/{path}/").url_name is None


@pytest.mark.parametrize("key", [7, "a-b", "a/b", "ü €"])
def test_row_key_stands_in_the_path(key: object) -> None:
    address = reverse("gridkit:record", kwargs={"grid": "x", "record": key})
    assert address.startswith("/gridkit/api/grids/x/records/")
    assert resolve("/gridkit/api/grids/x/records/a/b/").kwargs == {"grid": "x", "record": "a/b"}

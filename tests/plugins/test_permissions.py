"""Names of permissions, wildcards, and the table that decides."""

from __future__ import annotations

import pytest

from gridkit_django.exceptions import PluginPermissionError
from gridkit_django.plugins import GrantTable, Permission
from gridkit_django.plugins.permissions import checked_grant, checked_permission


def test_nothing_is_allowed_by_default() -> None:
    assert not any(GrantTable().allows(name) for name in Permission)


@pytest.mark.parametrize("name", ["rows:read", "network:api.example.org", "network:localhost:8080"])
def test_permission_with_known_name_is_taken(name: str) -> None:
    assert checked_permission(name) == name


@pytest.mark.parametrize(
    "name", ["rows", "rows:fly", "rows:*", "*", "network:", "network:*.example.org", "network:a b", "network:-a"]
)
def test_unknown_permission_and_wildcard_are_refused_where_one_permission_is_asked(name: str) -> None:
    with pytest.raises(PluginPermissionError, match="rows:read"):
        checked_permission(name)


@pytest.mark.parametrize("name", ["*", "rows:*", "network:*", "network:*.example.org", "audit:write"])
def test_grant_may_be_a_wildcard(name: str) -> None:
    assert checked_grant(name) == name


@pytest.mark.parametrize("name", ["fly:*", "rows:r*", "network:*.", "**"])
def test_grant_that_covers_nothing_is_refused(name: str) -> None:
    with pytest.raises(PluginPermissionError):
        checked_grant(name)


@pytest.mark.parametrize(
    ("granted", "revoked", "permission", "allowed"),
    [
        (["rows:read"], [], "rows:read", True),
        (["rows:read"], [], "rows:write", False),
        (["rows:*"], [], "rows:write", True),
        (["*"], [], "network:a.org", True),
        (["*"], ["rows:write"], "rows:write", False),
        (["rows:write"], ["rows:write"], "rows:write", False),
        (["rows:write"], ["rows:*"], "rows:write", False),
        (["rows:*"], ["rows:write"], "rows:read", True),
        (["network:*.a.org"], [], "network:b.a.org", True),
        (["network:*.a.org"], [], "network:a.org", False),
        (["network:*.a.org"], [], "network:b.c.org", False),
        (["network:*.a.org"], [], "rows:read", False),
    ],
)
def test_revoke_beats_every_grant(granted: list[str], revoked: list[str], permission: str, allowed: bool) -> None:
    assert GrantTable.of(granted, revoked).allows(permission) is allowed


def test_require_names_plugin_and_permission() -> None:
    with pytest.raises(PluginPermissionError, match="plugin p needs the permission 'rows:read'") as caught:
        GrantTable().require("p", Permission.ROWS_READ)
    assert caught.value.extra == {"plugin": "p", "permission": "rows:read"}


def test_missing_keeps_the_order_of_the_question() -> None:
    table = GrantTable.of(["rows:*"])
    assert table.missing(["storage:use", "rows:read", "audit:write"]) == ("storage:use", "audit:write")


def test_network_permission_is_made_in_small_letters() -> None:
    assert Permission.network("API.example.org") == "network:api.example.org"

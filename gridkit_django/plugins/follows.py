"""What a plugin lets the audit trail follow: it counts while the plugin is at work and may write records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

from gridkit_django.audit import AuditPolicy, audit_policies
from gridkit_django.audit.policies import read_policy
from gridkit_django.grids import Grid
from gridkit_django.plugins.destinations import Wish
from gridkit_django.plugins.permissions import GrantTable, Permission
from gridkit_django.typing import JSONObject

_OF_COLUMNS = ("fields", "exclude", "mask", "encrypt")


class Follows:
    """The audit policies of one plugin object.

    Args:
        plugin_id: the plugin.
        grants: what it may do.

    Attributes:
        destination: where it lets the trail be sent, or None.
    """

    def __init__(self, plugin_id: str, grants: GrantTable) -> None:
        # Two objects of one plugin stand side by side while it is reloaded; neither takes the policies of the other.
        self._owner = f"{plugin_id} {uuid4()}"
        self._policies: dict[str, AuditPolicy] = {}
        self._grants = grants
        self.destination: Wish | None = None

    @property
    def models(self) -> frozenset[str]:
        """The labels of the models that it lets the trail follow."""
        return frozenset(policy.model_label for policy in self._policies.values())

    def put(self, policy: AuditPolicy) -> None:
        """Follow a grid by this policy.

        Raises:
            AuditPolicyError: when it names a field that there is not.
        """
        kept = dict(self._policies)
        self._policies[policy.grid] = policy
        try:
            self._apply()
        except Exception:
            self._policies = kept
            raise

    def allow(self, grants: GrantTable) -> None:
        """Go by these permissions from now on."""
        self._grants = grants
        if self._policies:
            self._apply()

    def release(self) -> None:
        """Follow nothing any more, and send nothing."""
        self.destination = None
        if self._policies:
            self._policies = {}
            self._apply()

    def _apply(self) -> None:
        allowed = self._grants.allows(Permission.AUDIT_WRITE)
        audit_policies().set(self._owner, self._policies.values() if allowed else ())


def grid_policy(grid: type[Grid], options: JSONObject) -> AuditPolicy:
    """Return the policy for the model behind a grid.

    Args:
        grid: the grid.
        options: those of an audit policy, with ids of columns where it has names of fields. Columns that the grid does
            not have are left out; of those that show another model only the values that people ask for are hidden.

    Raises:
        AuditPolicyError: when an option is wrong.
    """
    fields = {name: column.field.name for name, column in grid.columns().items() if column.own}
    read: dict[str, Any] = {
        name: _fields(value, fields) if name in _OF_COLUMNS else value for name, value in options.items()
    }
    for name in ("subject", "label"):
        if read.get(name):
            read[name] = fields.get(read[name], "")
    if "label" not in read:
        read["label"] = _label(grid, fields, read)
    if isinstance(forms := read.get("mask_forms"), Mapping):
        read["mask_forms"] = {fields[name]: form for name, form in forms.items() if name in fields}
    policy = read_policy(grid.options.model._meta.label_lower, {**read, "grid": grid.options.id})
    hidden = {*options.get("mask", ()), *options.get("encrypt", ())}  # type: ignore[misc]
    return replace(policy, columns=frozenset(hidden & grid.columns().keys() - fields.keys()))


def _label(grid: type[Grid], fields: dict[str, str], read: Mapping[str, Any]) -> str | None:
    """Return the field that ``Meta.audit_label`` names; None when the plugin hides it: no other takes its place."""
    name = grid.options.audit_label
    if not name:
        return ""
    listed = {option: value for option, value in read.items() if option in _OF_COLUMNS and isinstance(value, list)}
    hidden = any(fields[name] in listed.get(option, ()) for option in ("mask", "encrypt", "exclude"))
    return None if hidden or fields[name] not in listed.get("fields", fields.values()) else fields[name]


def _fields(columns: Any, fields: dict[str, str]) -> Any:
    return [fields[name] for name in columns if name in fields] if isinstance(columns, Iterable) else columns

"""What strict mode leaves to Django: triggers have no keys, so encrypted values of the ORM's writes are told beside.

The record that a trigger writes is never touched or left out; the values follow in a record of their own.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from gridkit_django.audit.policies import AuditPolicy, PolicyTable

VALUES = "row.values"
"""The encrypted values of a change that the database recorded without them."""

_OWNER = "withheld"


def with_withheld(table: PolicyTable, strict: frozenset[str]) -> tuple[PolicyTable, frozenset[str]]:
    """Return the policies for a database that follows some models itself, and of which of these values are told beside.

    Args:
        table: all policies.
        strict: the models that the database follows.
    """
    held = {label: table.effective(label) for label in strict}
    beside = {label: _values_of(policy) for label, policy in held.items() if policy is not None and _withholds(policy)}
    if not beside:
        return table, frozenset()
    others = {
        owner: tuple(policy for policy in policies if policy.model_label not in beside)
        for owner, policies in table.by_owner.items()
    }
    return PolicyTable(MappingProxyType({**others, _OWNER: tuple(beside.values())})), frozenset(beside)


def _withholds(policy: AuditPolicy) -> bool:
    return bool(policy.encrypt - policy.mask)


def _values_of(policy: AuditPolicy) -> AuditPolicy:
    """Return the policy that tells encrypted values only; whom they speak of must be read, too."""
    hidden = policy.encrypt - policy.mask
    return replace(
        policy,
        fields=hidden | ({policy.subject} - {""}),
        exclude=frozenset(name for name in hidden if not policy.follows(name)),
        mask=frozenset(),
        mask_forms=MappingProxyType({}),
        encrypt=hidden,
        grid="",
        reason_required=False,
        fail_open=False,
    )

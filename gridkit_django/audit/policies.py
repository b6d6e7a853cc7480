"""Which models the audit trail follows, and how: immutable policies in one table that is swapped whole."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from pydantic import TypeAdapter, ValidationError

from gridkit_django.audit.labels import check_label
from gridkit_django.audit.masks import MASK_FORMS
from gridkit_django.audit.targets import ModelClass
from gridkit_django.exceptions import AuditPolicyError

CREATE, UPDATE, DELETE = "row.create", "row.update", "row.delete"
ACTIONS = frozenset({CREATE, UPDATE, DELETE})

SETTINGS = "settings"
"""The owner of the policies in ``GRIDKIT["AUDIT_MODELS"]``."""

_OWN_APP = "gridkit_django"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPolicy:
    """How the rows of one model are followed.

    Attributes:
        model_label: ``app_label.model`` in lower case; a proxy model stands for the model behind it.
        grid: id of the grid whose edits it is about; empty for every write.
        actions: which of ``row.create``, ``row.update`` and ``row.delete`` leave a record.
        fields: names of the fields that are followed; None for all, many-to-many fields included.
        exclude: names of fields that are not followed.
        mask: names of fields whose values are never stored; that they changed is.
        mask_forms: names of masked fields to how a part of their values may be told, see ``privacy.MASK_FORMS``.
        encrypt: names of fields whose values are stored encrypted.
        columns: ids of columns of the grid that show another model, and whose values in questions are never stored.
        subject: name of the field that says whom a row speaks of; empty for the row itself.
        label: name of the field whose value names a row to people in its records; empty for the first of ``name``,
            ``title``, ``label``, ``username``, ``code``, ``number`` and ``slug`` that the model has, None for no label.
        include_metadata: whether records say request id, address and browser.
        reason_required: whether a person must give a reason.
        strict: whether triggers of the database follow the model, where it has them (PostgreSQL).
        retention: how long records are kept, for example ``7y``; empty for the site's rule.
        views: the share of looks at rows that leave a record, 0 to 1.
        fail_open: whether a write goes through when its record can't be written; a gap is recorded then.
    """

    model_label: str
    grid: str = ""
    actions: frozenset[str] = ACTIONS
    fields: frozenset[str] | None = None
    exclude: frozenset[str] = frozenset()
    mask: frozenset[str] = frozenset()
    mask_forms: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    encrypt: frozenset[str] = frozenset()
    columns: frozenset[str] = frozenset()
    subject: str = ""
    label: str | None = ""
    include_metadata: bool = True
    reason_required: bool = False
    strict: bool = False
    retention: str = ""
    views: float = 0.0
    fail_open: bool = False

    def follows(self, name: str) -> bool:
        """Whether changes of the field leave a record."""
        return name not in self.exclude and (self.fields is None or name in self.fields)

    @property
    def is_open(self) -> bool:
        """Whether it hides no value, asks for no reason, and lets no write through without its record."""
        return not (self.mask or self.encrypt or self.reason_required or self.fail_open)

    def joined(self, other: AuditPolicy) -> AuditPolicy:
        """Return the policy that follows what either follows, and hides what either hides."""
        both_all = self.fields is None or other.fields is None
        return replace(
            self,
            actions=self.actions | other.actions,
            fields=None if both_all else (self.fields or frozenset()) | (other.fields or frozenset()),
            exclude=self.exclude & other.exclude,
            mask=self.mask | other.mask,
            mask_forms=_joined_forms(self, other),
            encrypt=self.encrypt | other.encrypt,
            columns=self.columns | other.columns,
            subject=self.subject or other.subject,
            label=None if self.label is None or other.label is None else self.label or other.label,
            include_metadata=self.include_metadata and other.include_metadata,
            reason_required=self.reason_required or other.reason_required,
            strict=self.strict or other.strict,
            retention=self.retention or other.retention,
            views=max(self.views, other.views),
            fail_open=self.fail_open and other.fail_open,
        )


@dataclass(frozen=True, slots=True)
class PolicyTable:
    """All policies of this process at one moment.

    Attributes:
        by_owner: who declared them, to what was declared.
        by_model: model label to its policies.
        hides: whether any of them masks or encrypts a value.
    """

    by_owner: Mapping[str, tuple[AuditPolicy, ...]] = field(default_factory=dict)
    by_model: Mapping[str, tuple[AuditPolicy, ...]] = field(init=False)
    hides: bool = field(init=False)

    def __post_init__(self) -> None:
        """Sort the policies by model."""
        by_model: dict[str, tuple[AuditPolicy, ...]] = {}
        for owner in sorted(self.by_owner):
            for policy in self.by_owner[owner]:
                by_model[policy.model_label] = (*by_model.get(policy.model_label, ()), policy)
        object.__setattr__(self, "by_model", MappingProxyType(by_model))
        held = [policy for policies in by_model.values() for policy in policies]
        object.__setattr__(self, "hides", any(policy.mask or policy.encrypt or policy.columns for policy in held))

    def having(self, owner: str, policies: Sequence[AuditPolicy]) -> PolicyTable:
        """Return the table in which an owner has these policies, and no others."""
        others = {name: kept for name, kept in self.by_owner.items() if name != owner}
        return PolicyTable(MappingProxyType({**others, owner: tuple(policies)} if policies else others))

    def grids_of(self, model_label: str) -> frozenset[str]:
        """Return the grids that have a policy of their own for a model."""
        return frozenset(policy.grid for policy in self.by_model.get(model_label, ()) if policy.grid)

    def effective(self, model_label: str, grid: str = "") -> AuditPolicy | None:
        """Return the one policy that holds for a write, or None when it leaves no record.

        Policies for every write always hold. An edit through a grid that has a policy is judged by it, too; any other
        write by those of all grids together.

        Args:
            model_label: the model, in lower case.
            grid: id of the grid through which the write comes.
        """
        policies = self.by_model.get(model_label, ())
        chosen = [policy for policy in policies if not policy.grid]
        own = [policy for policy in policies if grid and policy.grid == grid]
        others = [replace(policy, reason_required=False) for policy in policies if policy.grid]
        joined: AuditPolicy | None = None
        for policy in (*chosen, *(own or others)):
            if policy.actions:
                joined = policy if joined is None else joined.joined(policy)
        return joined


class AuditPolicies:
    """Holds the policy table of this process; readers take the table as it stands, writers swap it whole.

    Args:
        on_change: is given each new table.
    """

    def __init__(self, on_change: Callable[[PolicyTable], None]) -> None:
        self._lock = threading.Lock()
        self._on_change = on_change
        self.table = PolicyTable()

    def set(self, owner: str, policies: Iterable[AuditPolicy]) -> None:
        """Let an owner have these policies instead of those that it had.

        Raises:
            AuditPolicyError: when a policy names a model or a field that there is not.
        """
        read = tuple(checked(policy) for policy in policies)
        with self._lock:
            table = self.table.having(owner, read)
            if table.by_owner == self.table.by_owner:
                return
            self._on_change(table)
            self.table = table

    def drop(self, owner: str) -> None:
        """Let the policies of an owner go."""
        self.set(owner, ())


def audit_policies() -> AuditPolicies:
    """Return the policies of this process."""
    config: Any = apps.get_app_config(_OWN_APP)
    found: AuditPolicies = config.audit_policies
    return found


def policies_of_settings(models: Mapping[str, Mapping[str, Any]]) -> list[AuditPolicy]:
    """Read ``GRIDKIT["AUDIT_MODELS"]``.

    Args:
        models: ``app_label.Model`` to options, named like the attributes of ``AuditPolicy``.

    Raises:
        AuditPolicyError: for an unknown model, field or option, or a value of the wrong type.
    """
    return [checked(read_policy(label, options)) for label, options in models.items()]


def read_policy(label: str, options: Mapping[str, Any]) -> AuditPolicy:
    """Read the policy of one model.

    Args:
        label: the model.
        options: named like the attributes of ``AuditPolicy``, as plain data.

    Raises:
        AuditPolicyError: for an unknown option, or a value of the wrong type.
    """
    known = {item.name for item in fields(AuditPolicy)} - {"model_label", "columns"}
    if unknown := sorted(options.keys() - known):
        told = f"{', '.join(unknown)} (known: {', '.join(sorted(known))})"
        raise AuditPolicyError(f"The audit policy of {label!r} has unknown options: {told}.")
    try:
        return TypeAdapter(AuditPolicy).validate_python({**options, "model_label": label})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise AuditPolicyError(f"The audit policy of {label!r} is wrong: {faults}.") from error


def checked(policy: AuditPolicy) -> AuditPolicy:
    """Return the policy with the label of the concrete model.

    Raises:
        AuditPolicyError: when it names a model, a field or an action that there is not, or the trail itself.
    """
    model = _model_of(policy.model_label)
    options = model._meta.concrete_model._meta  # type: ignore[union-attr]
    if is_trail(model):
        raise AuditPolicyError(f"{policy.model_label!r} is part of the audit trail, which can't follow itself.")
    named = (policy.fields or frozenset()) | policy.exclude | policy.mask | policy.encrypt
    for name in sorted(named | ({policy.subject, policy.label or ""} - {""})):
        try:
            options.get_field(name)
        except FieldDoesNotExist as error:
            raise AuditPolicyError(f"The audit policy of {policy.model_label!r} names no field: {name!r}.") from error
    _check_forms(policy)
    check_label(policy)
    if not policy.actions <= ACTIONS:
        unknown, known = ", ".join(sorted(policy.actions - ACTIONS)), ", ".join(sorted(ACTIONS))
        raise AuditPolicyError(f"The audit policy of {policy.model_label!r} has {unknown}; it may have {known}.")
    return replace(policy, model_label=options.label_lower)


def _joined_forms(one: AuditPolicy, other: AuditPolicy) -> Mapping[str, str]:
    """Return the forms that every policy agrees on which masks the field; otherwise it is masked whole."""
    forms = {**one.mask_forms, **other.mask_forms}
    agreed = {name: form for name, form in forms.items() if {_form(one, name), _form(other, name)} <= {form, None}}
    return MappingProxyType(agreed)


def _form(policy: AuditPolicy, name: str) -> str | None:
    """Return how a policy masks a field, None for not at all."""
    return policy.mask_forms.get(name, "full") if name in policy.mask else None


def _check_forms(policy: AuditPolicy) -> None:
    for name, form in policy.mask_forms.items():
        if name not in policy.mask:
            raise AuditPolicyError(f"The audit policy of {policy.model_label!r} has a form for {name!r}; mask it, too.")
        if form not in MASK_FORMS:
            known = ", ".join(sorted(MASK_FORMS))
            raise AuditPolicyError(
                f"The audit policy of {policy.model_label!r} masks {name!r} as {form!r}; expected one of {known}."
            )


def is_trail(model: ModelClass) -> bool:
    """Whether a model is part of the audit trail itself."""
    options: Any = model._meta
    return bool(options.app_label == _OWN_APP and options.model_name.startswith("audit"))


def _model_of(label: str) -> ModelClass:
    try:
        return apps.get_model(label)
    except (LookupError, ValueError) as error:
        raise AuditPolicyError(f"There is no model {label!r} to follow. Write 'app_label.Model'.") from error

"""Names of rows for people: which column of a row its records are labelled by, as it was at the time of the act.

A label comes from a column and never from ``str(row)``: that may ask the database for each row, may show a value that
the policy masks, and does not exist where the database writes the records itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from gridkit_django.exceptions import AuditPolicyError

if TYPE_CHECKING:
    from gridkit_django.audit.policies import AuditPolicy, PolicyTable

Field: TypeAlias = "models.Field[Any, Any]"

USUAL = ("name", "title", "label", "username", "code", "number", "slug")
"""Names of text fields of which the first one is the label where a policy names none."""

LABEL_MAX = 300
"""Characters of a label; what is longer is cut, and ends with an ellipsis."""

_TEXTS = (models.CharField, models.TextField)
_KINDS = (*_TEXTS, models.IntegerField, models.UUIDField)


def label_field(policy: AuditPolicy) -> Field | None:
    """Return the field that labels rows, None for none: a value that is masked, encrypted or left out is no label."""
    if policy.label is None:
        return None
    model = apps.get_model(policy.model_label)
    names = [policy.label] if policy.label else USUAL
    found = (_field(model, name) for name in names if _may_tell(policy, name))
    return next((item for item in found if item is not None and (policy.label or isinstance(item, _TEXTS))), None)


def check_label(policy: AuditPolicy) -> None:
    """Check the label that a policy names.

    Raises:
        AuditPolicyError: when it is no plain column of the model, or its values are not told.
    """
    if not policy.label:
        return
    if _field(apps.get_model(policy.model_label), policy.label) is None:
        raise AuditPolicyError(
            f"The audit policy of {policy.model_label!r} names {policy.label!r} as the label; it must be a column with "
            "a text, a whole number or a UUID, and not the key."
        )
    if not _may_tell(policy, policy.label):
        raise AuditPolicyError(
            f"The audit policy of {policy.model_label!r} names {policy.label!r} as the label, but does not tell its "
            "values: it is masked, encrypted or not followed. Name another field, or None for no label."
        )


def label_names(model_label: str, table: PolicyTable) -> frozenset[str]:
    """Return the fields that labels of a model's records come from; of one that nobody follows any that may be.

    Args:
        model_label: the model, in lower case; or another type of target, which has none.
        table: the policies.
    """
    declared = table.by_model.get(model_label, ())
    grids = ("", *sorted(table.grids_of(model_label)))
    held = [*declared, *(table.effective(model_label, grid) for grid in grids)]
    if declared:
        found = (label_field(policy) for policy in held if policy is not None)
        return frozenset(item.name for item in found if item is not None)
    try:
        model = apps.get_model(model_label)
    except (LookupError, ValueError):
        return frozenset()
    return frozenset(name for name in USUAL if isinstance(_field(model, name), _TEXTS))


def label_text(value: Any) -> str:
    """Return the label that a value gives, cut to its column."""
    text = "" if value is None else str(value)
    return text if len(text) <= LABEL_MAX else f"{text[: LABEL_MAX - 1]}…"


def may_label(field: Any) -> bool:
    """Whether the values of a field can be labels: texts, whole numbers and UUIDs, but no keys."""
    fits = isinstance(field, _KINDS) and not isinstance(field, models.ForeignKey)
    return bool(fits and not field.primary_key and not field.generated)


def _may_tell(policy: AuditPolicy, name: str) -> bool:
    return policy.follows(name) and name not in policy.mask and name not in policy.encrypt


def _field(model: type[models.Model], name: str) -> Field | None:
    try:
        found: Any = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return found if may_label(found) else None

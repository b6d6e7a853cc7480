"""Whom a value speaks of."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models

from gridkit_django.audit.mac import MacKey, phrases_of_site
from gridkit_django.audit.policies import audit_policies
from gridkit_django.audit.targets import ModelClass
from gridkit_django.exceptions import AuditSubjectError

_PURPOSE = b"gridkit_django: names of audit subjects, 1"


@dataclass(frozen=True, slots=True)
class Subject:
    """A person, or whatever else can be forgotten.

    Attributes:
        type: ``app_label.model`` in lower case.
        id: its primary key as text.
    """

    type: str
    id: str

    @classmethod
    def of_row(cls, model: ModelClass, pk: Any) -> Subject:
        """Describe a row of a model."""
        concrete: Any = model._meta.concrete_model
        return cls(concrete._meta.label_lower, str(pk))

    @classmethod
    def named(cls, kind: str, key: str) -> Subject:
        """Return whom somebody means.

        Args:
            kind: ``app_label.Model``, or ``app_label.model.field`` where the field of a policy's ``subject`` leads to
                no model.
            key: primary key of the row, which may be gone, or the value of the field.

        Raises:
            AuditSubjectError: when there is no such model or field, or no row can have such a key.
        """
        if not key or "\x00" in key:
            raise AuditSubjectError.at("/id", "Say whom: the key of a row, or the value of the field.")
        app, _, rest = kind.partition(".")
        name, _, field = rest.partition(".")
        try:
            options: Any = apps.get_model(app, name)._meta.concrete_model._meta
            found = options.get_field(field) if field else options.pk
            value = key if field else str(found.to_python(key))
        except (LookupError, ValueError) as error:
            raise AuditSubjectError.at("/type", f"There is no model {app}.{name}. Write app_label.Model.") from error
        except FieldDoesNotExist as error:
            raise AuditSubjectError.at("/type", f"{app}.{name} has no field {field}.") from error
        except ValidationError as error:
            raise AuditSubjectError.at("/id", f"No row of {app}.{name} can have the key {key!r}.") from error
        label: str = options.label_lower
        return cls(f"{label}.{field}" if field else label, value)

    def names(self) -> tuple[str, ...]:
        """Return what its keys are filed under: one name for each secret of the site, the newest first.

        They are keyed digests, so a list of all keys does not tell whose they are.
        """
        told = f"{self.type}\0{self.id}".encode()
        return tuple(hmac.digest(_secret(phrase), told, "sha256").hex() for phrase in phrases_of_site())


@lru_cache(maxsize=16)
def _secret(phrase: str | bytes) -> bytes:
    return MacKey(phrase, _PURPOSE).secret


def subject_kinds() -> list[str]:
    """Return the kinds of subjects whose values the policies of this process encrypt."""
    table, kinds = audit_policies().table, set()
    for label, policies in table.by_model.items():
        model = apps.get_model(label)
        for policy in policies:
            if policy.encrypt:
                kinds.add(_kind(model, policy.subject) if policy.subject else label)
    return sorted(kinds)


def _kind(model: ModelClass, name: str) -> str:
    field: Any = model._meta.get_field(name)
    if isinstance(field, models.ForeignKey):
        return Subject.of_row(field.related_model, "").type
    return f"{model._meta.label_lower}.{field.name}"

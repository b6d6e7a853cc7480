"""Whom a value speaks of."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

from gridkit_django.audit.mac import MacKey, phrases_of_site
from gridkit_django.audit.targets import ModelClass

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

    def names(self) -> tuple[str, ...]:
        """Return what its keys are filed under: one name for each secret of the site, the newest first.

        They are keyed digests, so a list of all keys does not tell whose they are.
        """
        told = f"{self.type}\0{self.id}".encode()
        return tuple(
            hmac.new(MacKey(phrase, _PURPOSE).secret, told, "sha256").hexdigest() for phrase in phrases_of_site()
        )

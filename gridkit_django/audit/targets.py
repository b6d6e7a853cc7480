"""What an act was done to, as plain values that stay true when the thing itself is gone."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.db import models

ModelClass: TypeAlias = type[models.Model]


@dataclass(frozen=True, slots=True)
class Target:
    """The object of an act.

    Attributes:
        type: what kind of thing: ``app_label.model`` in lower case for a row, else a word such as ``plugin``.
        id: its id as text.
        label: a name for people, as it was at the time of the act.
    """

    type: str
    id: str
    label: str = ""

    @classmethod
    def of_row(cls, model: ModelClass, pk: Any, label: str = "") -> Target:
        """Describe a row of a model.

        Args:
            model: the model's class.
            pk: the row's primary key.
            label: a name for people, usually ``str(instance)``.
        """
        return cls(model._meta.label_lower, str(pk), label)

    @classmethod
    def plugin(cls, plugin_id: str) -> Target:
        """Describe a plugin."""
        return cls("plugin", plugin_id, plugin_id)

    @classmethod
    def export(cls, job_id: uuid.UUID | str, label: str = "") -> Target:
        """Describe an export job."""
        return cls("export", str(job_id), label)

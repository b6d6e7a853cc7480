"""One table for each way: nobody follows it, capture does, capture with masks, with encryption, and triggers."""

# ruff: noqa: DJ008 - nobody looks at them

from __future__ import annotations

from django.db import models

from tests.benchmarks.audit.ledger.models import Entry


class Label(models.Model):
    """Something to say of a row."""

    name = models.CharField(max_length=40)


class Row(Entry):
    """Ten fields and one many-to-many field, so that a deletion is more than one statement."""

    labels = models.ManyToManyField(Label, related_name="+")

    class Meta:
        abstract = True


class PlainRow(Row):
    """Nobody follows it."""


class CapturedRow(Row):
    """Capture at the ORM follows it."""


class MaskedRow(Row):
    """Capture follows it, and masks two fields."""


class EncryptedRow(Row):
    """Capture follows it, and encrypts two fields."""


class StrictRow(Row):
    """Triggers follow it, on PostgreSQL."""

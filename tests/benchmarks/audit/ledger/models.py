"""One table for each way: nobody, triggers, capture, and those peers that are installed."""

# ruff: noqa: DJ008 - nobody looks at them

from __future__ import annotations

import datetime as dt
import importlib
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db import models


class Owner(models.Model):
    """Whom an entry belongs to."""

    name = models.CharField(max_length=40)


class Tag(models.Model):
    """What entries are sorted by."""

    name = models.CharField(max_length=40)


class Entry(models.Model):
    """Ten fields and one to many, as a business table has them."""

    title = models.CharField(max_length=80)
    code = models.CharField(max_length=20)
    note = models.TextField(default="A note of a few words that nobody has changed since.")
    count = models.IntegerField(default=0)
    price = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("9.90"))
    rate = models.FloatField(default=0.25)
    done = models.BooleanField(default=False)
    due = models.DateField(default=dt.date(2026, 1, 2))
    seen = models.DateTimeField(default=dt.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=dt.UTC))
    owner = models.ForeignKey(Owner, models.CASCADE, related_name="+")
    tags = models.ManyToManyField(Tag, related_name="+")

    class Meta:
        abstract = True


class Plain(Entry):
    """Nobody follows it."""


class Strict(Entry):
    """Triggers follow it."""


class Captured(Entry):
    """Capture at the ORM follows it."""


class History(Entry):
    """django-pghistory follows it, by statement triggers, where it is installed."""


class Logged(Entry):
    """django-auditlog follows it, where it is installed."""


class Kept(Entry):
    """django-simple-history follows it, where it is installed."""


HAS_HISTORY = apps.is_installed("pghistory")
HAS_LOG = apps.is_installed("auditlog")
HAS_COPIES = apps.is_installed("simple_history")

if HAS_LOG:
    importlib.import_module("auditlog.registry").auditlog.register(Logged, m2m_fields={"tags"})
if HAS_COPIES:
    importlib.import_module("simple_history").register(Kept, m2m_fields=["tags"])
if HAS_HISTORY:
    pghistory: Any = importlib.import_module("pghistory")
    events = (pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
    pghistory.track(*events, level=pghistory.Statement)(History)

"""One table for each way: nobody, triggers, capture, and django-pghistory where it is installed."""

# ruff: noqa: DJ008 - nobody looks at them

from __future__ import annotations

import datetime as dt
import importlib
import importlib.util
from decimal import Decimal
from typing import Any

from django.db import models


class Owner(models.Model):
    """Whom an entry belongs to."""

    name = models.CharField(max_length=40)


class Entry(models.Model):
    """Ten fields, as a business table has them."""

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


HAS_HISTORY = importlib.util.find_spec("pghistory") is not None

if HAS_HISTORY:
    pghistory: Any = importlib.import_module("pghistory")
    events = (pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
    pghistory.track(*events, level=pghistory.Statement)(History)

"""Works with a field of every kind; parents, children, proxies and many-to-many fields of every form."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now


class Tag(models.Model):
    """Something to say of a work."""

    name = models.CharField(max_length=40, unique=True)

    def __str__(self) -> str:
        return self.name


class Artist(models.Model):
    """Who made a work."""

    name = models.CharField(max_length=80)
    rank = models.IntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Work(models.Model):
    """A work, with a field of every kind."""

    title = models.CharField(max_length=80)
    code = models.CharField(max_length=20, unique=True)
    artist = models.ForeignKey(Artist, models.CASCADE, null=True, related_name="works")
    keeper = models.ForeignKey(Artist, models.SET_NULL, null=True, related_name="kept")
    room = models.ForeignKey(Artist, models.SET_DEFAULT, null=True, default=None, related_name="shown")
    tags = models.ManyToManyField(Tag, related_name="works")
    lenders = models.ManyToManyField(Artist, through="Loan", related_name="lent")
    price = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    height = models.FloatField(null=True)
    count = models.IntegerField(default=0)
    visible = models.BooleanField(default=True)
    facts = models.JSONField(default=dict)
    bought = models.DateField(null=True)
    seen = models.DateTimeField(null=True)
    opens = models.TimeField(null=True)
    lasts = models.DurationField(null=True)
    serial = models.UUIDField(default=uuid.uuid4)
    digest = models.BinaryField(null=True)
    image = models.FileField(upload_to="works", blank=True)
    entered = models.DateTimeField(db_default=Now())
    origin = models.CharField(max_length=20, db_default="unknown")

    def __str__(self) -> str:
        return self.title


class Loan(models.Model):
    """Who lends a work, and for how long."""

    work = models.ForeignKey(Work, models.CASCADE)
    lender = models.ForeignKey(Artist, models.CASCADE)
    days = models.IntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.lender}, {self.days}"


class Shown(Work):
    """The works that anybody may see."""

    class Meta:
        proxy = True


class Place(models.Model):
    """A place, followed only as a part of its children."""

    name = models.CharField(max_length=40)
    open = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class Hall(Place):
    """A place with seats."""

    seats = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}, {self.seats}"


class Key(models.Model):
    """A thing whose key is no number."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    label = models.CharField(max_length=20)
    tags = models.ManyToManyField(Tag)

    def __str__(self) -> str:
        return self.label


from tests.museum import odd as odd  # noqa: E402 - models are found where their app has them

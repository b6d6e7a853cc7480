"""Models of forms that are rare, and allowed."""

from __future__ import annotations

import uuid

from django.db import models


class Case(models.Model):
    """A parent whose key is no number, followed only as a part of its children."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=40)

    def __str__(self) -> str:
        return self.name


class Cabinet(Case):
    """A case with shelves."""

    shelves = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}, {self.shelves}"


class Guild(models.Model):
    """What painters belong to, called by a word."""

    word = models.CharField(max_length=20, unique=True)

    def __str__(self) -> str:
        return self.word


class Painter(models.Model):
    """Who is in guilds, by a table that knows both by their words."""

    code = models.CharField(max_length=20, unique=True)
    guilds = models.ManyToManyField(Guild, through="Membership", related_name="painters")

    def __str__(self) -> str:
        return self.code


class Membership(models.Model):
    """Who was in which guild; it stays when the painter is gone."""

    painter = models.ForeignKey(Painter, models.SET_NULL, null=True, to_field="code")
    guild = models.ForeignKey(Guild, models.CASCADE, to_field="word")

    def __str__(self) -> str:
        return f"{self.painter_id}, {self.guild_id}"


class LowerField(models.CharField):  # type: ignore[type-arg]  # Django lets only stubs have arguments
    """A text that is written in lower case, and stays as it is in the object."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Return what is written."""
        return str(super().pre_save(model_instance, add)).lower()


class Visit(models.Model):
    """How many came, under a word of which the field makes another one."""

    word = LowerField(max_length=20, unique=True)
    alias = models.CharField(max_length=20, unique=True, null=True)  # noqa: DJ001 - NULL is no value that is there already
    count = models.IntegerField(default=0)

    def __str__(self) -> str:
        return self.word


class Seat(models.Model):
    """A row whose key is two columns."""

    pk = models.CompositePrimaryKey("room", "number")
    room = models.CharField(max_length=20)
    number = models.IntegerField()
    taken = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.room} {self.number}"


class Sign(models.Model):
    """A row whose key may be longer than the trail can hold."""

    text = models.CharField(max_length=255, primary_key=True)
    count = models.IntegerField(default=0)

    def __str__(self) -> str:
        return self.text

"""How people look at grids: views that they saved, the state that they left a grid in."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ViewScope(models.TextChoices):
    """Who sees a saved view."""

    PRIVATE = "private", _("only its owner")
    GROUP = "group", _("a group")
    PUBLIC = "public", _("everybody who may open the grid")


class SavedView(models.Model):
    """A named state of a grid. What it may show is judged when it is used, by the rights of who uses it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    grid = models.CharField(_("grid"), max_length=100)
    name = models.CharField(_("name"), max_length=100)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("owner"), on_delete=models.CASCADE, related_name="+"
    )
    scope = models.CharField(_("visible to"), max_length=20, choices=ViewScope.choices, default=ViewScope.PRIVATE)
    group = models.ForeignKey(
        "auth.Group", verbose_name=_("group"), on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    is_default = models.BooleanField(_("opens by default"), default=False)
    state = models.JSONField(_("state"))
    state_version = models.PositiveIntegerField(_("version of the state"), default=1)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering: ClassVar = ["grid", "name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["grid", "owner", "name"], name="gridkit_view_name_unique"),
            models.CheckConstraint(
                condition=models.Q(scope=ViewScope.GROUP, group__isnull=False)
                | (~models.Q(scope=ViewScope.GROUP) & models.Q(group__isnull=True)),
                name="gridkit_view_group",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["grid", "scope"], name="gridkit_view_grid")]
        permissions: ClassVar = [("share_view", _("Can share views with everybody"))]

    def __str__(self) -> str:
        return f"{self.grid}: {self.name}"


class GridState(models.Model):
    """The state in which one person left one grid, saved by itself."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    grid = models.CharField(_("grid"), max_length=100)
    state = models.JSONField(_("state"))
    state_version = models.PositiveIntegerField(_("version of the state"), default=1)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        verbose_name = _("grid state")
        verbose_name_plural = _("grid states")
        ordering: ClassVar = ["grid", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "grid"], name="gridkit_grid_state_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.grid}: {self.user}"

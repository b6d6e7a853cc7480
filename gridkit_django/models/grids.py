"""The grids of this site as rows, so that rights on a single grid can be granted."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class RegisteredGrid(models.Model):
    """One declared grid. Rows are synchronised after ``migrate``; django-guardian grants rights on them."""

    grid_id = models.CharField(_("grid id"), max_length=100, unique=True)
    label = models.CharField(_("label"), max_length=200)
    model_label = models.CharField(_("model"), max_length=200)

    class Meta:
        verbose_name = _("grid")
        verbose_name_plural = _("grids")
        ordering: ClassVar = ["grid_id"]
        permissions: ClassVar = [
            ("open_grid", _("Can open a grid")),
            ("edit_grid", _("Can edit rows in a grid")),
            ("export_grid", _("Can export a grid")),
        ]

    def __str__(self) -> str:
        return self.label

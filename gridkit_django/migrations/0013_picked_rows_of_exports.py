"""Exports of picked rows: what was picked."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds the column."""

    dependencies: ClassVar = [("gridkit_django", "0012_note_verifications")]

    operations: ClassVar = [
        migrations.AddField("exportjob", "selection", models.JSONField(null=True, verbose_name="picked rows")),
    ]

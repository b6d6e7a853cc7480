"""The language of who asked for an export: names of months, separators and labels of the file are in it."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds the column; jobs of before are written in the site's language."""

    dependencies: ClassVar = [('gridkit_django', '0015_schedule_exports')]

    operations: ClassVar = [
        migrations.AddField(
            model_name='exportjob',
            name='language',
            field=models.CharField(blank=True, max_length=20, verbose_name='language'),
        ),
    ]

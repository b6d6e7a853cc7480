"""Each release knows whether the signed metadata of the marketplace stands for it."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds the column; what is public already is signed by the next call of the task."""

    dependencies: ClassVar = [('gridkit_django', '0023_catalogue')]

    operations: ClassVar = [
        migrations.AddField(
            model_name='release',
            name='signed',
            field=models.BooleanField(default=False, verbose_name='the signed metadata stands for it'),
        ),
    ]

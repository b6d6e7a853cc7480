"""What was answered to a batch stands beside the reason of a channel's state, for whoever may read it."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds the column, and calls that of dead letters the same."""

    dependencies: ClassVar = [("gridkit_django", "0020_market")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="outboxchannel",
            name="state_response",
            field=models.TextField(blank=True, verbose_name="last response or error"),
        ),
        migrations.AlterField(
            model_name="outboxdeadletter",
            name="response",
            field=models.TextField(blank=True, verbose_name="last response or error"),
        ),
    ]

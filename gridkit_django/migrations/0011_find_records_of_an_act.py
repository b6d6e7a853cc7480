"""An index over the acts of records, so that all records of one act are found at once."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds the index."""

    dependencies: ClassVar = [("gridkit_django", "0010_forget_subjects")]

    operations: ClassVar = [
        migrations.AddIndex(
            model_name="auditrecord",
            index=models.Index(fields=["operation", "id"], name="gridkit_audit_act"),
        ),
    ]

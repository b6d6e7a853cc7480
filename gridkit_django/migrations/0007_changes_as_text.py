"""PostgreSQL keeps the changes of audit records as the text that they are written as."""

from __future__ import annotations

from typing import Any, ClassVar

import django.core.serializers.json
from django.db import migrations

import gridkit_django.models.json_text

TABLE = "gridkit_django_auditrecord"


def keep_text(apps: Any, schema_editor: Any) -> None:
    """Write the table anew; nobody can write records meanwhile. What the seals are made from stays the same text."""
    _alter(schema_editor, "json")


def take_apart(apps: Any, schema_editor: Any) -> None:
    """Write the table anew as it was."""
    _alter(schema_editor, "jsonb")


def _alter(schema_editor: Any, kind: str) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"ALTER TABLE {TABLE} ALTER COLUMN changes TYPE {kind} USING changes::{kind}", params=None)


class Migration(migrations.Migration):
    """Changes the type of one column."""

    dependencies: ClassVar = [('gridkit_django', '0006_catalogue_refreshes')]

    operations: ClassVar = [
        migrations.SeparateDatabaseAndState(
            # SQLite has no type for JSON, so it need not make the table anew.
            database_operations=[migrations.RunPython(keep_text, take_apart)],
            state_operations=[
                migrations.AlterField(
                    model_name='auditrecord',
                    name='changes',
                    field=gridkit_django.models.json_text.JSONTextField(
                        default=dict,
                        encoder=django.core.serializers.json.DjangoJSONEncoder,
                        verbose_name='changes',
                    ),
                ),
            ],
        ),
    ]

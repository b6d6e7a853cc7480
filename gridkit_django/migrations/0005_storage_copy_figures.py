import json
from typing import Any

from django.db import migrations, models


def count(apps: Any, schema_editor: Any) -> None:
    """Write beside each copy how large it is, as new ones have it."""
    copies = apps.get_model("gridkit_django", "PluginStorageCopy").objects.using(schema_editor.connection.alias)
    for copy in copies.iterator(1):
        texts = (f"{key}{json.dumps(value, ensure_ascii=False)}" for key, value in copy.values.items())
        copies.filter(pk=copy.pk).update(key_count=len(copy.values), used_bytes=sum(len(text.encode()) for text in texts))


class Migration(migrations.Migration):
    dependencies = [
        ("gridkit_django", "0004_sign_times"),
    ]

    operations = [
        migrations.AddField(
            model_name="pluginstoragecopy",
            name="key_count",
            field=models.PositiveIntegerField(default=0, verbose_name="keys"),
        ),
        migrations.AddField(
            model_name="pluginstoragecopy",
            name="used_bytes",
            field=models.PositiveBigIntegerField(default=0, verbose_name="bytes"),
        ),
        migrations.RunPython(count, migrations.RunPython.noop, elidable=True),
    ]

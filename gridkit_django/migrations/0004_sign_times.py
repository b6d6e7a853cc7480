from typing import Any

from django.db import migrations


def sign_again(apps: Any, schema_editor: Any) -> None:
    """Let the signed metadata stand for public releases once more, now with the times that it did not hold before."""
    releases = apps.get_model("gridkit_django", "Release").objects.using(schema_editor.connection.alias)
    releases.filter(signed=True, state__in=["published", "yanked"]).update(signed=False)


class Migration(migrations.Migration):
    dependencies = [
        ("gridkit_django", "0003_operation_canary"),
    ]

    operations = [
        migrations.RunPython(sign_again, migrations.RunPython.noop, elidable=True),
    ]

"""Count what plugins stored before there was a counter."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations
from django.db.models import Sum


def count(apps: Any, schema_editor: Any) -> None:
    """Give each plugin its counter, with the size of what it stores."""
    alias = schema_editor.connection.alias
    plugins = apps.get_model("gridkit_django", "InstalledPlugin").objects.using(alias)
    usage = apps.get_model("gridkit_django", "PluginStorageUsage").objects.using(alias)
    for owner, total in plugins.annotate(total=Sum("storage_items__size")).values_list("pk", "total"):
        usage.update_or_create(plugin_id=owner, defaults={"used_bytes": total or 0})


class Migration(migrations.Migration):
    dependencies: ClassVar = [("gridkit_django", "0003_refused_versions")]
    operations: ClassVar = [migrations.RunPython(count, migrations.RunPython.noop)]

"""Encrypt the secrets of plugins that were stored in clear: see docs/how-to/configure-plugins.md."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations

from gridkit_django.exceptions import PluginSecretError
from gridkit_django.plugins.encryption import Keyring
from gridkit_django.plugins.secret_values import seal_stored


def seal_secrets(apps: Any, schema_editor: Any) -> None:
    """Seal what any of the plugin's stored schemas calls a secret; operations end by themselves within a day.

    A row with a secret that can't be decrypted is left to ``manage.py gridkit_rotate_secrets``, which names it.
    """
    keyring, alias = Keyring.of_site(), schema_editor.connection.alias
    versions = apps.get_model("gridkit_django", "PluginVersion").objects.using(alias)
    for row in apps.get_model("gridkit_django", "PluginConfig").objects.using(alias).iterator():
        schemas = list(versions.filter(plugin=row.plugin_id).values_list("config_schema", flat=True))
        try:
            data = seal_stored(row.data, schemas, keyring)
        except PluginSecretError:
            continue
        if data != row.data:
            row.data = data
            row.save(update_fields=["data"])


class Migration(migrations.Migration):
    dependencies: ClassVar = [("gridkit_django", "0004_count_plugin_storage")]
    operations: ClassVar = [migrations.RunPython(seal_secrets, migrations.RunPython.noop, elidable=True)]

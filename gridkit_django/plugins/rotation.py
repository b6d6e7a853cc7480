"""Encrypting every stored secret with the newest key, so that an older key can be thrown away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from gridkit_django.audit import Target, record
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import PluginSecretError
from gridkit_django.models import OperationState, PluginConfig, PluginOperation, PluginRemains, PluginVersion
from gridkit_django.plugins.encryption import Keyring, is_sealed
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.secret_values import seal_stored

_ACTOR = Actor.system("rotate-secrets")
_OPEN = (OperationState.QUEUED, OperationState.RUNNING)


@dataclass(frozen=True, slots=True)
class RotationReport:
    """What was found.

    Attributes:
        examined: rows that were looked at.
        outdated: rows with a secret that was not encrypted with the newest key, or not at all.
        unreadable: rows with a secret that no key of the site decrypts, in words; they are left as they are.
    """

    examined: int
    outdated: int
    unreadable: tuple[str, ...]


def rotate_secrets(*, write: bool = True) -> RotationReport:
    """Encrypt every secret in configurations and in operations that are not over yet with the newest key.

    Each row is a transaction of its own, so that it can run while the site works, and again when it was broken off.
    No plugin is started anew: the values stay what they are.

    Args:
        write: False only counts.
    """
    rotation = _Rotation(write=write)
    with acting(_ACTOR, EventSource.SYSTEM):
        rotation.configs()
        rotation.operations()
        rotation.remains()
        rotation.tell()
    return RotationReport(rotation.examined, rotation.outdated, tuple(rotation.unreadable))


class _Rotation:
    """One run, and what it has counted until now."""

    def __init__(self, *, write: bool) -> None:
        self._write = write
        self._keyring = Keyring.of_site()
        self._renewed: Counter[str] = Counter()
        self.examined = 0
        self.outdated = 0
        self.unreadable: list[str] = []

    def configs(self) -> None:
        """Go through all revisions, also those that are no longer in force: they can be restored."""
        rows = PluginConfig.objects.using(database()).order_by("pk")
        schemas: dict[int, list[Mapping[str, Any]]] = {}
        for pk in list(rows.values_list("pk", flat=True)):
            with transaction.atomic(using=database()):
                row = rows.select_for_update(of=("self",)).select_related("plugin").filter(pk=pk).first()
                if row is None:
                    continue
                if row.plugin_id not in schemas:
                    found = PluginVersion.objects.using(database()).filter(plugin=row.plugin_id)
                    schemas[row.plugin_id] = list(found.values_list("config_schema", flat=True))
                self._renew_config(row, schemas[row.plugin_id])

    def operations(self) -> None:
        """Go through the operations that still hold their arguments."""
        rows = PluginOperation.objects.using(database()).filter(state__in=_OPEN).order_by("pk")
        for pk in list(rows.values_list("pk", flat=True)):
            with transaction.atomic(using=database()):
                row = rows.select_for_update().filter(pk=pk).first()
                if row is not None and row.arguments.get("config"):
                    self._renew_operation(row)

    def remains(self) -> None:
        """Go through what is kept of plugins that are not installed."""
        rows = PluginRemains.objects.using(database()).order_by("pk")
        for pk in list(rows.values_list("pk", flat=True)):
            with transaction.atomic(using=database()):
                row = rows.select_for_update().filter(pk=pk).first()
                if row is not None:
                    self._renew_remains(row)

    def tell(self) -> None:
        """Record what was done to which plugin."""
        for plugin_id, count in sorted(self._renewed.items()):
            record("plugin.rotate_secrets", target=Target.plugin(plugin_id), evidence={"rows": count})

    def _renew_config(self, row: PluginConfig, schemas: list[Mapping[str, Any]]) -> None:
        def renew(values: dict[str, Any]) -> dict[str, Any]:
            return {name: seal_stored(part, schemas, self._keyring) for name, part in values.items()}

        place = f"{row.plugin.plugin_id}, revision {row.revision} for {row.grid or 'all grids'}"
        changed = self._examine({"data": row.data, "aside": row.aside}, renew, place)
        if changed is not None and self._write:
            row.data, row.aside = changed["data"], changed["aside"]
            row.save(update_fields=["data", "aside"])
            self._renewed[row.plugin.plugin_id] += 1

    def _renew_remains(self, row: PluginRemains) -> None:
        def renew(values: dict[str, Any]) -> dict[str, Any]:
            parts = ({**item, **sealed(item)} for item in values["configs"])
            return {"configs": list(parts)}

        def sealed(item: Mapping[str, Any]) -> dict[str, Any]:
            return {name: seal_stored(item[name], [row.config_schema], self._keyring) for name in ("data", "aside")}

        changed = self._examine({"configs": row.configs}, renew, f"{row.plugin_id}, kept data")
        if changed is not None and self._write:
            row.configs = changed["configs"]
            row.save(update_fields=["configs"])
            self._renewed[row.plugin_id] += 1

    def _renew_operation(self, row: PluginOperation) -> None:
        def renew(values: dict[str, Any]) -> dict[str, Any]:
            config = values["config"]
            sealed = self._keyring.renewed(config) if is_sealed(config) else self._keyring.seal(config)
            return {**values, "config": sealed}

        changed = self._examine(row.arguments, renew, f"{row.plugin_id}, operation {row.pk}")
        if changed is not None and self._write:
            row.arguments = changed
            row.save(update_fields=["arguments"])
            self._renewed[row.plugin_id] += 1

    def _examine(
        self, values: dict[str, Any], renew: Callable[[dict[str, Any]], dict[str, Any]], place: str
    ) -> dict[str, Any] | None:
        """Return the values with renewed seals; None when nothing is to be done, or nothing can be."""
        self.examined += 1
        try:
            renewed = renew(values)
        except PluginSecretError:
            self.unreadable.append(place)
            return None
        if renewed == values:
            return None
        self.outdated += 1
        return renewed

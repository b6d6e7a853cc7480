"""What other packages write, as their pages tell to; those that are not installed are left out."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from importlib.util import find_spec
from typing import Any, BinaryIO

from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from tests.benchmarks.export.records import NAMES, Record

Write = Callable[[int, BinaryIO], object]
_PACKAGES = ("django-import-export", "tablib", "djangorestframework")


def text_peers() -> dict[str, Write]:
    """Return what is installed: name to what writes so many rows."""
    found: dict[str, Write] = {"JSON, Django REST framework": rest_json}
    if find_spec("import_export") is not None:
        found["CSV, django-import-export"] = import_export_csv
        found["JSON, django-import-export"] = import_export_json
    return found


def versions() -> str:
    """Return what is compared, for the conditions of a table."""
    installed = {dist.metadata["Name"].lower(): dist.version for dist in metadata.distributions()}
    return ", ".join(f"{name} {installed[name]}" for name in _PACKAGES if name in installed)


def rest_json(rows: int, stream: BinaryIO) -> None:
    """Serialize rows and render them."""
    data = RecordSerializer(_rows(rows), many=True).data
    stream.write(JSONRenderer().render(data))


def import_export_csv(rows: int, stream: BinaryIO) -> None:
    """Export a resource as CSV."""
    stream.write(_resource().export(_rows(rows)).csv.encode())


def import_export_json(rows: int, stream: BinaryIO) -> None:
    """Export a resource as JSON."""
    stream.write(_resource().export(_rows(rows)).json.encode())


class RecordSerializer(serializers.ModelSerializer[Record]):
    """All columns."""

    owner_name = serializers.CharField(source="owner.name")

    class Meta:
        model = Record
        fields = NAMES


def _rows(rows: int) -> Any:
    return Record.objects.select_related("owner").order_by("pk")[:rows]


def _resource() -> Any:
    from import_export import fields, resources  # noqa: PLC0415 - only where it is installed

    class RecordResource(resources.ModelResource):  # type: ignore[misc]
        owner_name = fields.Field(attribute="owner__name", column_name="owner_name")

        class Meta:
            model = Record
            fields = NAMES

    return RecordResource()

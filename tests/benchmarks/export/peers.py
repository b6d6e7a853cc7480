"""What other packages write, as their pages tell to; those that are not installed are left out."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from importlib.util import find_spec
from typing import Any, BinaryIO

from openpyxl import Workbook
from rest_framework import generics, serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from tests.benchmarks.export.records import NAMES, PATHS, Record

Write = Callable[[int, BinaryIO], object]
_PACKAGES = ("django-import-export", "tablib", "djangorestframework", "drf-excel", "openpyxl")


def text_peers() -> dict[str, Write]:
    """Return what is installed: name to what writes so many rows."""
    found: dict[str, Write] = {"JSON, Django REST framework": rest_json}
    if find_spec("import_export") is not None:
        found["CSV, django-import-export"] = import_export_csv
        found["JSON, django-import-export"] = import_export_json
    return found


def excel_peers() -> dict[str, Write]:
    """Return what writes Excel files: name to what writes so many rows."""
    found: dict[str, Write] = {"openpyxl, write-only": openpyxl_write_only}
    if find_spec("import_export") is not None:
        found["django-import-export"] = import_export_xlsx
    if find_spec("drf_excel") is not None:
        found["drf-excel"] = rest_excel
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


def import_export_xlsx(rows: int, stream: BinaryIO) -> None:
    """Export a resource as a workbook."""
    stream.write(_resource().export(_rows(rows)).xlsx)


def openpyxl_write_only(rows: int, stream: BinaryIO) -> None:
    """Write rows of values into a workbook, times without their zone, which openpyxl refuses."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(NAMES)
    place = NAMES.index("moment")
    for row in Record.objects.order_by("pk").values_list(*PATHS)[:rows].iterator(chunk_size=5000):
        cells = list(row)
        cells[place] = cells[place].replace(tzinfo=None)
        sheet.append(cells)
    book.save(stream)


def rest_excel(rows: int, stream: BinaryIO) -> None:
    """Serialize rows and render them as a workbook."""
    from drf_excel.renderers import XLSXRenderer  # noqa: PLC0415 - only where it is installed

    request = Request(APIRequestFactory().get("/"))
    view = RecordView(request=request, format_kwarg=None)
    data = {"results": RecordSerializer(_rows(rows), many=True).data}
    context = {"view": view, "request": request, "response": Response()}
    stream.write(XLSXRenderer().render(data, renderer_context=context))


class RecordSerializer(serializers.ModelSerializer[Record]):
    """All columns."""

    owner_name = serializers.CharField(source="owner.name")

    class Meta:
        model = Record
        fields = NAMES


class RecordView(generics.ListAPIView[Record]):
    """What drf-excel asks about the columns."""

    queryset = Record.objects.all()
    serializer_class = RecordSerializer


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

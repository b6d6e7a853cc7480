"""The tables in the Django admin: to look at, and to change what the grid lets people change; with their history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from example_project.flights.models import Airline, Airport, Flight, Plane, Weather
from gridkit_django.admin import AuditHistoryMixin

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class DatasetAdmin(AuditHistoryMixin, ModelAdmin):
    """Rows of the data set can be read; none is added or deleted by hand."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Return every field but those that the class names in ``editable``."""
        return [field.name for field in self.opts.fields if field.name not in self.editable]

    editable: ClassVar[tuple[str, ...]] = ()


@admin.register(Airline)
class AirlineAdmin(DatasetAdmin):
    """Airlines."""

    list_display = ("carrier", "name")
    search_fields = ("carrier", "name")


@admin.register(Airport)
class AirportAdmin(DatasetAdmin):
    """Airports."""

    list_display = ("faa", "name", "tzone")
    search_fields = ("faa", "name")


@admin.register(Plane)
class PlaneAdmin(DatasetAdmin):
    """Planes."""

    list_display = ("tailnum", "manufacturer", "model", "year", "seats")
    search_fields = ("tailnum", "manufacturer", "model")


@admin.register(Weather)
class WeatherAdmin(DatasetAdmin):
    """Weather."""

    list_display = ("time_hour", "origin_id", "temp", "wind_speed", "precip", "visib")
    list_filter = ("month",)


@admin.register(Flight)
class FlightAdmin(DatasetAdmin):
    """Flights; delays and note can be changed, as in the grid."""

    audit_reason = "optional"
    editable = ("dep_delay", "arr_delay", "note")
    list_display = ("id", "time_hour", "carrier_id", "flight", "origin_id", "dest", "dep_delay", "arr_delay")
    list_filter = ("month",)
    search_fields = ("=flight", "=carrier__carrier", "=note")

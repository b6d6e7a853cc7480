"""The five grids, and the audit trail. Read `FlightGrid` as the model: what a person sees, may search, may change."""

from __future__ import annotations

from example_project.flights.models import Airline, Airport, Flight, Plane, Weather
from gridkit_django.grids import CellStyle, Grid, IntegerColumn, NumberFormat, TextColumn, register
from gridkit_django.grids.audit_grid import AuditRecordGrid

TAILNUM = "flights.view_tailnum"
"""Who may see tail numbers, and with them everything that tells one plane from another."""

LATE = (CellStyle("gte", 60, tone="bad", bold=True), CellStyle("gte", 15, tone="warn"))
"""How delays stand out, on the page, in Excel and in PDF files."""


@register
class FlightGrid(Grid):
    """Every flight, with the names of its airline, airports and plane."""

    carrier = TextColumn("carrier_id", label="Carrier", width=115)
    airline = TextColumn("carrier__name", label="Airline", width=175)
    flight = IntegerColumn(label="Flight", width=110)
    tailnum = TextColumn(label="Tail number", permission=TAILNUM)
    plane_model = TextColumn("plane__model", label="Plane model", permission=TAILNUM)
    origin = TextColumn("origin_id", label="Origin", width=100)
    origin_name = TextColumn("origin__name", label="Origin name")
    dest = TextColumn(label="Destination", width=145)
    dest_name = TextColumn("dest_airport__name", label="Destination name", width=225)
    dep_delay = IntegerColumn(label="Departure delay, min", editable=True, width=150, styles=LATE)
    arr_delay = IntegerColumn(label="Arrival delay, min", editable=True, width=150, styles=LATE)
    distance = IntegerColumn(label="Distance", format=NumberFormat(grouping=True, suffix=" mi"))
    note = TextColumn(label="Note", editable=True)

    class Meta:
        model = Flight
        id = "flights"
        label = "Flights"
        columns = [
            *("time_hour", "carrier", "airline", "flight", "origin", "dest", "dest_name", "dep_delay", "arr_delay"),
            *("note", "tailnum", "plane_model", "sched_dep_time", "dep_time", "sched_arr_time", "arr_time"),
            *("air_time", "distance", "origin_name", "year", "month", "day", "hour", "minute"),
        ]
        default_sort = ["-time_hour"]
        search = ["carrier", "airline", "flight", "origin", "dest", "dest_name", "tailnum", "note"]
        page_size = 100
        time_zone = "America/New_York"


@register
class AirlineGrid(Grid):
    """The sixteen airlines."""

    class Meta:
        model = Airline
        id = "airlines"
        label = "Airlines"
        columns = ["carrier", "name"]
        default_sort = ["carrier"]
        search = ["carrier", "name"]


@register
class AirportGrid(Grid):
    """Airports of the United States."""

    class Meta:
        model = Airport
        id = "airports"
        label = "Airports"
        columns = ["faa", "name", "lat", "lon", "alt", "tz", "dst", "tzone"]
        default_sort = ["name"]
        search = ["faa", "name", "tzone"]


@register
class PlaneGrid(Grid):
    """Planes of the registry; which is which only for those who may see tail numbers. Rows may be made and deleted."""

    tailnum = TextColumn(label="Tail number", permission=TAILNUM, editable=True)
    year = IntegerColumn(editable=True)
    type = TextColumn(editable=True)
    manufacturer = TextColumn(editable=True)
    model = TextColumn(editable=True)
    engines = IntegerColumn(editable=True)
    seats = IntegerColumn(editable=True)
    speed = IntegerColumn(editable=True)
    engine = TextColumn(editable=True)

    class Meta:
        model = Plane
        id = "planes"
        label = "Planes"
        audit_label = "tailnum"
        columns = ["tailnum", "year", "type", "manufacturer", "model", "engines", "seats", "speed", "engine"]
        default_sort = ["manufacturer", "model"]
        search = ["tailnum", "manufacturer", "model"]
        creatable = True
        deletable = True


@register
class WeatherGrid(Grid):
    """The weather at the three airports of departure, hour by hour."""

    origin = TextColumn("origin_id", label="Origin")

    class Meta:
        model = Weather
        id = "weather"
        label = "Weather"
        columns = [
            *("time_hour", "origin", "temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip"),
            *("pressure", "visib", "year", "month", "day", "hour"),
        ]
        default_sort = ["-time_hour", "origin"]
        search = ["origin"]
        time_zone = "America/New_York"


register(AuditRecordGrid)

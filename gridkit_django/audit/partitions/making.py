"""The statements that make one partition."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.partitions.catalog import REST, TABLE, quoted
from gridkit_django.audit.partitions.rights import shutting
from gridkit_django.audit.runs import HIGHEST, LOWEST


def name_of(first: int) -> str:
    """Return the name of the partition that begins with an id; of the very first it is 0."""
    return f"{TABLE}_p{max(first, 0)}"


def bounds(first: int, last: int) -> str:
    """Return the bounds of a partition as SQL."""
    lower = "MINVALUE" if first == LOWEST else str(first)
    upper = "MAXVALUE" if last == HIGHEST else str(last + 1)
    return f"FOR VALUES FROM ({lower}) TO ({upper})"


def making(connection: BaseDatabaseWrapper, first: int, last: int) -> list[str]:
    """Return the statements that make an empty partition.

    It is made beside the table and attached, which keeps no writer waiting. The barrier must guard it afterwards. The
    one that ends at the highest id that there can be is the last one, ``REST``.

    Args:
        connection: the database.
        first: its lowest id.
        last: its highest id.
    """
    name = REST if last == HIGHEST else name_of(first)
    return [
        f"CREATE TABLE {quoted(connection, name)} (LIKE {quoted(connection, TABLE)} INCLUDING ALL EXCLUDING IDENTITY)",
        *shutting(connection, name),
        attaching(connection, name, bounds(first, last)),
    ]


def attaching(connection: BaseDatabaseWrapper, name: str, place: str) -> str:
    """Return the statement that attaches a table as a partition."""
    return f"ALTER TABLE {quoted(connection, TABLE)} ATTACH PARTITION {quoted(connection, name)} {place}"

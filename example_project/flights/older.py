"""Whether the demo's database was made by a state of the code whose migrations are no more."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader


class OlderDatabaseError(Exception):
    """The database was made by some of the migrations that one stands for now, so no migration leads on from there."""


def require_known(connection: BaseDatabaseWrapper) -> None:
    """Refuse a database that holds a part of what a migration replaces: Django takes it for complete, and stumbles.

    Raises:
        OlderDatabaseError: says which database, and what to do.
    """
    loader = MigrationLoader(connection)
    done = set(loader.disk_migrations) & set(loader.applied_migrations)
    for key, migration in loader.disk_migrations.items():
        held = [name for name in migration.replaces if name in loader.applied_migrations]
        if key not in done and held and len(held) < len(migration.replaces):
            raise OlderDatabaseError(
                f"The demo's database {connection.settings_dict['NAME']} was made by an earlier state of the code: it "
                f"has {len(held)} of the {len(migration.replaces)} migrations that {key[1]} stands for, and there is "
                "no way on from there. Delete it, with all it holds, and start the demo again."
            )

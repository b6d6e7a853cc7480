"""What finds words in the marketplace that this site serves: more than Django's models can say.

On PostgreSQL a text vector that the database keeps in step, with GIN indexes; on SQLite an FTS5 table that triggers keep
in step. A later migration that makes SQLite build the table of these rows anew must make the triggers anew
(``make_text_search``).
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations


TABLE = "gridkit_django_marketsearchrow"
FTS = "gridkit_market_fts"
COLUMNS = ("words", "tag_words", "summary")

POSTGRES = (
    f"""ALTER TABLE {TABLE} ADD COLUMN vector tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('simple'::regconfig, words), 'A')
        || setweight(to_tsvector('english'::regconfig, words), 'A')
        || setweight(to_tsvector('english'::regconfig, tag_words), 'B')
        || setweight(to_tsvector('english'::regconfig, summary), 'C')
    ) STORED""",
    f"CREATE INDEX gridkit_market_vector ON {TABLE} USING gin (vector)",
    f"CREATE INDEX gridkit_market_tags ON {TABLE} USING gin (tags jsonb_path_ops)",
)
_NAMES = ", ".join(COLUMNS)
_OLD, _NEW = (", ".join(f"{row}.{name}" for name in COLUMNS) for row in ("old", "new"))
_OUT = f"INSERT INTO {FTS} ({FTS}, rowid, {_NAMES}) VALUES ('delete', old.listing_id, {_OLD});"
_IN = f"INSERT INTO {FTS} (rowid, {_NAMES}) VALUES (new.listing_id, {_NEW});"
SQLITE = (
    f"""CREATE VIRTUAL TABLE {FTS} USING fts5({_NAMES}, content='{TABLE}', content_rowid='listing_id',
        tokenize='porter unicode61', prefix='2 3')""",
    f"CREATE TRIGGER {FTS}_insert AFTER INSERT ON {TABLE} BEGIN {_IN} END",
    f"CREATE TRIGGER {FTS}_delete AFTER DELETE ON {TABLE} BEGIN {_OUT} END",
    f"CREATE TRIGGER {FTS}_update AFTER UPDATE OF {_NAMES} ON {TABLE} BEGIN {_OUT} {_IN} END",
)


def make_text_search(apps: Any, schema_editor: Any) -> None:
    """Make what finds words, in the database's own way."""
    for statement in {"postgresql": POSTGRES, "sqlite": SQLITE}.get(schema_editor.connection.vendor, ()):
        schema_editor.execute(statement, params=None)


def drop_text_search(apps: Any, schema_editor: Any) -> None:
    """Drop it; the rest goes with the table.

    The triggers do, too, yet SQLite makes no table anew while a trigger names a table that is not there any more.
    """
    if schema_editor.connection.vendor == "sqlite":
        for event in ("insert", "delete", "update"):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {FTS}_{event}", params=None)
        schema_editor.execute(f"DROP TABLE {FTS}", params=None)


class Migration(migrations.Migration):
    """Makes the text search."""

    replaces: ClassVar = [('gridkit_django', '0020_market')]

    dependencies: ClassVar = [('gridkit_django', '0001_tables')]

    operations: ClassVar = [migrations.RunPython(make_text_search, drop_text_search)]

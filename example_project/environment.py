"""What the environment may say about the demo, read once by the settings."""

from __future__ import annotations

import logging
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

import dj_database_url

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL;"  # readers and one writer work side by side
    "PRAGMA synchronous = NORMAL;"  # safe in WAL mode: a power cut may lose the last commits, never the file
    "PRAGMA cache_size = -64000;"  # 64 MB of pages per connection
    "PRAGMA mmap_size = 268435456;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA journal_size_limit = 67108864;"
)
"""Run on every new connection; https://www.sqlite.org/pragma.html says what each does."""


def var_folder(base: Path) -> Path:
    """Return the folder of everything that the demo makes: ``GRIDKIT_DEMO_VAR`` or ``var`` next to manage.py.

    It is made when it is missing, for its owner only: the database and the secret key are in it.
    """
    folder = Path(os.environ.get("GRIDKIT_DEMO_VAR") or base / "var")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def secret_key(folder: Path) -> str:
    """Return ``SECRET_KEY`` of the environment, or a random key that is made once and kept in ``folder``.

    Two processes that start together agree: a key is linked into place complete, and only where there is none.
    """
    if given := os.environ.get("SECRET_KEY"):
        return given
    path = folder / "secret-key"
    if not path.exists():
        _write_once(path, secrets.token_urlsafe(64))
    return path.read_text(encoding="ascii")


def _write_once(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="ascii") as draft:
        draft.write(text)
        draft.flush()
        try:
            Path(path).hardlink_to(draft.name)
        except FileExistsError:
            return


def database(folder: Path) -> dict[str, Any]:
    """Return Django's database dict for ``DATABASE_URL``, by default SQLite in ``folder``."""
    url = os.environ.get("DATABASE_URL") or f"sqlite:///{folder / 'demo.sqlite3'}"
    parsed: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
    if parsed["ENGINE"].endswith("sqlite3"):
        # IMMEDIATE takes the write lock when a transaction starts: waiting works then, upgrading a read lock does not.
        parsed["OPTIONS"] = {"init_command": SQLITE_PRAGMAS, "transaction_mode": "IMMEDIATE", "timeout": 20}
    return parsed


def cache(redis_url: str | None) -> dict[str, Any]:
    """Return Django's cache dict: Redis when there is one, else this process's memory."""
    if redis_url:
        return {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis_url, "KEY_PREFIX": "demo"}
    return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}


def words(name: str) -> list[str]:
    """Return the comma-separated words of an environment variable."""
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]


def flag(name: str) -> bool:
    """Return whether an environment variable says yes (1, true, yes, on)."""
    return os.environ.get(name, "").strip().lower() in {"1", "true", "yes", "on"}


def own_marketplace(folder: Path) -> dict[str, Any]:
    """Return the marketplaces to install from: the one that this site serves, once the demo has said where it answers.

    Args:
        folder: where the root file of its keys is.
    """
    if not (address := os.environ.get("GRIDKIT_DEMO_ADDRESS")):
        return {}
    root = str(folder / "root.json")
    return {"demo": {"url": f"{address}/market/", "root": root, "timeout": 10.0, "plain_http": True}}  # it is ourselves


def is_news(line: logging.LogRecord) -> bool:
    """Whether a line of the log tells something: that there is no newer root file is how clients learn that."""
    return ".root.json" not in line.getMessage()

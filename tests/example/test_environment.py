from __future__ import annotations

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import ConnectionHandler

from example_project.environment import cache, database, flag, secret_key, var_folder, words


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said about the demo."""
    for name in ("DATABASE_URL", "SECRET_KEY", "GRIDKIT_DEMO_VAR"):
        monkeypatch.delenv(name, raising=False)


def test_var_folder_by_default_is_var_for_the_owner_alone(tmp_path: Path):
    folder = var_folder(tmp_path)

    assert folder == tmp_path / "var"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_var_folder_of_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRIDKIT_DEMO_VAR", str(tmp_path / "elsewhere"))

    assert var_folder(tmp_path) == tmp_path / "elsewhere"


def test_secret_key_is_made_once_and_kept_from_other_people(tmp_path: Path):
    first = secret_key(tmp_path)

    assert secret_key(tmp_path) == first
    assert len(first) > 80
    assert stat.S_IMODE((tmp_path / "secret-key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


def test_secret_key_asked_for_by_many_at_once_is_one(tmp_path: Path):
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(secret_key, [tmp_path] * 64))

    assert len(keys) == 1


def test_secret_key_of_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SECRET_KEY", "given")

    assert secret_key(tmp_path) == "given"
    assert not list(tmp_path.iterdir())


@pytest.mark.django_db  # for pytest-django, which guards every database
def test_database_by_default_is_sqlite_in_wal_mode_that_takes_the_write_lock_first(tmp_path: Path):
    connection = ConnectionHandler({"default": database(tmp_path)})["default"]
    other = sqlite3.connect(tmp_path / "demo.sqlite3", timeout=0)

    try:
        with connection.cursor() as cursor:
            assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert cursor.execute("PRAGMA foreign_keys").fetchone() == (1,)
        connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    finally:
        connection.close()
        other.close()


def test_database_url_of_a_server_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://somebody:secret@db.example:5433/flights")

    settings = database(tmp_path)

    assert settings["ENGINE"] == "django.db.backends.postgresql"
    assert (settings["HOST"], settings["PORT"], settings["NAME"]) == ("db.example", 5433, "flights")
    assert "OPTIONS" not in settings


def test_cache_is_redis_when_there_is_one_else_memory():
    assert cache("redis://localhost:1/0")["LOCATION"] == "redis://localhost:1/0"
    assert cache(None)["BACKEND"].endswith("LocMemCache")


def test_words_are_split_at_commas_and_trimmed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PROBE", " a.example, ,b.example ")

    assert words("PROBE") == ["a.example", "b.example"]
    assert words("PROBE_UNSET") == []


@pytest.mark.parametrize(("text", "meaning"), [("1", True), ("True", True), ("on", True), ("0", False), ("", False)])
def test_flag_says_yes_only_to_words_that_mean_it(monkeypatch: pytest.MonkeyPatch, text: str, meaning: bool):
    monkeypatch.setenv("PROBE", text)

    assert flag("PROBE") is meaning

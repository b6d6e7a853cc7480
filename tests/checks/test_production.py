"""What ``check --deploy`` says of settings that a site in production should not leave out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.core.checks import CheckMessage

from gridkit_django import checks
from gridkit_django.checks import DEPLOY_CHECKS, queue
from gridkit_django.checks.production import MIDDLEWARE
from tests.servers.processes import ROOT

ADDRESS = "redis://nobody/0"


def found(settings: Any, **changes: Any) -> list[str]:
    """Return the ids that the checks for production report with these settings laid over those of the suite."""
    for name, value in changes.items():
        setattr(settings, name, value)
    return [message.id or "" for check in DEPLOY_CHECKS for message in check()]


def texts(settings: Any, number: str, **changes: Any) -> list[CheckMessage]:
    for name, value in changes.items():
        setattr(settings, name, value)
    return [message for check in DEPLOY_CHECKS for message in check() if message.id == number]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, True),
        ({"ENCRYPTION_KEYS": ["a long text"]}, False),
        ({"AUDIT_MASTER_KEYS": ["one"], "AUDIT_MAC_KEYS": ["two"]}, False),
        ({"AUDIT_MASTER_KEYS": ["one"]}, True),
    ],
)
def test_secrets_that_hang_on_the_secret_key_are_told(settings: Any, keys: dict[str, Any], *, told: bool) -> None:
    assert ("gridkit.W012" in found(settings, GRIDKIT=keys)) == told


@pytest.mark.parametrize(
    ("backend", "rate", "told"),
    [
        ("django.core.cache.backends.locmem.LocMemCache", "5/min", True),
        ("django.core.cache.backends.dummy.DummyCache", "5/min", True),
        ("django.core.cache.backends.locmem.LocMemCache", None, False),
        ("django.core.cache.backends.redis.RedisCache", "5/min", False),
    ],
)
def test_rates_in_a_cache_of_one_process_are_told(settings: Any, backend: str, rate: str | None, *, told: bool) -> None:
    caches = {"default": {"BACKEND": backend, "LOCATION": ADDRESS}}
    rates = {"THROTTLE_RATES": {"rows": rate}}

    assert ("gridkit.W013" in found(settings, CACHES=caches, GRIDKIT=rates)) == told


def test_missing_middleware_is_told(settings: Any) -> None:
    others = [name for name in settings.MIDDLEWARE if name != MIDDLEWARE]

    assert "gridkit.W014" in found(settings, MIDDLEWARE=others)
    assert "gridkit.W014" not in found(settings, MIDDLEWARE=[MIDDLEWARE, *others])


@pytest.mark.parametrize(
    ("behind", "named", "told"),
    [
        ({"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}, [], True),
        ({"USE_X_FORWARDED_HOST": True}, [], True),
        ({"USE_X_FORWARDED_HOST": True}, ["10.0.0.0/8"], False),
        ({}, [], False),
    ],
)
def test_proxy_that_is_taken_for_everybody_is_told(
    settings: Any, behind: dict[str, Any], named: list[str], *, told: bool
) -> None:
    assert ("gridkit.W015" in found(settings, GRIDKIT={"AUDIT_TRUSTED_PROXIES": named}, **behind)) == told


def test_notes_among_temporary_files_are_told(settings: Any, tmp_path: Path) -> None:
    assert "gridkit.W016" in found(settings, GRIDKIT={})
    assert "gridkit.W016" not in found(settings, GRIDKIT={"STATE_DIR": str(tmp_path)})


def test_export_files_in_the_working_folder_are_told(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plain = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    own = {**plain, "OPTIONS": {"location": tmp_path / "own"}}
    changes = {"MEDIA_ROOT": "", "MEDIA_URL": "/media/", "STORAGES": {**settings.STORAGES, "default": plain}}

    (message,) = texts(settings, "gridkit.W005", GRIDKIT={}, **changes)
    assert "happens to be started in" in message.msg
    storages = {**settings.STORAGES, "own": own}
    assert texts(settings, "gridkit.W005", GRIDKIT={"EXPORT_STORAGE": "own"}, STORAGES=storages) == []


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Celery:
    """A Celery app that was told nothing, in the place of the suite's own: as in a process that loads none."""
    made = Celery("nobody", set_as_current=False)
    monkeypatch.setattr(queue, "current_app", made)
    return made


@pytest.mark.usefixtures("app")
def test_a_broker_that_no_loaded_app_reads_is_told_with_the_line_that_is_missing(settings: Any) -> None:
    settings.CELERY_BROKER_URL, settings.ROOT_URLCONF = ADDRESS, "firm.urls"

    (message,) = queue.check_celery_app()
    assert message.id == "gridkit.W010"
    assert "from firm.celery import app as celery_app" in str(message.hint)
    assert queue.check_broker() == []


@pytest.mark.usefixtures("app")
def test_no_broker_at_all_is_told_before_production_only(settings: Any) -> None:
    settings.CELERY_BROKER_URL = None

    assert [message.id for message in queue.check_broker()] == ["gridkit.W011"]
    assert queue.check_celery_app() == []


def test_a_loaded_app_with_a_broker_has_nothing_to_report(app: Celery, settings: Any) -> None:
    settings.CELERY_BROKER_URL = ADDRESS
    app.conf.update(broker_url=ADDRESS)

    assert [*queue.check_celery_app(), *queue.check_broker()] == []


def test_checks_for_production_leave_wrong_settings_to_their_own_check(settings: Any) -> None:
    assert set(found(settings, GRIDKIT={"NO_SUCH_KEY": 1})) <= {"gridkit.W011", "gridkit.W014"}


def test_each_number_stands_for_one_check_and_is_on_the_page() -> None:
    files = [*Path(checks.__file__).parent.glob("*.py"), *(ROOT / "gridkit_plugins").rglob("*.py")]
    used = [number for file in files for number in re.findall(r'id="(gridkit\.[EW]\d+)"', file.read_text())]
    page = (ROOT / "docs" / "reference" / "checks.md").read_text()

    assert sorted(used) == sorted(set(used))
    assert [number for number in used if f"| `{number}` |" not in page] == []

"""The numbered system checks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.checks import run_checks
from django.test import modify_settings, override_settings

from gridkit_django.checks import (
    CHECKS,
    TAG,
    check_export_privacy,
    check_export_storage,
    check_grids,
    check_libraries,
    check_object_rights,
    check_settings,
)
from gridkit_django.conf import settings
from gridkit_django.exceptions import SettingsError
from gridkit_django.grids import Grid, grid_registry
from tests.shop.models import Order


class FaultyGrid(Grid):
    """Two slips."""

    class Meta:
        model = Order
        id = "check-faulty"
        columns = ["note", "customer__discounted"]
        default_sort = ["nothing"]


@pytest.fixture
def faulty() -> Iterator[type[Grid]]:
    grid_registry().register(FaultyGrid)
    yield FaultyGrid
    grid_registry().unregister("check-faulty")


def test_sound_project_has_nothing_to_report() -> None:
    assert [message for check in CHECKS for message in check()] == []


@pytest.mark.usefixtures("faulty")
def test_checks_run_with_djangos_own_under_their_tag() -> None:
    assert [message.id for message in run_checks(tags=[TAG])] == ["gridkit.E101", "gridkit.E104"]


def test_wrong_settings_are_e001() -> None:
    with override_settings(GRIDKIT={"PAGE_SIZES": 1}):
        (message,) = check_settings()
        assert check_grids() == []
    assert message.id == "gridkit.E001"
    assert "unknown key 'PAGE_SIZES'" in message.msg


@pytest.mark.usefixtures("faulty")
def test_grids_are_not_judged_with_wrong_settings() -> None:
    class Paged(Grid):
        class Meta:
            model = Order
            id = "check-paged"
            columns = ["note"]
            page_size = 7

    grid_registry().register(Paged)
    try:
        with override_settings(GRIDKIT={"PAGE_SIZES": 1}):
            assert check_grids() == []
    finally:
        grid_registry().unregister("check-paged")


def test_wrong_settings_do_not_keep_the_app_from_starting_but_everybody_who_reads_them() -> None:
    config = apps.get_app_config("gridkit_django")
    with override_settings(GRIDKIT={"EVENT_MIDDLEWARE": 5}):
        assert config._event_middleware() == ()  # type: ignore[attr-defined]
        with pytest.raises(SettingsError):
            settings()


def test_middleware_of_the_settings_is_imported() -> None:
    config = apps.get_app_config("gridkit_django")
    with override_settings(GRIDKIT={"EVENT_MIDDLEWARE": ["gridkit_django.events.current_act"]}):
        (found,) = config._event_middleware()  # type: ignore[attr-defined]
    assert found.__name__ == "current_act"


def test_page_sizes_that_contradict_each_other_are_e002() -> None:
    with override_settings(GRIDKIT={"PAGE_SIZE": 11, "PAGE_SIZE_MAX": 10}):
        assert [message.id for message in check_settings()] == ["gridkit.E002"]


def test_settings_that_need_a_missing_library_are_e003(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"HINT_URL": "redis://localhost", "METRICS_TOKEN": "secret", "OPENTELEMETRY": True}
    with override_settings(GRIDKIT=wanted):
        assert check_libraries() == []
        monkeypatch.setattr("gridkit_django.checks.settings.find_module", lambda _name: None)
        messages = check_libraries()
    assert [message.id for message in messages] == ["gridkit.E003"] * 3
    assert "gridkit-django[tracing]" in str(messages[2].hint)
    assert check_libraries() == []
    with override_settings(GRIDKIT={"OPENTELEMETRY": "yes"}):
        assert check_libraries() == []


def test_faults_of_a_grid_are_reported_at_the_grid(faulty: type[Grid]) -> None:
    messages = check_grids()
    assert [(message.id, message.obj) for message in messages] == [("gridkit.E101", faulty), ("gridkit.E104", faulty)]


def test_missing_guardian_is_w001() -> None:
    with modify_settings(INSTALLED_APPS={"remove": ["guardian"]}):
        assert [message.id for message in check_object_rights()] == ["gridkit.W001"]


def test_guardian_without_its_backend_is_w002() -> None:
    with override_settings(AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend"]):
        assert [message.id for message in check_object_rights()] == ["gridkit.W002"]


@pytest.mark.parametrize("backend", ["nobody.knows.Storage", None])
def test_export_storage_that_is_none_is_told(settings: Any, backend: str | None) -> None:
    settings.GRIDKIT = {"EXPORT_STORAGE": "exports"}
    extra = {} if backend is None else {"exports": {"BACKEND": backend}}
    settings.STORAGES = {**settings.STORAGES, **extra}

    (found,) = check_export_storage()
    assert (found.id, "'exports'" in found.msg) == ("gridkit.E004", True)
    assert check_export_privacy() == []


@pytest.mark.parametrize(
    ("place", "url", "told"), [("media", "/media/", True), ("media/in", "/media/", True), ("own", "/media/", False),
                               ("media", "", False)],
)  # fmt: skip
def test_export_files_below_the_media_folder_are_told(
    settings: Any, tmp_path: Path, place: str, url: str, *, told: bool
) -> None:
    settings.MEDIA_ROOT, settings.MEDIA_URL = tmp_path / "media", url
    backend = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / place}}
    settings.STORAGES = {**settings.STORAGES, "exports": backend}
    settings.GRIDKIT = {"EXPORT_STORAGE": "exports"}

    assert [found.id for found in check_export_privacy()] == (["gridkit.W005"] if told else [])
    assert check_export_storage() == []


def test_checks_of_the_export_storage_leave_wrong_settings_to_their_own_check(settings: Any) -> None:
    settings.GRIDKIT = {"NO_SUCH_KEY": 1}

    assert [*check_export_storage(), *check_export_privacy()] == []

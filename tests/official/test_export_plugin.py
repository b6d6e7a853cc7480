"""The export plugin at work, installed through the manager as the admin installs it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import User
from pydantic import ValidationError

from gridkit_django.exceptions import (
    GridNotFoundError,
    MethodArgumentsError,
    MethodNotFoundError,
    PluginMethodError,
)
from gridkit_django.exports import ExporterRegistry, exporters, open_result, run_export
from gridkit_django.grids import grid_registry, open_grid
from gridkit_django.grids.methods import call_method, list_methods
from gridkit_django.models import ExportJob
from gridkit_django.plugins import PluginManager
from gridkit_plugins.export.config import ExportConfig
from gridkit_plugins.export.options import OPTIONS_BY_FORMAT, arguments_schema
from gridkit_plugins.export.plugin import exported_query
from tests.exports.shop import GRID, ORDERS, ExportGrid, ExportOrderGrid, Recorder, person, products

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

PLUGIN = "@gridkit/plugin-export"


@pytest.fixture(autouse=True)
def grids() -> Iterator[None]:
    for grid in (ExportGrid, ExportOrderGrid):
        grid_registry().register(grid)
    yield
    for grid in (ExportGrid, ExportOrderGrid):
        grid_registry().unregister(grid.options.id)


@pytest.fixture
def user() -> User:
    return person("ann")


def call(user: User, query: Any = None, *, grid: str = GRID, **arguments: Any) -> Any:
    return call_method(open_grid(grid, user), "export", arguments, query)


def formats_on(grid: str, user: User) -> list[str]:
    (spec,) = list_methods(open_grid(grid, user))
    return spec.schema["properties"]["format"]["enum"]


def test_install_offers_the_method_and_all_formats(manager: PluginManager, user: User):
    assert list_methods(open_grid(GRID, user)) == ()
    info = manager.install_plugin(PLUGIN)

    assert info.id == PLUGIN
    assert formats_on(GRID, user) == ["csv", "xlsx", "pdf", "json"]
    assert exporters().formats() == ("csv", "json", "ndjson", "parquet", "pdf", "xlsx")


def test_a_call_is_answered_with_202_and_a_job_of_the_caller_that_exports_what_the_caller_looks_at(
    manager: PluginManager, user: User
):
    manager.install_plugin(PLUGIN)
    products(10)
    state = {"columns": ["sku"], "filter": {"col": "stock", "op": "lt", "value": 2}, "sort": [{"col": "sku"}]}
    result = call(user, state, format="json")

    assert result.status == 202
    job = ExportJob.objects.get(pk=result.body["job"]["id"])
    assert (job.owner, job.format, result.body["job"]["state"]) == (user, "json", "queued")
    run_export(job.pk)
    with open_result(job.pk, user).file as file:
        assert json.load(file) == [{"sku": "S0000"}, {"sku": "S0001"}]


def test_a_call_without_a_state_exports_all_rows(manager: PluginManager, user: User):
    manager.install_plugin(PLUGIN)
    job = ExportJob.objects.get(pk=call(user, format="csv").body["job"]["id"])

    assert job.query["filter"] is None
    assert job.options == {}


def test_deactivating_takes_method_and_formats_away_and_activating_brings_them_back(manager: PluginManager, user: User):
    manager.install_plugin(PLUGIN)
    manager.deactivate_plugin(PLUGIN)

    assert list_methods(open_grid(GRID, user)) == ()
    assert exporters().formats() == ()
    with pytest.raises(MethodNotFoundError):
        call(user, format="csv")
    manager.activate_plugin(PLUGIN)
    assert call(user, format="csv").status == 202


def test_a_user_without_the_right_to_export_does_not_see_the_method(manager: PluginManager, user: User):
    manager.install_plugin(PLUGIN)
    user.user_permissions.remove(*user.user_permissions.filter(codename="export_grid"))
    user = User.objects.get(pk=user.pk)

    assert list_methods(open_grid(GRID, user)) == ()
    with pytest.raises(MethodNotFoundError):
        call(user, format="csv")


def test_a_disabled_account_starts_no_export(manager: PluginManager, user: User):
    manager.install_plugin(PLUGIN)
    access = open_grid(GRID, user)
    assert access.can_export
    User.objects.update(is_active=False)

    with pytest.raises(GridNotFoundError):
        call_method(access, "export", {"format": "csv"}, None)
    assert not ExportJob.objects.exists()


def test_formats_are_those_of_the_configuration_of_the_grid(manager: PluginManager, user: User):
    manager.install_plugin(PLUGIN, config={"formats": ["csv", "json"]})
    manager.configure_plugin(PLUGIN, {"formats": ["xlsx"]}, grid=ORDERS)

    assert formats_on(GRID, user) == ["csv", "json"]
    assert formats_on(ORDERS, user) == ["xlsx"]
    with pytest.raises(MethodArgumentsError) as caught:
        call(user, grid=ORDERS, format="csv")
    assert caught.value.errors[0].pointer == "/arguments/format"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"format": "docx"},
        {"format": "csv", "options": {"delimiter": "x"}},
        {"format": "csv", "options": {"orientation": "portrait"}},
        {"format": "json", "options": {"bom": True}},
        {"format": "csv", "more": 1},
    ],
)
def test_arguments_that_the_format_does_not_take_are_refused(manager: PluginManager, user: User, arguments: Any):
    manager.install_plugin(PLUGIN)

    with pytest.raises(MethodArgumentsError):
        call(user, **arguments)
    assert not ExportJob.objects.exists()


def test_with_filtered_only_off_all_rows_that_the_person_may_see_are_exported(manager: PluginManager, user: User):
    manager.install_plugin(PLUGIN, config={"include_filtered_only": False})
    state = {"columns": ["sku"], "filter": {"col": "stock", "op": "lt", "value": 2}, "search": "x"}
    job = ExportJob.objects.get(pk=call(user, state, format="csv").body["job"]["id"])

    assert (job.query["filter"], job.query["search"], job.query["columns"]) == (None, "", ["sku"])


def test_formatting_follows_the_configuration_unless_the_caller_says_otherwise(manager: PluginManager, user: User):
    manager.install_plugin(PLUGIN, config={"include_formatting": False})

    def options(**arguments: Any) -> Any:
        return ExportJob.objects.get(pk=call(user, **arguments).body["job"]["id"]).options

    assert options(format="xlsx") == {"formatting": False}
    assert options(format="pdf", options={"formatting": True}) == {"formatting": True}
    assert options(format="csv", options={"bom": True}) == {"bom": True}


@pytest.mark.parametrize("permission", ["rows:read", "files:write"])
def test_without_its_permissions_the_plugin_starts_no_export(manager: PluginManager, user: User, permission: str):
    manager.install_plugin(PLUGIN)
    manager.revoke_permission(PLUGIN, permission)

    with pytest.raises((PluginMethodError, MethodNotFoundError)):
        call(user, format="csv")
    assert not ExportJob.objects.exists()


def test_picked_rows_reach_the_job(manager: PluginManager, user: User):
    manager.install_plugin(PLUGIN)
    first = products(3)[0]
    query = {"columns": ["sku"], "sort": [{"col": "sku"}], "window": {"kind": "offset", "start": 0, "end": 2}}

    call(user, query, format="csv", rows={"exclude": [first.pk]})
    job = ExportJob.objects.latest("created_at")
    assert job.selection["exclude"] == [first.pk]
    call(user, query, format="csv", rows="page")
    assert len(ExportJob.objects.latest("created_at").selection["include"]) == 2
    for wrong in ("few", {"other": 1}, {"include": [[]]}):
        with pytest.raises(MethodArgumentsError):
            call(user, query, format="csv", rows=wrong)


def test_an_answer_with_the_file_holds_the_job_back_from_the_workers(manager: PluginManager, user: User):
    manager.install_plugin(PLUGIN)
    result = call(user, format="csv", answer="file")
    assert (result.status, result.body["answer"], result.body["job"]["state"]) == (202, "file", "queued")


def test_a_format_of_another_plugin_is_offered_with_its_options_while_somebody_writes_it(
    manager: PluginManager, user: User
):
    manager.install_plugin(PLUGIN, config={"formats": ["csv"], "other_formats": ["lines"]})
    assert formats_on(GRID, user) == ["csv"]

    class Lines(Recorder):
        options_schema: ClassVar = {"wide": {"type": "boolean"}}

    remove = exporters().register("lines", Lines, owner="@t/lines")
    try:
        manager.reload_plugin(PLUGIN)
        assert formats_on(GRID, user) == ["csv", "lines"]
        call(user, format="lines", options={"wide": True})
        with pytest.raises(MethodArgumentsError):
            call(user, format="lines", options={"formatting": True})
    finally:
        remove()
    assert ExportJob.objects.get().options == {"wide": True}


def test_every_offered_option_is_one_that_the_writer_takes_and_the_other_way_round(registry: ExporterRegistry):
    schema = arguments_schema(OPTIONS_BY_FORMAT)
    for rule in schema["allOf"]:
        name = rule["if"]["properties"]["format"]["const"]
        offered = rule["then"]["properties"]["options"]["properties"]
        assert offered == dict(registry.get(name).options_schema)


@pytest.fixture
def registry(manager: PluginManager) -> ExporterRegistry:
    manager.install_plugin(PLUGIN)
    return exporters()


def test_configuration_refuses_unknown_formats_repeats_and_unknown_keys():
    for wrong in ({"formats": ["docx"]}, {"formats": []}, {"formats": ["csv", "csv"]}, {"colour": 1}):
        with pytest.raises(ValidationError):
            ExportConfig.model_validate(wrong)


def test_query_keeps_its_filter_only_when_filtered_rows_are_exported():
    query = {"filter": {"col": "a"}, "search": "x", "sort": []}

    assert exported_query(query, filtered_only=True) == query
    assert exported_query(query, filtered_only=False) == {"sort": []}


def test_health_tells_of_pdf_files_that_cannot_be_written(manager: PluginManager, monkeypatch: pytest.MonkeyPatch):
    manager.install_plugin(PLUGIN)
    assert manager.check_plugin_health(PLUGIN).status == "healthy"

    monkeypatch.setattr("gridkit_plugins.export.plugin.pdf_problem", lambda: "the pango library is missing")
    health = manager.check_plugin_health(PLUGIN)
    assert (health.status, health.message) == ("degraded", "PDF files can't be written: the pango library is missing.")

    manager.configure_plugin(PLUGIN, {"formats": ["csv"]})
    assert manager.check_plugin_health(PLUGIN).status == "healthy"


def test_each_choice_of_an_option_has_a_name_to_show_unless_it_names_itself() -> None:
    for known in OPTIONS_BY_FORMAT.values():
        for name, schema in known.items():
            if "enum" in schema and name not in ("encoding", "compression"):
                assert len(schema["enumNames"]) == len(schema["enum"]), name

"""Methods of plugins on a grid: who may call which, with what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, Permission, User

from gridkit_django.events import Actor, ActorKind
from gridkit_django.exceptions import (
    MethodArgumentsError,
    MethodNotFoundError,
    PluginMethodError,
    QueryError,
    UnknownColumnError,
)
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.grid import Grid
from gridkit_django.grids.methods import (
    DETAIL_MAX,
    ERRORS_MAX,
    MethodCall,
    MethodResult,
    MethodSpec,
    NullMethodProvider,
    call_method,
    list_methods,
    method_provider,
)
from gridkit_django.typing import JSONObject
from tests.shop.models import Product

SCHEMA: JSONObject = {
    "type": "object",
    "properties": {
        "format": {"enum": ["csv", "json"]},
        "day": {"type": "string", "format": "date"},
        "parts": {"type": "array", "items": {"type": "object", "properties": {"a/b~c": {"type": "integer"}}}},
    },
    "required": ["format"],
    "additionalProperties": False,
}


class MethodGrid(Grid):
    class Meta:
        model = Product
        id = "method-products"
        columns = ["sku"]
        search = ["sku"]


class Provider:
    """Offers what the test gives it and notes what is called."""

    def __init__(self) -> None:
        self.specs: list[MethodSpec] = []
        self.calls: list[MethodCall] = []
        self.asked: list[str] = []

    def methods_for(self, grid_id: str) -> list[MethodSpec]:
        self.asked.append(grid_id)
        return self.specs

    def call(self, call: MethodCall) -> MethodResult:
        self.calls.append(call)
        return MethodResult(202, {"job": {"id": "1"}})


@pytest.fixture
def provider() -> Iterator[Provider]:
    config: Any = apps.get_app_config("gridkit_django")
    before = vars(config).get("method_provider")
    config.method_provider = Provider()
    yield config.method_provider
    if before is None:
        del config.method_provider
    else:
        config.method_provider = before


def spec(name: str = "export", **values: Any) -> MethodSpec:
    return MethodSpec(name, name.title(), "@gridkit/plugin-export", **values)


def access_of(user: User | AnonymousUser) -> GridAccess:
    return GridAccess(MethodGrid, user)


ADMIN = User(pk=7, username="ada", is_superuser=True)


def test_methods_of_the_grids_plugins_are_listed_in_their_order(provider: Provider) -> None:
    provider.specs = [spec("b"), spec("a")]
    assert list_methods(access_of(ADMIN)) == (spec("b"), spec("a"))
    assert provider.asked == ["method-products"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("right", "permission"),
    [
        (None, None),
        ("edit_grid", "edit_grid"),
        ("export_grid", "export_grid"),
        ("shop.view_price", "view_price"),
    ],
)
def test_user_with_the_right_may_call_and_another_sees_nothing(
    provider: Provider, right: str | None, permission: str | None
) -> None:
    provider.specs = [spec(permission=right)]
    other = User.objects.create_user("bob")
    assert [found.name for found in list_methods(access_of(other))] == ([] if right else ["export"])
    if permission:
        other.user_permissions.add(Permission.objects.get(codename=permission))
    entitled = User.objects.get(pk=other.pk)
    assert [found.name for found in list_methods(access_of(entitled))] == ["export"]
    assert call_method(access_of(entitled), "export", {}).status == 202


@pytest.mark.django_db
def test_unknown_right_is_held_by_nobody_but_superusers(provider: Provider) -> None:
    provider.specs = [spec(permission="no_such_right")]
    assert list_methods(access_of(User.objects.create_user("bob"))) == ()


@pytest.mark.django_db
def test_forbidden_and_unknown_method_answer_alike(provider: Provider) -> None:
    provider.specs = [spec(permission="edit_grid", schema=SCHEMA)]
    access = access_of(User.objects.create_user("bob"))
    with pytest.raises(MethodNotFoundError) as forbidden:
        call_method(access, "export", {"format": 1})
    provider.specs = []
    with pytest.raises(MethodNotFoundError) as unknown:
        call_method(access, "export", {"format": 1})
    assert forbidden.value.detail == unknown.value.detail
    assert provider.calls == []


def test_call_hands_over_plain_values_of_the_caller(provider: Provider) -> None:
    provider.specs = [spec("other"), spec(schema=SCHEMA)]
    query: JSONObject = {"search": "hammer"}
    result = call_method(access_of(ADMIN), "export", {"format": "csv"}, query)
    assert result == MethodResult(202, {"job": {"id": "1"}})
    assert provider.calls == [
        MethodCall("method-products", "export", {"format": "csv"}, query, Actor(ActorKind.USER, "7", "ada"), 7)
    ]


def test_key_that_is_no_number_is_handed_over_as_text_and_nobody_as_none(provider: Provider) -> None:
    provider.specs = [spec()]
    call_method(access_of(User(pk="00-7", is_superuser=True)), "export", {})
    call_method(access_of(AnonymousUser()), "export", {})
    assert [call.user_id for call in provider.calls] == ["00-7", None]
    assert provider.calls[1].actor.kind is ActorKind.ANONYMOUS


@pytest.mark.parametrize(
    ("arguments", "pointer", "part"),
    [
        ({}, "/arguments", "'format' is a required property"),
        ({"format": "exe"}, "/arguments/format", "is not one of"),
        ({"format": "csv", "x": 1}, "/arguments", "'x' was unexpected"),
        ({"format": "csv", "day": "2013-02-30"}, "/arguments/day", "is not a 'date'"),
        ({"format": "csv", "parts": [{}, {"a/b~c": "x"}]}, "/arguments/parts/1/a~1b~0c", "not of type 'integer'"),
        ([], "/arguments", "Send an object"),
        (None, "/arguments", "Send an object"),
    ],
)
def test_arguments_that_break_the_schema_are_refused_where_they_do(
    provider: Provider, arguments: Any, pointer: str, part: str
) -> None:
    provider.specs = [spec(schema=SCHEMA)]
    with pytest.raises(MethodArgumentsError) as caught:
        call_method(access_of(ADMIN), "export", arguments)
    (item,) = caught.value.errors
    assert (item.pointer, item.code) == (pointer, "method-arguments-invalid")
    assert part in item.detail
    assert part in caught.value.detail
    assert provider.calls == []


def test_arguments_are_an_object_even_when_the_schema_does_not_say_so(provider: Provider) -> None:
    provider.specs = [spec()]
    with pytest.raises(MethodArgumentsError) as caught:
        call_method(access_of(ADMIN), "export", ["csv"])  # type: ignore[arg-type]
    assert caught.value.errors[0].pointer == "/arguments"


@pytest.mark.parametrize(
    ("query", "error", "pointer"),
    [
        ({"sort": [{"col": "sku"}, {"col": "price"}]}, UnknownColumnError, "/query/sort/1/col"),
        ({"filter": {"col": "nosuch", "op": "eq", "value": 1}}, UnknownColumnError, "/query/filter/col"),
        ({"order": []}, QueryError, "/query"),
        ([], QueryError, "/query"),
    ],
)
def test_query_that_the_user_could_not_ask_is_refused_where_it_stands(
    provider: Provider, query: Any, error: type[QueryError], pointer: str
) -> None:
    provider.specs = [spec()]
    with pytest.raises(error) as caught:
        call_method(access_of(ADMIN), "export", {}, query)
    assert [item.pointer for item in caught.value.errors] == [pointer]
    assert provider.calls == []


def test_faults_are_bounded_in_number_and_length(provider: Provider) -> None:
    provider.specs = [spec(schema={"type": "object", "additionalProperties": {"type": "integer"}})]
    with pytest.raises(MethodArgumentsError) as caught:
        call_method(access_of(ADMIN), "export", {str(number): "x" * 10_000 for number in range(100)})
    assert len(caught.value.errors) == ERRORS_MAX
    assert {len(item.detail) for item in caught.value.errors} == {DETAIL_MAX}


def test_schema_that_points_outside_itself_is_the_plugins_fault_and_nothing_is_fetched(provider: Provider) -> None:
    provider.specs = [spec(schema={"$ref": "http://192.0.2.1/schema.json"})]
    with pytest.raises(PluginMethodError, match=r"@gridkit/plugin-export .*192\.0\.2\.1"):
        call_method(access_of(ADMIN), "export", {})


def test_site_without_a_runtime_offers_no_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apps.get_app_config("gridkit_django"), "method_provider", None, raising=False)
    assert isinstance(method_provider(), NullMethodProvider)
    assert list_methods(access_of(ADMIN)) == ()
    with pytest.raises(MethodNotFoundError):
        call_method(access_of(ADMIN), "export", {})
    with pytest.raises(MethodNotFoundError):
        NullMethodProvider().call(MethodCall("g", "export", {}, None, Actor.system("t"), None))

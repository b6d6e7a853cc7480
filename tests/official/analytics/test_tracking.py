"""What is told of an event, to whom and of whom: names, properties, pseudonyms, consent, shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from pydantic import ValidationError

from gridkit_django.audit import AuditPolicy, audit_policies
from gridkit_django.events import EVENT_TYPES, NO_VISIT, Actor, ActorKind, EventSource, GridEvent, Visit
from gridkit_django.exceptions import PluginConfigError
from gridkit_django.grids import personal_columns
from gridkit_django.plugins import PluginManager
from gridkit_plugins.analytics.admission import is_sampled, may_follow
from gridkit_plugins.analytics.config import AnalyticsConfig
from gridkit_plugins.analytics.naming import name_of, tracked_types
from gridkit_plugins.analytics.properties import properties_of
from gridkit_plugins.analytics.providers.ga import event_name
from gridkit_plugins.analytics.tracking import tracked
from tests.official.analytics.conftest import GRID, PLUGIN, VISIT, AnalysedGrid, tell, waiting

Install = Callable[..., None]

ALL_COLUMNS = ["sku", "name", "stock", "price", "nonsense"]
EDIT = {"rowId": "7", "column": "name", "old": "before", "new": "after"}


def event(kind: str, payload: Any, *, actor: str = "7", visit: Visit = VISIT) -> GridEvent:
    who = Actor(ActorKind.USER, actor, "eva") if actor else Actor(ActorKind.ANONYMOUS, "", "anonymous")
    return GridEvent(kind, payload, GRID, who, EventSource.BROWSER, visit=visit)


def config(**values: Any) -> AnalyticsConfig:
    return AnalyticsConfig.model_validate(values)


@pytest.fixture
def eva(db: None) -> User:
    return User.objects.create(username="eva")


@pytest.mark.parametrize(
    ("kind", "payload", "told"),
    [
        ("row:select", {"rowId": "7"}, {"rowId": "7"}),
        (
            "filter:apply",
            {
                "filter": {
                    "and": [{"col": "name", "op": "eq", "value": "x"}, {"not": {"col": "stock", "op": "blank"}}]
                },
                "search": "secret", "count": 3, "ms": 120,
            },
            {
                "filterCount": 2, "columns": ["name", "stock"], "operators": ["eq", "blank"], "searched": True,
                "resultCount": 3, "durationMs": 120, "filters": [{"column": "name", "op": "eq", "value": "x"}],
            },
        ),
        (
            "sort:change",
            {"sort": [{"col": "stock", "dir": "desc"}, {"col": "name", "dir": "asc"}], "ms": 40},
            {"sortCount": 2, "columns": ["stock", "name"], "directions": ["desc", "asc"], "durationMs": 40},
        ),
        (
            "page:change",
            {"window": {"kind": "offset", "start": 20, "end": 30}, "ms": 90},
            {"kind": "offset", "start": 20, "rows": 10, "durationMs": 90},
        ),
        ("page:change", {"window": {"kind": "cursor", "after": "secret", "size": 50}}, {"kind": "cursor", "rows": 50}),
        ("cell:edit", EDIT, {"rowId": "7", "column": "name", "old": "before", "new": "after"}),
        ("cell:edit", {**EDIT, "column": "stock"}, {"rowId": "7", "column": "stock"}),
        (
            "row:delete",
            {"rowId": "7", "values": {"name": "n", "stock": 3}},
            {"rowId": "7", "columnCount": 2, "values": {"name": "n"}},
        ),
        (
            "row:update",
            {"rowId": "7", "changes": {"name": ["a", "b"], "stock": [1, 2]}, "versionBefore": "v1"},
            {"rowId": "7", "columns": ["name", "stock"], "columnCount": 2, "changes": {"name": ["a", "b"]}},
        ),
        ("column:pin", {"column": "sku", "side": "left"}, {"column": "sku", "side": "left"}),
        ("view:load", {"viewId": "5", "name": "secret", "scope": "private"}, {"viewId": "5", "scope": "private"}),
        (
            "export:request",
            {
                "jobId": "1", "format": "csv",
                "query": {"columns": ["sku"], "search": "secret", "filter": {"col": "sku", "op": "eq", "value": "s"}},
            },
            {"format": "csv", "columns": ["sku"], "columnCount": 1, "filterCount": 1, "searched": True},
        ),
        (
            "export:finish",
            {"jobId": "1", "format": "csv", "state": "finished", "rows": 2, "size": 64, "ms": 900},
            {"format": "csv", "state": "finished", "rowCount": 2, "bytes": 64, "durationMs": 900},
        ),
    ],
)  # fmt: skip
def test_event_is_told_with_counts_and_values_of_listed_columns_only(kind: str, payload: Any, told: dict[str, Any]):
    found = properties_of(event(kind, payload), config(allowed_columns=["name"], row_ids="plain"))
    assert found == {"grid": GRID, "source": "browser", **told}


@pytest.mark.parametrize("kind", sorted(EVENT_TYPES))
def test_no_value_leaves_the_site_unless_its_column_is_listed(kind: str):
    payload = {
        "rowId": "row-secret", "column": "name", "old": "secret", "new": "secret", "search": "secret",
        "values": {"name": "secret"}, "changes": {"name": ["secret", "secret"]}, "name": "secret", "note": "secret",
        "filter": {"or": [{"col": "name", "op": "between", "value": "secret", "to": "secret"}]},
        "query": {"search": "secret", "filter": {"col": "name", "op": "in", "value": ["secret"]}},
        "window": {"kind": "cursor", "after": "secret"}, "sort": [{"col": "name", "dir": "asc", "value": "secret"}],
    }  # fmt: skip
    assert "secret" not in str(properties_of(event(kind, payload), config(custom_events={"*": "All"})))


def test_personal_and_restricted_columns_are_not_sent_even_when_listed():
    owner = "test-analytics"
    policy = AuditPolicy(model_label="shop.product", mask=frozenset({"name"}), encrypt=frozenset({"stock"}))
    audit_policies().set(owner, [policy])
    try:
        assert personal_columns(AnalysedGrid) == {"name", "stock"}
        found = properties_of(
            event("row:delete", {"rowId": "7", "values": {"sku": "s", "name": "n", "stock": 3, "price": "p"}}),
            config(allowed_columns=ALL_COLUMNS),
        )
    finally:
        audit_policies().drop(owner)
    assert found["values"] == {"sku": "s"}


def test_large_values_are_cut():
    deep: Any = {"a": [{"b": ["c" * 999]}]}
    found = properties_of(
        event("row:create", {"rowId": "7", "values": {"name": "x" * 999, "sku": deep}}),
        config(allowed_columns=ALL_COLUMNS),
    )
    assert len(found["values"]["name"]) == 250
    assert len(str(found["values"]["sku"])) < 300


def test_custom_names_go_before_the_usual_ones_the_most_exact_first():
    chosen = config(
        custom_events={"row:add": "Made", "row:*": {"name": "Row", "fields": ["rowId"]}, "*": "Anything"},
        auto_track=True,
    )
    names = {kind: getattr(name_of(chosen, kind), "name", None) for kind in ("row:create", "row:delete", "sort:change")}
    assert names == {"row:create": "Made", "row:delete": "Row", "sort:change": "Anything"}
    assert set(tracked(event("row:delete", {"rowId": "7", "values": {}}), chosen).properties) == {"rowId"}  # type: ignore[union-attr]
    only = config(custom_events={"row:delete": "Gone"}, auto_track=False)
    assert name_of(only, "sort:change") is None
    assert tracked(event("sort:change", {"sort": []}), only) is None
    assert tracked_types(only) == {"row:delete"}
    assert name_of(config(), "row:select").name == "Table Row Selected"  # type: ignore[union-attr]
    assert name_of(config(), "filter:apply").name == "Table Filter Applied"  # type: ignore[union-attr]


def test_users_and_rows_have_pseudonyms_that_depend_on_the_key():
    told = [tracked(event("row:select", {"rowId": "42"}), config(identity_key=key)) for key in ("", "", "another")]
    first, again, other = [(item.user, item.properties["rowId"]) for item in told if item]
    assert first == again
    assert set(first).isdisjoint(other)
    assert all(len(value) == 32 and value != "42" for value in first)
    plain = tracked(event("row:select", {"rowId": "42"}), config(identity="plain", row_ids="plain"))
    assert plain is not None
    assert (plain.user, plain.properties["rowId"], plain.session, plain.device) == ("7", "42", "session-1", "browser-1")
    hidden = tracked(event("row:select", {"rowId": "42"}, actor=""), config(row_ids="none"))
    assert hidden is not None
    assert (hidden.user, "rowId" in hidden.properties) == ("", False)


def test_browser_that_asks_not_to_be_followed_is_not_followed_unless_the_site_says_so():
    private = event("row:select", {"rowId": "1"}, visit=Visit(is_private=True))
    assert not may_follow(private, config())
    assert may_follow(private, config(respect_dnt=False))


def agrees(user_id: str) -> bool:
    """The consent of a site."""
    return user_id == "7"


def test_consent_is_asked_of_a_function_that_the_settings_list_and_of_no_other(settings: Any):
    with pytest.raises(ValidationError, match="PLUGIN_FUNCTIONS"):
        config(consent=f"{__name__}.agrees")
    settings.GRIDKIT = {**settings.GRIDKIT, "PLUGIN_FUNCTIONS": [f"{__name__}.agrees"]}
    hook = config(consent=f"{__name__}.agrees")
    assert may_follow(event("row:select", {"rowId": "1"}), hook)
    assert not may_follow(event("row:select", {"rowId": "1"}, actor="8"), hook)
    assert not may_follow(event("row:select", {"rowId": "1"}, actor=""), hook)
    settings.GRIDKIT = {**settings.GRIDKIT, "PLUGIN_FUNCTIONS": []}
    with pytest.raises(PluginConfigError):
        may_follow(event("row:select", {"rowId": "1"}), hook)


def test_consent_is_asked_of_an_attribute_of_the_user(eva: User):
    asked = event("row:select", {"rowId": "1"}, actor=str(eva.pk))
    assert may_follow(asked, config(consent="is_active"))
    assert not may_follow(asked, config(consent="is_staff"))
    assert not may_follow(asked, config(consent="username"))
    assert not may_follow(asked, config(consent="no_such_attribute"))


def test_share_of_users_is_kept_and_a_user_is_in_or_out_as_a_whole():
    half = config(sample=0.5)
    chosen = {str(number) for number in range(400) if is_sampled(event("row:select", {}, actor=str(number)), half)}
    assert 150 < len(chosen) < 250
    assert chosen == {str(n) for n in range(400) if is_sampled(event("sort:change", {}, actor=str(n)), half)}
    assert not is_sampled(event("row:select", {}), config(sample=0))
    assert is_sampled(event("row:select", {}, actor="", visit=NO_VISIT), config())


def test_share_of_a_group_counts_when_it_is_smaller(eva: User):
    group = Group.objects.create(name="Staff")
    asked, quiet = event("row:select", {}, actor=str(eva.pk)), config(sample_groups={"Staff": 0, "Others": 0})
    assert is_sampled(asked, quiet)
    eva.groups.add(group)
    assert not is_sampled(asked, quiet)


@pytest.mark.django_db
def test_grid_follows_its_own_configuration(install: Install, manager: PluginManager):
    install(provider="segment", api_key="k", auto_track=True)
    manager.configure_plugin(PLUGIN, {"auto_track": False, "custom_events": {"sort:change": "Sorted"}}, grid=GRID)
    tell("row:select", {"rowId": "1"})
    tell("sort:change", {"sort": []})

    assert [message["name"] for message in waiting("segment")] == ["Sorted"]


@pytest.mark.django_db
def test_who_does_not_agree_is_counted_without_a_name_and_told_to_nobody(install: Install, eva: User):
    install(provider="segment", api_key="k", consent="is_staff")
    tell("row:select", {"rowId": "1"}, user=eva)

    assert waiting("segment") == []
    assert [message["user"] for message in waiting("counts")] == [""]


@pytest.mark.django_db
def test_site_that_does_not_count_has_no_counts(install: Install):
    install(own_store=False)
    tell("row:select", {"rowId": "1"})

    assert waiting("counts") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"provider": "matomo"},
        {"provider": "mixpanel"},
        {"provider": ["segment", "segment"], "api_key": "k"},
        {"provider": "ga", "api_key": "k"},
        {"provider": "ga", "api_key": "k", "ga": {"measurement_id": "UA-1"}},
        {"provider": "webhook"},
        {"provider": "mixpanel", "mixpanel": {"service_account": "a", "service_secret": "s"}},
        {"provider": "segment", "api_key": "k", "segment": {"host": "segment.example"}},
        {"custom_events": {"row:explode": "Bang"}},
        {"consent": "rm -rf"},
        {"sample": 2},
        {"sample_groups": {"Staff": -1}},
    ],
)
def test_configuration_refuses_what_can_not_work(wrong: Any):
    with pytest.raises(ValidationError):
        config(**wrong)


def test_google_names_are_short_plain_and_not_reserved():
    assert event_name("Table Row Selected") == "table_row_selected"
    assert event_name("Click") == "grid_click"
    assert event_name("ga_thing") == "grid_ga_thing"
    assert event_name("7 Zwerge äöü") == "grid_7_zwerge"
    assert len(event_name("Word " * 40)) <= 40


@pytest.mark.django_db
def test_health_warns_of_listed_columns_that_no_grid_has(install: Install, manager: PluginManager):
    install(allowed_columns=["name", "nmae"])
    health = manager.check_plugin_health(PLUGIN)
    assert (health.status, "nmae" in health.message) == ("degraded", True)

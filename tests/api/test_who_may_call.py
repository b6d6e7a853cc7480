"""Every address that there is, asked by somebody unknown and by people without a right: a new one is asked, too.

Whatever answers them with anything but a refusal stands in a list here, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from rest_framework.test import APIClient

from gridkit_django.models import (
    AuditRecord,
    CatalogRefresh,
    ExportJob,
    InstalledPlugin,
    PluginOperation,
    SavedView,
)
from tests.api.addresses import Address, addresses, own_models, stand_in
from tests.api.conftest import client_of
from tests.api.plugins import CLERK
from tests.shop.models import Product

GRID = "api-products"
REFUSALS = {401, 403, 404, 405}

_SHELF = (
    "index search featured popular new categories category facets suggest advisories changes plugin release file "
    "metadata trust picture simple simple-project keys"
)
PUBLIC: Mapping[str, str] = MappingProxyType(
    {
        "gridkit:openapi": "describes the API and holds no data",
        "gridkit:health": "says ok to load balancers, and nothing else",
        "gridkit_market:openapi": "describes the marketplace and holds no data",
        **{f"gridkit_market:market-{name}": "what a marketplace shows to everybody" for name in _SHELF.split()},
        **{
            f"gridkit_market:market-{name}": "sites and people report without an account; the body is judged first"
            for name in ("events", "rating", "reports")
        },
    }
)
"""Addresses that everybody may ask."""

OWN: Mapping[str, str] = MappingProxyType(
    {
        "gridkit:grid-list": "the grids that one may open",
        "gridkit:plugin-list": "the plugins that one has a right on",
        "gridkit:plugin-updates": "the updates of those",
        "gridkit:plugin-requests": "what those ask for",
        "gridkit:plugin-plan": "the plan of those; a wish names its plugin in the body, so that is judged first",
        "gridkit:operation-list": "the operations that one asked for",
        "gridkit:outbox": "the channels of plugins whose outbox one looks after",
        "gridkit:index": "the page of the grids that one may open",
        "gridkit:exports": "the page of one's own exports; leads back to itself",
    }
)
"""Addresses that answer everybody who logged in, with what is theirs."""

LEADS_ON: Mapping[str, str] = MappingProxyType(
    {
        "admin:gridkit_django_auditrecord_history": "to the record's page, which asks",
        **{
            f"admin:gridkit_django_{model}_history": "Django: to the index, as if there were none"
            for model in ("outboxchannel", "outboxdeadletter")
        },
        **{
            f"admin:gridkit_django_registeredgrid_permissions{what}": "django-guardian: to the index"
            for what in ("", "_manage_user", "_manage_group")
        },
    }
)
"""Pages of the admin that lead whoever may not see them elsewhere."""

NOT_THERE = {
    *("gridkit:export-link", "gridkit:kept-data", "gridkit:marketplace-plugin"),
    *("gridkit:audit-state", "gridkit:marketplace-plan", "gridkit:job-result", "gridkit:plugin-config-diff"),
}
"""Addresses behind which this test puts nothing: they refuse the superuser, too."""

Values = Callable[[Address], dict[str, Any]]


@pytest.fixture
def values(products: list[Product], clerk: InstalledPlugin, settings: Any) -> Values:
    """Return a function that says what stands in an address, so that it leads to something."""
    settings.GRIDKIT = {**settings.GRIDKIT, "MARKET": {"serve": True, "name": "Tests"}, "THROTTLE_RATES": {}}
    cache.clear()
    boss = User.objects.create_superuser("boss")
    for model in own_models():
        stand_in(model)
    for job in (ExportJob, SavedView):
        job._default_manager.update(grid=GRID, owner=boss)
    shared = {
        **dict.fromkeys(("grid", "grid_id"), GRID),
        **dict.fromkeys(("token", "publisher", "project", "filename", "category", "sha256"), "x"),
        "column": "stock",
        "dialect": "aggrid",
        "record": products[0].pk,
        "plugin": CLERK,
        "name": "export",
        "version": 1,
        "tab": "overview",
        "verb": "cancel",
        "view": SavedView.objects.get().pk,
        "job": ExportJob.objects.get().pk,
        "operation": stand_in(PluginOperation).pk,
        "refresh": stand_in(CatalogRefresh).pk,
        "target_type": "shop.product",
        "target_id": products[0].pk,
        "user_id": boss.pk,
        "group_id": Group.objects.create(name="g").pk,
    }
    trail = AuditRecord.objects.latest("pk")
    of_name: dict[str, dict[str, Any]] = {
        "gridkit:audit-": {"record": trail.uuid, "act": trail.operation_id},
        "gridkit:plugin-job": {"job": "count"},
        "admin:gridkit_market_release_do": {"act": "approve"},
    }

    def of(address: Address) -> dict[str, Any]:
        more = [told for name, told in of_name.items() if address.name.startswith(name)]
        row = dict.fromkeys(("pk", "object_id", "object_pk"), address.model and stand_in(address.model).pk)
        return {**shared, **row, **dict(chain.from_iterable(item.items() for item in more))}

    return of


def answers(client: APIClient, values: Values, faces: tuple[str, ...]) -> dict[str, set[Any]]:
    """Return what a client is answered by each address, by status; a redirect is told by where it leads."""
    found: dict[str, set[Any]] = {}
    for address in addresses():
        if address.route.startswith(faces):
            path = address.path(values(address))
            kind = "application/x-www-form-urlencoded" if address.is_admin else "application/json"
            methods = ("GET", "POST") if address.is_admin else address.methods
            replies = [client.generic(method, path, "" if address.is_admin else "{}", kind) for method in methods]
            found[address.name] = {
                reply.get("Location", "").partition("?")[0] or reply.status_code for reply in replies
            }
    return found


def test_somebody_unknown_is_refused_everywhere(anonymous: APIClient, values: Values) -> None:
    found = answers(anonymous, values, ("admin/", "gridkit/", "market/"))
    log_in = {"/admin/login/"}
    open_doors = {name for name, told in found.items() if not (told <= REFUSALS or told <= {*log_in, 405})}
    assert open_doors <= set(PUBLIC), open_doors - set(PUBLIC)
    assert len(found) > 250


def test_session_opens_nothing_of_the_marketplace(values: Values) -> None:
    client = client_of(User.objects.get(username="boss"))
    found = answers(client, values, ("market/",))
    assert {name for name, told in found.items() if not told <= {401, 405}} <= set(PUBLIC)


def test_user_without_rights_is_refused_or_sees_nothing_of_others(stranger: APIClient, values: Values) -> None:
    found = answers(stranger, values, ("gridkit/",))
    open_doors = {name for name, told in found.items() if not told <= REFUSALS}
    assert open_doors <= {*OWN, *PUBLIC}, open_doors - {*OWN, *PUBLIC}
    for address in addresses():
        if address.name in OWN:
            page = stranger.get(address.path({}))
            assert page.status_code == 200, address
            assert not any(word in page.content.decode() for word in (GRID, CLERK, "boss")), address


def test_staff_without_rights_is_refused_by_all_pages_of_the_admin(
    make_user: Callable[..., User], values: Values
) -> None:
    found = answers(client_of(make_user("staff", is_staff=True)), values, ("admin/",))
    open_doors = {name for name, told in found.items() if not told <= REFUSALS}
    assert open_doors <= set(LEADS_ON), open_doors - set(LEADS_ON)


def test_refusals_above_are_no_missing_rows(values: Values) -> None:
    client = client_of(User.objects.get(username="boss"))
    asked = [address for address in addresses() if "GET" in address.methods and address.route.startswith("gridkit/")]
    missing = {address.name for address in asked if client.get(address.path(values(address))).status_code >= 400}
    assert missing == NOT_THERE

"""People, products and grids of the API's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

from gridkit_django.grids import grid_registry
from gridkit_django.grids.methods import MethodCall, MethodResult, MethodSpec
from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import PluginManager, plugin_manager
from gridkit_django.tasks import plugins as plugin_tasks
from tests.api.grids import CustomerGrid, ProductGrid
from tests.api.plugins import BROKEN, CLERK, TOILER, Broken, Clerk, Toiler
from tests.shop.models import Product

PRODUCTS = "/gridkit/api/grids/api-products/"


@pytest.fixture(autouse=True)
def shop_grids() -> Iterator[None]:
    """Register the grids for the length of a test."""
    for grid in (ProductGrid, CustomerGrid):
        grid_registry().register(grid)
    yield
    for grid in (ProductGrid, CustomerGrid):
        grid_registry().unregister(grid.declaration().options.id)


@pytest.fixture
def products(db: None) -> list[Product]:
    """Five products, S1 to S5."""
    return [
        Product.objects.create(
            sku=f"S{number}", name=f"Thing {number}", price=Decimal(f"{number}.50"), stock=number * 10
        )
        for number in range(1, 6)
    ]


@pytest.fixture
def make_user(db: None) -> Callable[..., User]:
    """Return a function that makes a user with rights like `gridkit_django.open_grid`."""

    def make(name: str, *rights: str, **fields: Any) -> User:
        user = User.objects.create_user(name, password="secret", **fields)
        for right in rights:
            app, _, codename = right.partition(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        return user

    return make


def client_of(user: User) -> APIClient:
    """Return a client that is `user`, by the session, and sees 500s as answers."""
    client = APIClient(raise_request_exception=False)
    client.force_login(user)
    return client


@pytest.fixture
def reader(make_user: Callable[..., User]) -> APIClient:
    """A user who may open grids."""
    return client_of(make_user("reader", "gridkit_django.open_grid"))


@pytest.fixture
def editor(make_user: Callable[..., User]) -> APIClient:
    """A user who may open and edit grids, and see prices."""
    return client_of(make_user("editor", "gridkit_django.open_grid", "gridkit_django.edit_grid", "shop.view_price"))


@pytest.fixture
def stranger(make_user: Callable[..., User]) -> APIClient:
    """A user without any right."""
    return client_of(make_user("stranger"))


@pytest.fixture
def anonymous() -> APIClient:
    """Somebody who has not logged in."""
    return APIClient(raise_request_exception=False)


class Provider:
    """A method provider that offers `specs` and answers with `result`."""

    def __init__(self) -> None:
        self.specs: list[MethodSpec] = []
        self.calls: list[MethodCall] = []
        self.answer: Callable[[MethodCall], MethodResult] = lambda _call: MethodResult(200, {"result": 1})

    def methods_for(self, grid_id: str) -> list[MethodSpec]:
        """Return what the test put in."""
        return self.specs

    def call(self, call: MethodCall) -> MethodResult:
        """Note the call and answer it."""
        self.calls.append(call)
        return self.answer(call)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    """Offer the methods of a test instead of the plugins' methods."""
    given = Provider()
    monkeypatch.setattr(apps.get_app_config("gridkit_django"), "method_provider", given, raising=False)
    return given


RIGHTS = {name: f"gridkit_django.{name}_plugin" for name in ("install", "activate", "configure", "grant")}


@pytest.fixture
def manager(db: None) -> Iterator[PluginManager]:
    """This process's manager, which knows the plugins of the tests and runs nothing."""
    found = plugin_manager()
    found.stop_all()
    for plugin in (Clerk, Broken, Toiler):
        found.register_plugin(plugin)
    yield found
    found.stop_all()
    for plugin_id in (CLERK, BROKEN, TOILER):
        found.runtime.catalog.remove_object(plugin_id)


@pytest.fixture
def clerk(manager: PluginManager) -> InstalledPlugin:
    """The working plugin, installed but not active, with a secret in its configuration."""
    manager.install_plugin(Clerk, config={"password": "hush"}, grants=["storage:use"], activate=False)
    return InstalledPlugin.objects.get(plugin_id=CLERK)


@pytest.fixture
def person(make_user: Callable[..., User]) -> Callable[..., APIClient]:
    """Return a function that gives a client whose user holds the named rights on all plugins."""

    def make(*names: str) -> APIClient:
        return client_of(make_user("-".join(names) or "nobody", *(RIGHTS[name] for name in names)))

    return make


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The ids of operations that were handed to a worker."""
    found: list[Any] = []
    monkeypatch.setattr(plugin_tasks, "send", lambda _task, arguments: found.extend(arguments))
    return found

"""A site with a grid, a neighbour plugin and a broken one, looked at through real requests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from gridkit_django.grids import Grid, TextColumn, grid_registry
from gridkit_django.models import AuditRecord
from gridkit_django.plugins import PluginManager
from tests.plugins.samples import Listener
from tests.shop.models import Customer, Order, Product

SHELF = Path(__file__).parent.parent / "broken"
ADDRESS = "/gridkit/api/grids/broken-orders/"
JSON = "application/json"


class BrokenOrderGrid(Grid):
    """Orders whose note can be edited."""

    note = TextColumn(editable=True)

    class Meta:
        model = Order
        id = "broken-orders"
        columns = ["quantity", "note"]


@dataclass(slots=True)
class BrokenSite:
    """What a person sees of the site, and what an administrator sees of its plugins.

    Attributes:
        manager: the plugin manager.
        client: a person who may do everything.
        order: the one row of the grid.
        root: the site's folder of plugins.
        edits: how many edits were made.
    """

    manager: PluginManager
    client: Client
    order: Order
    root: Path
    edits: int = 0

    def place(self, name: str, *, code: str = "") -> Path:
        """Put a plugin of the shelf into the site's folder; with ``code`` in place of its own module."""
        folder = self.root / name
        shutil.copytree(SHELF / name, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        if code:
            (folder / "plugin.py").write_text(code)
        return folder

    def install(self, name: str, **values: Any) -> str:
        """Put a plugin of the shelf into the site's folder, install it, and return its id."""
        self.place(name)
        return self.manager.install_plugin(f"folder:{name}", **values).id

    def restart(self) -> None:
        """Let this process begin again, as a new one would; the first request looks at the plugins."""
        self.manager.stop_all()

    def answers(self) -> bool:
        """Ask for the rows of the grid; whether they came."""
        answer = self.client.post(f"{ADDRESS}rows/", {}, content_type=JSON)
        return answer.status_code == 200 and self.order.note in answer.content.decode()

    def edit(self) -> int:
        """Edit the row, which every plugin is told of; the status of the answer."""
        self.edits += 1
        address = f"{ADDRESS}records/{self.order.pk}/"
        tag = self.client.get(address).headers["ETag"]
        changes = {"changes": {"note": f"note {self.edits}"}}
        answer = self.client.patch(address, changes, content_type=JSON, headers={"If-Match": tag})
        self.order.refresh_from_db()
        return answer.status_code

    def neighbour_hears(self) -> bool:
        """Whether the neighbour is told of an edit, in all three moments, and the site answers."""
        Listener.heard.clear()
        done = self.edit() == 200 and self.order.note == f"note {self.edits}"
        updates = {event for moment, event in Listener.heard if moment == "before"}
        moments = [moment for moment, event in Listener.heard if event in updates]
        return done and len(updates) == 1 and moments == ["before", "after", "committed"] and self.answers()

    def state_of(self, plugin_id: str) -> tuple[str, str, str]:
        """State, reason code and reason as the row says."""
        info = self.manager.get_plugin(plugin_id)
        assert info.desired_state == "active", "nothing but an administrator changes the wish"
        return info.effective_state, info.state_code, info.state_reason

    def recorded(self, plugin_id: str, action: str) -> str:
        """The reason in the newest audit record of an action on a plugin, which the runtime must have written."""
        record = AuditRecord.objects.filter(action=action, target_id=plugin_id).latest("pk")
        assert (record.actor_kind, record.actor_id) == ("system", "runtime")
        return str(record.context["evidence"]["reason"])


@pytest.fixture
def site(manager: PluginManager, tmp_path: Path, settings: Any, client: Client) -> Iterator[BrokenSite]:
    """The site, with the neighbour at work."""
    settings.GRIDKIT = {"PLUGIN_ROOT": str(tmp_path), "HOT_RELOAD": False, "HANDLER_FAILURES_MAX": 3}
    grid_registry().register(BrokenOrderGrid)
    client.force_login(User.objects.create_superuser("root", password="root-of-all"))
    customer = Customer.objects.create(name="Ann", email="ann@example.org")
    product = Product.objects.create(sku="A1", name="Book", price=1)
    order = Order.objects.create(
        customer=customer, product=product, note="note 0", placed=datetime(2026, 1, 1, tzinfo=UTC)
    )
    manager.install_plugin(Listener)
    yield BrokenSite(manager, client, order, tmp_path)
    grid_registry().unregister("broken-orders")

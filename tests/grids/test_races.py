"""Many people edit one row at the same moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Barrier

import pytest
from django.conf import settings
from django.db import connection, connections
from django.db.models import QuerySet
from pytest_django import DjangoDbBlocker

from gridkit_django.exceptions import VersionConflictError
from gridkit_django.grids import Grid, GridAccess, IntegerColumn
from gridkit_django.grids.editing import apply_edit
from gridkit_django.grids.records import get_record
from tests.grids.edits import ADMIN
from tests.shop.models import Product

THREADS = 20
ON_SQLITE = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
ALIAS = "race" if ON_SQLITE else "default"

pytestmark = [pytest.mark.both_databases, *([] if ON_SQLITE else [pytest.mark.django_db(transaction=True)])]


class RaceGrid(Grid):
    """Lives in the database that threads can share."""

    stock = IntegerColumn(editable=True)

    class Meta:
        model = Product
        id = "race-products"
        columns = ["sku", "stock"]

    @classmethod
    def get_queryset(cls) -> QuerySet[Product]:
        return Product.objects.using(ALIAS)


@pytest.fixture(params=["DEFERRED", "IMMEDIATE"] if ON_SQLITE else ["READ COMMITTED"])
def race(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Product]:
    """A product in a database that threads can share."""
    with _file_database(request, tmp_path) if ON_SQLITE else nullcontext():
        yield Product.objects.using(ALIAS).create(sku="A-1", name="Hammer", price=1)


@contextmanager
def _file_database(request: pytest.FixtureRequest, folder: Path) -> Iterator[None]:
    """Add a database in a file: threads can't write to one in memory at the same time."""
    options = {"transaction_mode": request.param, "timeout": 30}
    connections.databases[ALIAS] = {**connection.settings_dict, "NAME": str(folder / "race.db"), "OPTIONS": options}
    blocker: DjangoDbBlocker = request.getfixturevalue("django_db_blocker")
    with blocker.unblock():
        with connections[ALIAS].schema_editor() as editor:
            editor.create_model(Product)
        yield
        connections[ALIAS].close()
    del connections[ALIAS]
    del connections.databases[ALIAS]


def stampede(row: Product, version: str) -> list[str]:
    """Let all threads edit the row from the same version at once; return what became of each edit."""
    barrier = Barrier(THREADS)

    def one(number: int) -> str:
        barrier.wait(timeout=30)
        try:
            apply_edit(GridAccess(RaceGrid, ADMIN), row.pk, {"stock": number}, version)
        except VersionConflictError:
            return "conflict"
        finally:
            connections.close_all()
        return "saved"

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(1, THREADS + 1)))


def test_exactly_one_of_many_edits_from_one_version_is_saved(race: Product) -> None:
    access = GridAccess(RaceGrid, ADMIN)
    for _ in range(3):
        outcome = stampede(race, get_record(access, race.pk).version)
        assert Counter(outcome) == {"saved": 1, "conflict": THREADS - 1}
        winner = outcome.index("saved") + 1
        assert get_record(access, race.pk).data["stock"] == winner
        Product.objects.using(ALIAS).update(stock=0)

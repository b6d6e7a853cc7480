"""Many people edit one row at the same moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Barrier

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError, connection, connections, transaction
from django.db.models import QuerySet
from pytest_django import DjangoDbBlocker

from gridkit_django.exceptions import RecordNotFoundError, RequestUnderWayError, UndoError, VersionConflictError
from gridkit_django.grids import Grid, GridAccess, IntegerColumn, TextColumn
from gridkit_django.grids.batch import BatchItem, apply_batch
from gridkit_django.grids.deletion import delete_row
from gridkit_django.grids.editing import apply_edit
from gridkit_django.grids.idempotency import answer_once
from gridkit_django.grids.records import get_record
from gridkit_django.grids.undo import undo_change
from gridkit_django.models import IdempotencyRecord
from tests.grids.edits import ADMIN
from tests.shop.models import Customer, Order, Product

THREADS = 20
ON_SQLITE = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
ALIAS = "race" if ON_SQLITE else "default"

pytestmark = [pytest.mark.both_databases, *([] if ON_SQLITE else [pytest.mark.django_db(transaction=True)])]


class RaceGrid(Grid):
    """Lives in the database that threads can share."""

    name = TextColumn(editable=True)
    stock = IntegerColumn(editable=True)

    class Meta:
        model = Product
        id = "race-products"
        columns = ["sku", "name", "stock"]
        deletable = True

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
            editor.create_model(Customer)
            editor.create_model(Product)
            editor.create_model(Order)
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


def at_once(act: Callable[[int], str]) -> Counter[str]:
    """Let all threads do something at the same moment; count what became of it."""
    barrier = Barrier(THREADS)

    def one(number: int) -> str:
        barrier.wait(timeout=30)
        try:
            return act(number)
        except (UndoError, RequestUnderWayError, RecordNotFoundError, VersionConflictError) as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(pool.map(one, range(THREADS)))


def test_edits_of_different_columns_at_once_are_all_kept(race: Product) -> None:
    access = GridAccess(RaceGrid, ADMIN)
    version = get_record(access, race.pk).version
    wishes = [{"stock": 7}, {"name": "Saw"}]

    def act(number: int) -> str:
        apply_edit(GridAccess(RaceGrid, ADMIN), race.pk, wishes[number % 2], version)
        return next(iter(wishes[number % 2]))

    assert at_once(act) == {"stock": 1, "name": 1, "version-conflict": THREADS - 2}
    found = get_record(access, race.pk).data
    assert (found["stock"], found["name"]) == (7, "Saw")


class ShelfGrid(RaceGrid):
    """Rows that are not active are out of sight."""

    class Meta(RaceGrid.Meta):
        id = "race-shelf"
        row_permission = staticmethod(lambda rows, user: rows.filter(active=True))


if ON_SQLITE:

    def test_sqlite_lets_nobody_write_beside_a_change_and_shows_nothing_of_it(race: Product) -> None:
        """Why the job of a bulk change tells how far it is only at its end there, and can't be stopped before."""
        other = connections.create_connection(ALIAS)
        try:
            with transaction.atomic(using=ALIAS), other.cursor() as cursor:
                Product.objects.using(ALIAS).update(stock=9)
                cursor.execute("PRAGMA busy_timeout = 0")
                with pytest.raises(OperationalError, match="locked"):
                    cursor.execute("UPDATE shop_customer SET name = 'x'")
                cursor.execute("SELECT stock FROM shop_product")
                assert cursor.fetchall() == [(0,)]
        finally:
            other.close()


def test_row_is_deleted_once(race: Product) -> None:
    version = get_record(GridAccess(RaceGrid, ADMIN), race.pk).version

    def act(_number: int) -> str:
        delete_row(GridAccess(RaceGrid, ADMIN), race.pk, version, cascade=True)
        return "deleted"

    assert at_once(act) == {"deleted": 1, "record-not-found": THREADS - 1}


if not ON_SQLITE:  # what is kept about edits lives in the default database, which threads share on PostgreSQL only

    def test_change_is_undone_once(race: Product) -> None:
        user = User.objects.create_superuser("grace")
        access = GridAccess(RaceGrid, user)
        version = get_record(access, race.pk).version
        token = apply_edit(access, race.pk, {"stock": 7}, version, undoable=True).undo or ""

        def act(_number: int) -> str:
            undo_change(GridAccess(RaceGrid, user), token)
            return "undone"

        assert at_once(act) == {"undone": 1, "undo-not-possible": THREADS - 1}

    def test_request_with_a_key_is_carried_out_once(race: Product) -> None:
        user = User.objects.create_superuser("grace")

        def act(number: int) -> str:
            answer_once(user, "key", "print", lambda: (200, Product.objects.filter(pk=race.pk).update(stock=number)))
            return "answered"

        outcome = at_once(act)
        assert set(outcome) <= {"answered", "idempotency-under-way"}
        assert IdempotencyRecord.objects.get().answer == 1

    def test_batches_over_the_same_rows_in_other_orders_do_not_block_each_other(race: Product) -> None:
        rows = [race, *(Product.objects.create(sku=f"B-{n}", name="Saw", price=1) for n in range(4))]
        access = GridAccess(RaceGrid, ADMIN)
        versions = {row.pk: get_record(access, row.pk).version for row in rows}

        def act(number: int) -> str:
            order = rows if number % 2 else rows[::-1]
            items = [BatchItem("update", row.pk, versions[row.pk], {"stock": number + 1}) for row in order]
            return "applied" if apply_batch(GridAccess(RaceGrid, ADMIN), items).applied else "rejected"

        assert at_once(act) == {"applied": 1, "rejected": THREADS - 1}

    def test_hidden_row_in_the_hands_of_somebody_else_is_not_waited_for(race: Product) -> None:
        access = GridAccess(ShelfGrid, User.objects.create_superuser("grace"))
        version = get_record(access, race.pk).version
        undo = apply_edit(access, race.pk, {"stock": 5}, version, undoable=True).undo or ""
        Product.objects.filter(pk=race.pk).update(active=False)
        batch = [BatchItem("update", race.pk, version, {"stock": 6})]
        with held_by_somebody(race):
            with pytest.raises(RecordNotFoundError):
                apply_edit(access, race.pk, {"stock": 6}, version)
            with pytest.raises(RecordNotFoundError):
                delete_row(access, race.pk, version)
            assert isinstance(apply_batch(access, batch).verdicts[0].error, RecordNotFoundError)
            with pytest.raises(UndoError):
                undo_change(access, undo)

    @contextmanager
    def held_by_somebody(row: Product) -> Iterator[None]:
        """Lock a row over another connection; whoever waits for it here fails."""
        other = connections.create_connection("default")
        try:
            with other.cursor() as cursor, connection.cursor() as mine:
                cursor.execute("BEGIN")
                cursor.execute("SELECT 1 FROM shop_product WHERE id = %s FOR UPDATE", [row.pk])
                mine.execute("SET lock_timeout = '2s'")
                yield
        finally:
            connection.close()  # takes the limit with it
            other.close()

"""The table of the benchmark: many sales of a few customers, made by the database itself."""

from __future__ import annotations

import os

from django.db import connection, models

from gridkit_django.grids import Grid, TextColumn

ROWS = int(os.environ.get("GRIDKIT_BENCH_ROWS", "2000000"))
CUSTOMERS = 1000


class Buyer(models.Model):
    """Somebody who buys; the name is shown with each sale."""

    name = models.CharField(max_length=80)

    class Meta:
        app_label = "flights"
        db_table = "bench_buyer"

    def __str__(self) -> str:
        return self.name


class Sale(models.Model):
    """One sale. A discount is given to four of five."""

    code = models.CharField(max_length=20)
    buyer = models.ForeignKey(Buyer, models.PROTECT)
    category = models.CharField(max_length=20)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    discount = models.IntegerField(null=True, blank=True)
    active = models.BooleanField()
    placed = models.DateTimeField()

    class Meta:
        app_label = "flights"
        db_table = "bench_sale"
        indexes = [
            models.Index(fields=["placed", "id"], name="bench_placed"),
            models.Index(fields=["discount", "id"], name="bench_discount"),
            models.Index(fields=["category", "placed", "id"], name="bench_category"),
        ]

    def __str__(self) -> str:
        return self.code


class SaleGrid(Grid):
    """All columns of a sale, and the name of who bought."""

    buyer_name = TextColumn("buyer__name")
    code = TextColumn(editable=True)

    class Meta:
        model = Sale
        id = "bench-sales"
        columns = ["id", "code", "buyer_name", "category", "amount", "discount", "active", "placed"]
        default_sort = ["-placed"]


def make_tables() -> None:
    """Make the empty tables."""
    with connection.schema_editor() as editor:
        editor.create_model(Buyer)
        editor.create_model(Sale)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_buyer (name) SELECT 'buyer ' || n FROM generate_series(1, %s) n", [CUSTOMERS])


def fill_up(rows: int) -> None:
    """Bring the table to so many rows and its statistics up to date."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO bench_sale (code, buyer_id, category, amount, discount, active, placed)
            SELECT 'S' || n, 1 + n * 7919 %% %s, 'category ' || n * 31 %% 50, (n * 7 %% 100000) / 100.0,
                   CASE WHEN n %% 5 = 0 THEN NULL ELSE n * 13 %% 100000 END, n %% 3 = 0,
                   timestamptz '2024-01-01 00:00+00' + n * 17 %% 40000000 * interval '1 second'
            FROM generate_series((SELECT count(*) FROM bench_sale) + 1, %s) n
            """,
            [CUSTOMERS, rows],
        )
        cursor.execute("VACUUM ANALYZE bench_sale")

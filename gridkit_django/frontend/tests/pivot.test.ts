import assert from "node:assert/strict";
import { test } from "node:test";
import { bandsOf, madeColumns, pivotOf } from "../src/pivot.ts";
import type { ColumnSchema, GridQuery } from "../src/protocol.ts";
import { GridState } from "../src/state.ts";

const QUANTITY: ColumnSchema = { id: "quantity", label: "Quantity", type: "integer" };
const words = {
  column: (id: string) => (id === "quantity" ? QUANTITY : undefined),
  keyText: (_term: unknown, key: unknown, label: string | null) => label ?? `no ${key}`,
  figureText: (fn: string, source: ColumnSchema | null) => (source ? `${fn} of ${source.label}` : "Rows"),
};
const field = (keys: unknown[], value: string) => ({
  field: JSON.stringify([...keys, value]),
  keys,
  labels: keys.map((key) => (key === null ? null : String(key))),
  value,
});

test("a pivot without figures counts rows", () => {
  assert.deepEqual(pivotOf([{ col: "a" }], []).values, [{ fn: "count", as: "count" }]);
  const sum = { fn: "sum", col: "quantity", as: "sum_quantity" };
  assert.deepEqual(pivotOf([{ col: "a" }], [sum]).values, [sum]);
});

test("columns are made of the fields of the answer, named for their values and figures", () => {
  const query: GridQuery = {
    columns: [],
    sort: [],
    pivot: { cols: ["state"], values: [{ fn: "max", col: "quantity", as: "m" }, { fn: "count", as: "n" }] },
  };
  const made = madeColumns([field(["new"], "m"), field(["new"], "n"), field([null], "m")], query, words);
  assert.deepEqual(made.map(({ column }) => column.description), ["new: max of Quantity", "new: Rows", "no null: max of Quantity"]);
  assert.deepEqual(made.map(({ column }) => column.type), ["integer", "float", "integer"]);
  assert.equal(made[1]?.source, null);
});

test("bands join neighbours that share the values down to their level", () => {
  const of = (...labels: string[]) => ({ labels }) as unknown as Parameters<typeof bandsOf>[0][number];
  const made = [of("A", "x"), of("A", "x"), of("A", "y"), of("B", "y")];
  assert.deepEqual(bandsOf(made, 0), [{ label: "A", first: 0, span: 3 }, { label: "B", first: 3, span: 1 }]);
  assert.deepEqual(bandsOf(made, 1).map(({ label, span }) => [label, span]), [["x", 2], ["y", 1], ["y", 1]]);
});

test("what goes across is asked for, kept, and taken over from a kept state", () => {
  const schema = { v: 1, id: "g", label: "G", columns: [QUANTITY, { id: "state", label: "State", type: "text" }] } as const;
  const state = new GridState(schema);
  state.setPivoting([{ col: "state" }]);
  state.setFigure("quantity", "sum");
  assert.deepEqual(state.query.pivot?.cols, [{ col: "state" }]);
  const other = new GridState(schema);
  other.restore({ v: 1, query: { pivot: { cols: ["state", "gone"] } } });
  assert.deepEqual(other.pivoting, [{ col: "state" }]);
  assert.deepEqual(state.saved.query?.pivot?.values, [{ col: "quantity", fn: "sum", as: "sum_quantity" }]);
});

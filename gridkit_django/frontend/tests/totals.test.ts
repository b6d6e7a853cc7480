import assert from "node:assert/strict";
import { test } from "node:test";
import type { GridQuery } from "../src/protocol.ts";
import { Totals } from "../src/totals.ts";
import { settled, SlowServer } from "./support.ts";

const PLAIN: GridQuery = { columns: ["carrier", "delay"], sort: [{ col: "delay", dir: "asc" }], search: "late" };
const SUM = { col: "delay", fn: "sum", as: "sum_delay" };

function totals(): { totals: Totals; server: SlowServer } {
  const server = new SlowServer();
  return { server, totals: new Totals({ fetchRows: server.fetchRows, changed: () => {} }) };
}

const answer = (sum: number, rows: number) => ({
  rows: [],
  window: {},
  totals: { sum_delay: sum, "gridkit.rows": rows },
});

test("totals are asked for only where there are figures or groups, in as small a request as can be", async () => {
  const { totals: found, server } = totals();
  await found.open(PLAIN);
  assert.equal(server.pending.length, 0);
  void found.open({ ...PLAIN, aggregates: [SUM] });
  const { request } = server.last;
  assert.deepEqual([request.columns, request.sort, request.search, request.include], [["carrier"], [], "late", ["totals"]]);
  assert.deepEqual(request.aggregates, [SUM, { fn: "count", as: "gridkit.rows" }]);
  await server.last.answer(answer(12, 3));
  assert.deepEqual([found.values?.["sum_delay"], found.rows, found.isLoading], [12, 3, false]);
});

test("another sort needs no new totals, another search does, and changed rows do", async () => {
  const { totals: found, server } = totals();
  const query = { ...PLAIN, aggregates: [SUM] };
  void found.open(query);
  await server.last.answer(answer(1, 1));
  await found.open({ ...query, sort: [] });
  assert.equal(server.pending.length, 1);
  void found.open({ ...query, search: "" });
  void found.open({ ...query, search: "" }, true);
  assert.equal(server.pending.length, 3);
  assert.equal(server.pending[1]?.signal.aborted, true);
  await server.last.answer(answer(2, 2));
  assert.equal(found.rows, 2);
  await found.open(PLAIN);
  assert.equal(found.values, null);
});

test("totals that fail leave the line empty and are tried again with the next query", async (context) => {
  const warn = context.mock.method(console, "warn", () => {});
  const { totals: found, server } = totals();
  void found.open({ ...PLAIN, group: ["carrier"] });
  await server.last.fail(new Error("busy"));
  await settled();
  assert.deepEqual([found.rows, warn.mock.callCount()], [null, 1]);
  void found.open({ ...PLAIN, group: ["carrier"] });
  assert.equal(server.pending.length, 2);
});

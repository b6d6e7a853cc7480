import assert from "node:assert/strict";
import { test } from "node:test";
import type { GridQuery, RowRecord, RowsResponse } from "../src/protocol.ts";
import { RowTree } from "../src/rowtree.ts";
import { page, type Pending, settled, SlowServer } from "./support.ts";

const QUERY: GridQuery = {
  columns: ["delay"],
  sort: [{ col: "delay", dir: "desc" }],
  group: ["carrier"],
  aggregates: [{ col: "delay", fn: "sum", as: "sum_delay" }],
};

function group(key: string | null, childCount: number, level = 0, expandable = false): RowRecord {
  return { id: JSON.stringify([key]), v: "", d: {}, g: { key, label: key, childCount, level, expandable } };
}

function groups(...rows: RowRecord[]): RowsResponse {
  return { rows, window: { start: 0, hasNext: false, next: null, prev: null } };
}

async function opened(query: GridQuery = QUERY): Promise<{ tree: RowTree; server: SlowServer }> {
  const server = new SlowServer();
  const tree = new RowTree({ blockSize: 10, fetchRows: server.fetchRows, changed: () => {} });
  void tree.open(query);
  await server.last.answer(groups(group("AA", 3), group(null, 2), group("UA", 40)));
  return { tree, server };
}

const labels = (tree: RowTree): unknown[] =>
  Array.from({ length: tree.length }, (_, index) => {
    const row = tree.row(index);
    return row?.g ? row.g.key : row?.id;
  });

const pathOf = (pending: Pending): unknown => pending.request.path;

test("groups are asked for with their figures, in the order of the figure of the sorted column", async () => {
  const { tree, server } = await opened();
  assert.deepEqual(server.last.request.sort, [{ col: "sum_delay", dir: "desc" }]);
  assert.deepEqual(server.last.request.aggregates, QUERY.aggregates);
  assert.deepEqual([tree.isGrouped, tree.length, tree.level(1)], [true, 3, 0]);
});

test("a group that is opened asks for its rows, which stand below it, and needs no count", async () => {
  const { tree, server } = await opened();
  tree.setExpanded(1, true);
  assert.deepEqual(pathOf(server.last), [null]);
  assert.deepEqual([server.last.request.count, server.last.request.aggregates], ["none", undefined]);
  assert.deepEqual(server.last.request.sort, QUERY.sort);
  assert.deepEqual(labels(tree), ["AA", null, undefined, undefined, "UA"]);
  await server.last.answer(page(0, 2, 2));
  assert.deepEqual(labels(tree), ["AA", null, 1, 2, "UA"]);
  assert.deepEqual([tree.level(3), tree.parentOf(3), tree.indexOf(2), tree.parentOf(0)], [1, 1, 3, -1]);
  assert.equal(tree.indexOf('["UA"]'), 4);
  assert.deepEqual(tree.loaded().map((row) => row.id), [1, 2]);
});

test("rows of two open groups keep their places, and closing one moves the others up", async () => {
  const { tree, server } = await opened();
  tree.setExpanded(0, true);
  await server.last.answer(page(0, 3, 3));
  tree.setExpanded(tree.indexOf('["UA"]'), true);
  await server.last.answer(page(10, 10, 50));
  assert.equal(tree.length, 3 + 3 + 40);
  assert.equal(tree.row(6)?.id, 11);
  tree.replace({ id: 11, v: "new", d: {} });
  assert.equal(tree.row(6)?.v, "new");
  tree.setExpanded(0, false);
  assert.deepEqual([tree.length, tree.row(3)?.id, tree.indexOf(11)], [43, 11, 3]);
});

test("what comes into view inside a group is fetched from there", async () => {
  const { tree, server } = await opened();
  tree.setExpanded(2, true);
  await server.last.answer(page(0, 10, 40));
  void tree.ensure(25, 30);
  await settled();
  assert.deepEqual(pathOf(server.last), ["UA"]);
  assert.deepEqual(server.last.request.window, { kind: "offset", start: 20, end: 30 });
});

test("groups stay open when the rows are sorted anew, and close when they are grouped otherwise", async () => {
  const { tree, server } = await opened();
  tree.setExpanded(0, true);
  await server.last.answer(page(0, 3, 3));
  const anew = tree.open({ ...QUERY, sort: [] });
  await server.last.answer(groups(group("UA", 40), group("AA", 3)));
  await anew;
  assert.equal(tree.length, 2);
  void tree.ensure(0, 5);
  assert.deepEqual(pathOf(server.last), ["AA"]);
  assert.equal(tree.length, 5);
  const other = tree.open({ ...QUERY, group: ["origin"] });
  await server.last.answer(groups(group("AA", 3)));
  await other;
  void tree.ensure(0, 5);
  assert.equal(tree.length, 1);
});

test("groups inside groups are counted, and their rows asked for by the whole path", async () => {
  const { tree, server } = await opened({ ...QUERY, group: ["carrier", { col: "day", by: "month" }] });
  tree.setExpanded(0, true);
  assert.deepEqual([pathOf(server.last), server.last.request.count, tree.length], [["AA"], "capped", 4]);
  const inner: RowRecord = { ...group("2013-01-01", 2, 1), id: '["AA","2013-01-01"]' };
  await server.last.answer(groups(inner));
  tree.setExpanded(1, true);
  assert.deepEqual(pathOf(server.last), ["AA", "2013-01-01"]);
  assert.deepEqual([tree.length, tree.level(2)], [6, 2]);
  tree.collapseAll();
  assert.equal(tree.length, 3);
});

test("a failure inside a group is told and can be tried again", async () => {
  const { tree, server } = await opened();
  tree.setExpanded(0, true);
  await server.last.fail(new Error("busy"));
  assert.match(String(tree.error), /busy/);
  void tree.retry();
  assert.deepEqual(pathOf(server.last), ["AA"]);
  await server.last.answer(page(0, 3, 3));
  assert.deepEqual([tree.error, tree.length], [null, 6]);
});

test("plain rows are asked for without figures", async () => {
  const server = new SlowServer();
  const tree = new RowTree({ blockSize: 10, fetchRows: server.fetchRows, changed: () => {} });
  const { group: _group, ...plain } = QUERY;
  void tree.open(plain);
  await server.last.answer(page(0, 3, 3));
  assert.deepEqual([server.last.request.aggregates, server.last.request.sort], [undefined, QUERY.sort]);
  assert.deepEqual([tree.isGrouped, tree.level(0), tree.length], [false, 0, 3]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestProblem } from "../src/client.ts";
import type { GridQuery } from "../src/protocol.ts";
import { RowWindows } from "../src/windows.ts";
import { page, row, settled, SlowServer } from "./support.ts";

const QUERY: GridQuery = { columns: ["carrier"], sort: [] };

function windowsOn(server: SlowServer, blockSize = 100): RowWindows {
  return new RowWindows({ blockSize, fetchRows: server.fetchRows, changed: () => undefined });
}

async function opened(total: number, blockSize = 100): Promise<{ server: SlowServer; windows: RowWindows }> {
  const server = new SlowServer();
  const windows = windowsOn(server, blockSize);
  void windows.open(QUERY);
  await server.last.answer(
    page(0, blockSize, total, { value: Math.min(total, 10_000), is: total > 10_000 ? "atLeast" : "exact" }),
  );
  return { server, windows };
}

test("open asks for the first hundred rows with a capped count", () => {
  const server = new SlowServer();
  void windowsOn(server, 5000).open(QUERY);
  assert.deepEqual(server.last.request, {
    v: 1,
    ...QUERY,
    window: { kind: "offset", start: 0, end: 100 },
    count: "capped",
  });
});

test("a count of its own follows rows that were asked for without one, unless they show their number", async () => {
  for (const [total, asked] of [[20_000, "capped"], [30, "none"]] as const) {
    const server = new SlowServer();
    const windows = new RowWindows({ blockSize: 100, fetchRows: server.fetchRows, changed: () => undefined, countsApart: true });
    void windows.open(QUERY);
    assert.equal(server.last.request.count, "none");
    await server.last.answer(page(0, Math.min(total, 100), total));
    void windows.countApart();
    assert.equal(server.last.request.count, asked);
  }
});

test("rows and count are there once the first block has arrived", async () => {
  const { windows } = await opened(250);
  assert.equal(windows.length, 250);
  assert.equal(windows.row(99)?.id, 100);
  assert.equal(windows.row(100), undefined);
  assert.deepEqual(windows.count, { value: 250, is: "exact" });
});

test("an unknown end lets the scroll length grow with what has been seen", async () => {
  const { server, windows } = await opened(20_000);
  assert.equal(windows.length, 10_000);
  void windows.ensure(9_990, 9_999);
  await server.last.answer(page(9_900, 100, 20_000));
  assert.equal(windows.length, 10_101);
});

test("a jump uses an offset window, going on uses the cursor", async () => {
  const { server, windows } = await opened(5_000);
  void windows.ensure(3_000, 3_050);
  assert.deepEqual(server.last.request.window, { kind: "offset", start: 3000, end: 3100 });
  assert.equal(server.last.request.count, "none");
  void windows.ensure(90, 120);
  assert.deepEqual(server.last.request.window, { kind: "cursor", after: "after-100", size: 100 });
});

test("a cursor that the server refuses is replaced by an offset, for good", async () => {
  const { server, windows } = await opened(5_000);
  void windows.ensure(100, 150);
  await server.last.fail(new RequestProblem(409, { code: "cursor-mismatch" }));
  assert.deepEqual(server.last.request.window, { kind: "offset", start: 100, end: 200 });
  await server.last.answer(page(100, 100, 5_000));
  void windows.ensure(200, 250);
  assert.equal(server.last.request.window.kind, "offset");
});

test("a block is asked for only once and not again when it is here", async () => {
  const { server, windows } = await opened(5_000);
  void windows.ensure(100, 150);
  void windows.ensure(110, 160);
  assert.equal(server.pending.length, 2);
  await server.last.answer(page(100, 100, 5_000));
  void windows.ensure(100, 150);
  assert.equal(server.pending.length, 2);
});

test("a request that scrolled out of view is given up", async () => {
  const { server, windows } = await opened(5_000);
  void windows.ensure(1_000, 1_050);
  const left = server.last;
  void windows.ensure(4_000, 4_050);
  await settled();
  assert.equal(left.signal.aborted, true);
  assert.equal(windows.error, null);
});

test("a new query keeps the old rows in view until the new ones are here", async () => {
  const { server, windows } = await opened(250);
  void windows.open({ ...QUERY, search: "x" });
  assert.equal(windows.isRefreshing, true);
  assert.equal(windows.row(0)?.id, 1);
  await server.last.answer({ rows: [row(7)], window: { hasNext: false } });
  assert.equal(windows.isRefreshing, false);
  assert.equal(windows.row(0)?.id, 7);
  assert.deepEqual(windows.count, { value: 1, is: "exact" });
});

test("a failed query keeps the old rows and can be tried again", async () => {
  const { server, windows } = await opened(250);
  void windows.open({ ...QUERY, search: "x" });
  await server.last.fail(new RequestProblem(503, { title: "Busy" }));
  assert.ok(windows.error instanceof RequestProblem);
  assert.equal(windows.row(0)?.id, 1);
  void windows.retry();
  assert.equal(windows.error, null);
  assert.equal(server.last.request.search, "x");
  await server.last.answer(page(0, 100, 3));
  assert.equal(windows.length, 3);
});

test("a failed block stops loading until a retry", async () => {
  const { server, windows } = await opened(5_000);
  void windows.ensure(1_000, 1_050);
  await server.last.fail(new RequestProblem(0, { code: "network" }));
  const sent = server.pending.length;
  void windows.ensure(1_000, 1_050);
  assert.equal(server.pending.length, sent);
  void windows.retry();
  void windows.ensure(1_000, 1_050);
  assert.equal(server.pending.length, sent + 1);
});

test("only the newest of two queries counts", async () => {
  const { server, windows } = await opened(250);
  void windows.open({ ...QUERY, search: "a" });
  const first = server.last;
  void windows.open({ ...QUERY, search: "ab" });
  await settled();
  assert.equal(first.signal.aborted, true);
  await server.last.answer({ rows: [row(9)], window: { hasNext: false } });
  assert.equal(windows.query?.search, "ab");
  assert.equal(windows.error, null);
});

test("another order of the same rows is not counted again", async () => {
  const { server, windows } = await opened(250);
  void windows.open({ ...QUERY, sort: [{ col: "carrier", dir: "asc" }] }, 130);
  assert.equal(server.last.request.count, "none");
  assert.deepEqual(server.last.request.window, { kind: "offset", start: 100, end: 200 });
  await server.last.answer(page(100, 100, 250));
  assert.deepEqual(windows.count, { value: 250, is: "exact" });
});

test("countExactly replaces the lower bound", async () => {
  const { server, windows } = await opened(20_000);
  void windows.countExactly();
  assert.equal(windows.isCounting, true);
  assert.equal(server.last.request.count, "exact");
  await server.last.answer({ rows: [], window: {}, count: { value: 20_000, is: "exact" } });
  assert.equal(windows.isCounting, false);
  assert.equal(windows.length, 20_000);
});

test("a failed exact count leaves the lower bound", async (context) => {
  context.mock.method(console, "warn", () => undefined);
  const { server, windows } = await opened(20_000);
  void windows.countExactly();
  await server.last.fail(new RequestProblem(503, {}));
  assert.deepEqual(windows.count, { value: 10_000, is: "atLeast" });
  assert.equal(windows.error, null);
});

test("replace puts an edited row in its place", async () => {
  const { windows } = await opened(250);
  windows.replace({ ...row(42), v: "new" });
  assert.equal(windows.row(41)?.v, "new");
  assert.equal(windows.indexOf(42), 41);
  assert.equal(windows.indexOf(4_200), -1);
});

test("an empty answer is an answer", async () => {
  const { windows } = await opened(0);
  assert.equal(windows.hasAnswer, true);
  assert.equal(windows.length, 0);
});

test("rows that vanished shorten the list without inventing an exact count", async () => {
  const { server, windows } = await opened(20_000);
  void windows.ensure(5_000, 5_020);
  await server.last.answer({ rows: [], window: { hasNext: false } });
  assert.equal(windows.length, 5_000);
  assert.equal(windows.count.is, "atLeast");
});

test("refresh asks again for the blocks in view and tells which rows are other than before", async () => {
  const { server, windows } = await opened(250);
  const kept = windows.row(1);
  const refreshed = windows.refresh(0, 20);
  assert.deepEqual(server.last.request.window, { kind: "offset", start: 0, end: 100 });
  assert.equal(windows.isLoading, false);
  const answer = page(0, 100, 250);
  await server.last.answer({ ...answer, rows: answer.rows.with(41, { ...row(42, { carrier: "DL" }), v: "new" }) });
  assert.deepEqual((await refreshed)?.map(({ old, row: now }) => [old?.v, now.v]), [["v42", "new"]]);
  assert.equal(windows.row(41)?.d["carrier"], "DL");
  assert.equal(windows.row(1), kept);
});

test("refresh counts again and forgets the blocks out of view when a row came", async () => {
  const { server, windows } = await opened(250);
  void windows.ensure(100, 120);
  await server.last.answer(page(100, 100, 250));
  const refreshed = windows.refresh(0, 20);
  const answer = page(0, 100, 251);
  await server.last.answer({ ...answer, rows: [row(900), ...answer.rows.slice(0, 99)] });
  assert.equal((await refreshed)?.[0]?.old, undefined);
  assert.equal(windows.row(0)?.id, 900);
  assert.equal(windows.row(110), undefined);
  assert.deepEqual(windows.count, { value: 250, is: "exact" });
  assert.equal(server.last.request.count, "exact");
  await server.last.answer({ rows: [], window: {}, count: { value: 251, is: "exact" } });
  assert.equal(windows.length, 251);
});

test("what was asked before an edit was saved does not undo it on show", async () => {
  const { server, windows } = await opened(250);
  const refreshed = windows.refresh(0, 20);
  windows.replace({ ...row(42), v: "mine" });
  await server.last.answer(page(0, 100, 250));
  assert.equal(await refreshed, null);
  assert.equal(windows.row(41)?.v, "mine");
});

test("refresh that fails is silent, unless somebody is signed out or has no right any more", async () => {
  for (const [status, isTold] of [[0, false], [503, false], [429, false], [401, true], [404, true]] as const) {
    const { server, windows } = await opened(250);
    const refreshed = windows.refresh(0, 20);
    await server.last.fail(new RequestProblem(status, {}));
    assert.equal(await refreshed, null);
    assert.equal(windows.error !== null, isTold, String(status));
  }
});

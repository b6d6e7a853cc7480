import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { type GridClient, RequestProblem } from "../src/client.ts";
import { InteractionLog, LayoutReports, QueryReports } from "../src/interactions.ts";
import type { EventVerdict, InteractionEvent, RowCount } from "../src/protocol.ts";
import { schema } from "./support.ts";

function logOn(active: boolean, failure?: RequestProblem, verdicts: readonly EventVerdict[] = []) {
  const posted: (readonly InteractionEvent[])[] = [];
  const client = {
    postEvents: async (_url: string | null, events: readonly InteractionEvent[]) => {
      posted.push(events);
      if (failure) throw failure;
      return verdicts;
    },
  } as unknown as GridClient;
  return { posted, log: new InteractionLog(client, schema(active ? { limits: { events: 500 } } : {})) };
}

test("interactions are sent in one batch", async () => {
  const { posted, log } = logOn(true);
  log.add("row:select", { rowId: 1 });
  log.add("row:select", { rowId: 2 });
  await log.flush();
  await log.flush();
  assert.deepEqual(
    posted.map((events) => events.length),
    [2],
  );
});

test("interactions are not sent unless the schema offers it", async () => {
  const { posted, log } = logOn(false);
  log.add("row:select", { rowId: 1 });
  await log.flush();
  assert.deepEqual(posted, []);
});

test("a missing route is asked once and never again", async () => {
  const { posted, log } = logOn(true, new RequestProblem(404, {}));
  log.add("row:select", { rowId: 1 });
  await log.flush();
  log.add("row:select", { rowId: 2 });
  await log.flush();
  assert.equal(posted.length, 1);
});

test("no batch is larger than the server takes, and the last one no larger than a leaving page may send", async () => {
  const { posted, log } = logOn(true);
  for (let rowId = 0; rowId < 1200; rowId++) log.add("row:select", { rowId });
  await log.flush();
  assert.deepEqual(
    posted.map((events) => events.length),
    [500, 500, 200],
  );
  for (let rowId = 0; rowId < 20; rowId++) log.add("row:select", { rowId, note: "é".repeat(5000) });
  await log.flush(true);
  assert.deepEqual(
    posted[3]?.map((event) => event.payload["rowId"]),
    [15, 16, 17, 18, 19],
  );
});

test("refused events are said in the console", async (context) => {
  const warn = context.mock.method(console, "warn", () => {});
  const refused = { accepted: false, code: "column-unknown" };
  const { log } = logOn(true, undefined, [{ accepted: true }, refused]);
  log.add("row:select", { rowId: 1 });
  await log.flush();
  assert.deepEqual(warn.mock.calls[0]?.arguments[1], [refused]);
});

test("columns are reported once the user has let go of them", () => {
  const added: [string, object][] = [];
  const log = { add: (type: string, payload: object) => void added.push([type, payload]) };
  const layout = (...ids: string[]): { col: string }[] => ids.map((col) => ({ col }));
  const told = new LayoutReports(log, layout("a", "b", "c"));
  told.changed([{ col: "a" }, { col: "b", width: 90 }, { col: "c" }]);
  told.changed([{ col: "a" }, { col: "b", width: 120 }, { col: "c", hidden: true } as { col: string }]);
  told.report();
  told.report();
  assert.deepEqual(added.splice(0), [
    ["column:resize", { column: "b", width: 120 }],
    ["column:hide", { column: "c" }],
  ]);
  told.changed(layout("b", "c", "a"));
  told.report();
  assert.deepEqual(added.splice(0), [
    ["column:show", { column: "c" }],
    ["column:move", { column: "a", index: 2 }],
  ]);
  told.changed(layout("a", "b", "c"));
  told.report();
  assert.deepEqual(added.splice(0), [["column:move", { column: "a", index: 0 }]]);
  told.changed(layout("c", "b", "a"));
  told.report();
  assert.deepEqual(added, [
    ["column:move", { column: "c", index: 0 }],
    ["column:move", { column: "a", index: 2 }],
  ]);
});

function reports() {
  const added: [string, object][] = [];
  const log = { add: (type: string, payload: object) => void added.push([type, payload]) };
  return { added, reports: new QueryReports(log) };
}

const COUNT: RowCount = { value: 3, is: "exact" };
const QUERY = { columns: ["a"], sort: [] };

test("the first query is not reported, changes of filter and sort are", () => {
  const { added, reports: subject } = reports();
  subject.queryAnswered(QUERY, COUNT, 7);
  subject.queryAnswered({ ...QUERY, columns: ["b"] }, COUNT, 7);
  assert.deepEqual(added, []);
  subject.queryAnswered({ ...QUERY, search: "x" }, COUNT, 12);
  subject.queryAnswered({ ...QUERY, search: "x", sort: [{ col: "a", dir: "asc" }] }, COUNT, 34);
  assert.deepEqual(added, [
    ["filter:apply", { filter: null, search: "x", count: 3, ms: 12 }],
    ["sort:change", { sort: [{ col: "a", dir: "asc" }], ms: 34 }],
  ]);
});

test("only the page where scrolling stopped is reported, with the wait for its rows", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { added, reports: subject } = reports();
  for (const first of [0, 10, 20]) subject.pageShown(first, first + 9, true);
  mock.timers.tick(1000);
  mock.timers.reset();
  const told = added.map(([type, payload]) => {
    const { ms, window } = payload as { ms: number; window: object };
    return [type, window, Number.isInteger(ms)];
  });
  assert.deepEqual(told, [["page:change", { kind: "offset", start: 20, end: 30 }, true]]);
});

test("a page whose rows are not there yet is reported when they come, and never when the user goes on before", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { added, reports: subject } = reports();
  subject.pageShown(0, 9, true);
  subject.pageShown(10, 19, false);
  mock.timers.tick(1000);
  subject.pageShown(20, 29, false);
  mock.timers.tick(1000);
  assert.equal(added.length, 0);
  subject.pageShown(20, 29, true);
  subject.pageShown(20, 29, true);
  mock.timers.reset();
  assert.deepEqual(
    added.map(([, payload]) => (payload as { window: object }).window),
    [{ kind: "offset", start: 20, end: 30 }],
  );
});

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { type GridClient, RequestProblem } from "../src/client.ts";
import { InteractionLog, QueryReports } from "../src/interactions.ts";
import type { InteractionEvent, RowCount } from "../src/protocol.ts";
import { schema } from "./support.ts";

function logOn(active: boolean, failure?: RequestProblem) {
  const posted: (readonly InteractionEvent[])[] = [];
  const client = {
    postEvents: async (_url: string | null, events: readonly InteractionEvent[]) => {
      posted.push(events);
      if (failure) throw failure;
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

function reports() {
  const added: [string, object][] = [];
  const log = { add: (type: string, payload: object) => void added.push([type, payload]) };
  return { added, reports: new QueryReports(log) };
}

const COUNT: RowCount = { value: 3, is: "exact" };
const QUERY = { columns: ["a"], sort: [] };

test("the first query is not reported, changes of filter and sort are", () => {
  const { added, reports: subject } = reports();
  subject.queryAnswered(QUERY, COUNT);
  subject.queryAnswered({ ...QUERY, columns: ["b"] }, COUNT);
  assert.deepEqual(added, []);
  subject.queryAnswered({ ...QUERY, search: "x" }, COUNT);
  subject.queryAnswered({ ...QUERY, search: "x", sort: [{ col: "a", dir: "asc" }] }, COUNT);
  assert.deepEqual(added, [
    ["filter:apply", { filter: null, search: "x", count: 3 }],
    ["sort:change", { sort: [{ col: "a", dir: "asc" }] }],
  ]);
});

test("only the page where scrolling stopped is reported", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { added, reports: subject } = reports();
  for (const first of [0, 10, 20]) subject.pageShown(first, first + 9);
  mock.timers.tick(1000);
  mock.timers.reset();
  assert.deepEqual(added, [["page:change", { window: { start: 20, end: 30 } }]]);
});

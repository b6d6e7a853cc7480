import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { type GridClient, type MethodOutcome, RequestProblem } from "../src/client.ts";
import { type FollowedJob, formatsOf, hasEnded, JobTray } from "../src/jobs.ts";
import type { Job } from "../src/protocol.ts";
import { settled } from "./support.ts";

const QUERY = { columns: ["a"], sort: [] };

/** A tray over a client that answers from a list of polls; time is the test's. */
function trayOn(start: MethodOutcome | RequestProblem, polls: (Job | RequestProblem)[], left?: Job[] | RequestProblem) {
  mock.timers.enable({ apis: ["setTimeout"] });
  const files: string[] = [];
  const cancelled: (string | number)[] = [];
  const give = <T>(answer: T | RequestProblem | undefined): T => {
    if (answer instanceof RequestProblem) throw answer;
    if (answer === undefined) throw new Error("No answer is left.");
    return answer;
  };
  const client = {
    callMethod: async () => give(start),
    jobs: async (kind: string) => (kind === "bulk" ? give(left) : give(new RequestProblem(404, {}))),
    job: async () => give(polls.shift()),
    cancelJob: async (id: string | number) => void cancelled.push(id),
    retryJob: async (id: string | number) => void cancelled.push(`again ${id}`),
    jobResultUrl: (id: string | number) => `/jobs/${id}/result/`,
  } as unknown as GridClient;
  const tray = new JobTray({ client, changed: () => undefined, saveFile: (_blob, name) => files.push(name) });
  const only = (): FollowedJob => {
    const item = tray.items[0];
    if (!item) throw new Error("The tray is empty.");
    return item;
  };
  const pass = async (milliseconds: number): Promise<void> => {
    mock.timers.tick(milliseconds);
    await settled();
  };
  return { tray, only, pass, files, cancelled };
}

test.afterEach(() => mock.timers.reset());

const queued: MethodOutcome = { kind: "job", job: { id: 5, state: "queued" } };

test("a job is followed until it is finished and then offers its result", async () => {
  const { tray, only, pass } = trayOn(queued, [
    { id: 5, state: "running", progress: 0.5, rows: 10 },
    { id: 5, state: "finished", progress: 1, rows: 20 },
  ]);
  await tray.start("export", "csv", QUERY);
  assert.equal(only().job?.state, "queued");
  await pass(400);
  assert.equal(only().job?.progress, 0.5);
  assert.equal(only().resultUrl, null);
  await pass(3000);
  assert.equal(only().resultUrl, "/jobs/5/result/");
  assert.equal(hasEnded(only()), true);
});

test("jobs that were under way are followed again, those that have ended are not", async () => {
  const left: Job[] = [
    { id: 7, state: "running", action: "delete", rowsTotal: 3 },
    { id: 6, state: "queued", action: "update", rowsTotal: 2 },
    { id: 5, state: "finished", action: "update", rowsTotal: 1 },
  ];
  const { tray, pass } = trayOn(queued, [{ id: 6, state: "cancelled" }, { id: 7, state: "finished" }], left);
  const title = ({ action, rowsTotal }: Job): string => `${action} ${rowsTotal}`;
  await tray.pickUp(["bulk", "export"], title);
  await tray.pickUp(["bulk"], title);
  assert.deepEqual(tray.items.map((item) => item.title), ["delete 3", "update 2"]);
  await pass(400);
  assert.deepEqual(tray.items.map((item) => item.job?.state), ["finished", "cancelled"]);
});

test("a lost connection while polling is shown and polling goes on", async () => {
  const { tray, only, pass } = trayOn(queued, [new RequestProblem(0, {}), { id: 5, state: "finished" }]);
  await tray.start("export", "csv", QUERY);
  await pass(400);
  assert.notEqual(only().error, null);
  assert.equal(hasEnded(only()), false);
  await pass(3000);
  assert.equal(only().error, null);
  assert.equal(only().job?.state, "finished");
});

test("a job that is gone has failed", async () => {
  const { tray, only, pass } = trayOn(queued, [new RequestProblem(404, {})]);
  await tray.start("export", "csv", QUERY);
  await pass(400);
  assert.equal(only().job?.state, "failed");
});

test("a start that is refused stays with its error until dismissed", async () => {
  const { tray, only } = trayOn(new RequestProblem(403, { title: "No" }), []);
  await tray.start("export", "pdf", QUERY);
  assert.equal(hasEnded(only()), true);
  tray.dismiss(only().key);
  assert.equal(tray.items.length, 0);
});

test("a file that comes at once is saved and leaves no line", async () => {
  const { tray, files } = trayOn({ kind: "file", blob: new Blob(["a"]), name: "f.csv" }, []);
  await tray.start("export", "csv", QUERY);
  assert.deepEqual(files, ["f.csv"]);
  assert.equal(tray.items.length, 0);
});

test("cancel asks the server and then reads the state", async () => {
  const { tray, only, pass, cancelled } = trayOn(queued, [{ id: 5, state: "cancelled" }]);
  await tray.start("export", "csv", QUERY);
  await tray.cancel(only().key);
  await pass(1);
  assert.deepEqual(cancelled, [5]);
  assert.equal(only().job?.state, "cancelled");
});

test("a job that failed is tried again and followed", async () => {
  const { tray, only, pass, cancelled } = trayOn(queued, [
    { id: 5, state: "failed" },
    { id: 5, state: "finished" },
  ]);
  await tray.start("export", "csv", QUERY, { notify: true });
  await pass(400);
  assert.equal(only().job?.state, "failed");
  await tray.retry(only().key);
  await pass(0);
  assert.deepEqual(cancelled, ["again 5"]);
  assert.equal(only().job?.state, "finished");
});

test("formatsOf reads enum, $ref and anyOf of const", () => {
  const of = (format: object, $defs = {}) =>
    formatsOf({ name: "export", schema: { properties: { format }, $defs } });
  assert.deepEqual(of({ enum: ["csv", "xlsx", 3] }), ["csv", "xlsx"]);
  assert.deepEqual(of({ $ref: "#/$defs/F" }, { F: { enum: ["csv"] } }), ["csv"]);
  assert.deepEqual(of({ anyOf: [{ const: "csv" }, { const: "pdf" }] }), ["csv", "pdf"]);
  assert.deepEqual(formatsOf(undefined), []);
});

test("a bulk change that was started elsewhere is followed by its title and offers no file", async () => {
  const result = { rows: 3, changed: 2, undo: "t" };
  const { tray, only, pass, cancelled } = trayOn(queued, [
    { id: 9, state: "running", progress: 0.5 },
    { id: 9, state: "finished", progress: 1, result },
  ]);
  tray.follow({ id: 9, state: "queued" }, "Change 3 rows");
  assert.equal(only().title, "Change 3 rows");
  await pass(400);
  await tray.cancel(only().key);
  assert.deepEqual(cancelled, [9]);
  await pass(600);
  assert.deepEqual([only().job?.result, only().resultUrl, hasEnded(only())], [result, null, true]);
});

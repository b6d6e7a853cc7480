import assert from "node:assert/strict";
import { test } from "node:test";
import { FilterForm } from "../src/filterform.ts";
import { OptionList, optionKey, type OptionsPage } from "../src/options.ts";
import { column, settled } from "./support.ts";

const ZONE = "America/New_York";
const listed = column("carrier", { groupable: true, ops: ["in", "eq"] });

interface Asked {
  readonly search: string;
  readonly after: string | null;
  readonly signal: AbortSignal;
  readonly answer: (page: OptionsPage) => void;
  readonly fail: (error: unknown) => void;
}

function slowList(): { list: OptionList; asked: Asked[] } {
  const asked: Asked[] = [];
  const list = new OptionList({
    fetchPage: (search, after, signal) =>
      new Promise((answer, fail) => asked.push({ search, after, signal, answer, fail })),
    changed: () => {},
  });
  return { list, asked };
}

const values = (list: OptionList): unknown[] => list.options.map((option) => option.value);

test("values come page by page", async () => {
  const { list, asked } = slowList();
  void list.load();
  assert.equal(list.isLoading, true);
  asked[0]?.answer({ options: [{ value: "UA", label: "UA", count: 7 }], next: "c1" });
  await settled();
  assert.deepEqual([list.isLoading, list.hasMore], [false, true]);
  void list.more();
  assert.equal(asked[1]?.after, "c1");
  asked[1]?.answer({ options: [{ value: null, label: null, count: 1 }], next: null });
  await settled();
  assert.deepEqual([values(list), list.hasMore], [["UA", null], false]);
});

test("a search waits for a pause and drops the answer to the one before", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { list, asked } = slowList();
  void list.load();
  list.searchFor("u");
  list.searchFor("ua ");
  context.mock.timers.tick(300);
  assert.deepEqual(asked.map((item) => item.search), ["", "ua"]);
  assert.equal(asked[0]?.signal.aborted, true);
  asked[1]?.answer({ options: [{ value: "UA", label: null }], next: null });
  asked[0]?.answer({ options: [{ value: "old", label: null }], next: null });
  await settled();
  assert.deepEqual(values(list), ["UA"]);
  list.close();
});

test("a failure is kept until the next try", async () => {
  const { list, asked } = slowList();
  void list.load();
  asked[0]?.fail(new Error("busy"));
  await settled();
  assert.match(String(list.error), /busy/);
  void list.load();
  assert.equal(list.error, null);
});

test("the same value has the same key, and no value has its own", () => {
  assert.equal(optionKey(1), optionKey(1));
  assert.notEqual(optionKey("1"), optionKey(1));
  assert.notEqual(optionKey(null), optionKey("null"));
});

test("picked values become a condition, the bucket without a value too", () => {
  const form = new FilterForm(listed, null, ZONE, slowList().list);
  assert.equal(form.tab, "values");
  assert.equal(form.read(), null);
  assert.equal(form.problem, "filterNeedsChoice");
  form.pick({ value: "UA", label: "United" }, true);
  form.pick({ value: null, label: null }, true);
  form.pick({ value: "AA", label: null }, true);
  form.pick({ value: "AA", label: null }, false);
  assert.deepEqual(form.read(), { op: "in", value: ["UA", null] });
});

test("a list of values opens on the values, another condition on the condition", () => {
  const list = slowList().list;
  const again = new FilterForm(listed, { op: "in", value: ["UA", null] }, ZONE, list);
  assert.deepEqual([again.tab, [...again.picked.values()].map((option) => option.value)], ["values", ["UA", null]]);
  const other = new FilterForm(listed, { op: "eq", value: "UA" }, ZONE, list);
  assert.deepEqual([other.tab, other.draft.value], ["condition", "UA"]);
  other.show("values");
  assert.equal(other.tab, "values");
});

test("numbers open on the condition, and a column that cannot be counted has no values", () => {
  const number = column("delay", { type: "integer", groupable: true, ops: ["in", "eq"] });
  assert.equal(new FilterForm(number, null, ZONE, slowList().list).tab, "condition");
  assert.equal(new FilterForm(column("note"), null, ZONE, slowList().list).values, null);
});

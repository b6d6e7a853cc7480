import assert from "node:assert/strict";
import { test } from "node:test";
import { FilterForm } from "../src/filterform.ts";
import { conditionOf, type ConditionDraft, draftOf } from "../src/conditions.ts";
import { canFilter, describeCondition, filterTree, operatorsOf } from "../src/filters.ts";
import { Formatter } from "../src/format.ts";
import { translator } from "../src/strings.ts";
import { column } from "./support.ts";

const ZONE = "America/New_York";
const t = translator(null).t;
const formatter = new Formatter({ locale: "en-US", timeZone: ZONE, t });
const draft = (more: Partial<ConditionDraft>): ConditionDraft => ({
  op: "eq",
  value: "",
  to: "",
  chosen: new Set(),
  parts: {},
  ...more,
});

test("a named filter is offered, read by its shape, opened again and described", () => {
  const size = { name: "size", label: "by size", type: "object", parts: [{ key: "min", type: "integer" }, { key: "max", type: "integer" }] };
  const sale = { name: "sale", label: "On sale", type: "boolean" };
  const kinds = { name: "kinds", label: "Kinds", type: "choice", many: true, choices: [{ value: "a", label: "Apple" }, { value: "b", label: "Bean" }] };
  const pages = column("pages", { filterable: false, ops: ["filter"], filters: [size, sale, kinds] });
  assert.equal(canFilter(pages), true);
  assert.deepEqual(operatorsOf(pages), ["filter:size", "filter:sale", "filter:kinds"]);
  const read = (more: Partial<ConditionDraft>) => conditionOf(pages, draft(more), ZONE);
  assert.deepEqual(read({ op: "filter:size", parts: { min: " 5 ", max: "" } }), { op: "filter", name: "size", value: { min: "5" } });
  assert.equal(read({ op: "filter:size", parts: { min: " " } }), "filterNeedsValue");
  assert.deepEqual(read({ op: "filter:sale", value: "false" }), { op: "filter", name: "sale", value: false });
  assert.equal(read({ op: "filter:sale" }), "filterNeedsChoice");
  const chosen = { op: "filter", name: "kinds", value: ["b"] };
  assert.deepEqual(read({ op: "filter:kinds", chosen: new Set(["b", "gone"]) }), chosen);
  assert.deepEqual([...draftOf(pages, chosen, ZONE).chosen], ["b"]);
  assert.deepEqual(draftOf(pages, { op: "filter", name: "size", value: { min: 5 } }, ZONE).parts, { min: "5" });
  assert.equal(describeCondition(pages, chosen, formatter, t), "PAGES, Kinds: Bean");
  assert.equal(describeCondition(pages, { op: "filter", name: "size", value: { min: 5 } }, formatter, t), "PAGES, by size: min 5");
  assert.equal(describeCondition(pages, { op: "filter", name: "sale", value: true }, formatter, t), "PAGES, On sale: Yes");
});

test("operators follow the type of the column", () => {
  assert.equal(operatorsOf(column("a"))[0], "contains");
  assert.ok(operatorsOf(column("a", { type: "integer" })).includes("between"));
  assert.deepEqual(operatorsOf(column("a", { type: "boolean" })), ["isTrue", "isFalse", "blank", "nblank"]);
  const choices = [{ value: "x", label: "X" }];
  assert.deepEqual(operatorsOf(column("a", { type: "choice", choices })), ["in", "nin", "blank", "nblank"]);
});

test("operators leave out what the server or the column rules out", () => {
  assert.deepEqual(
    operatorsOf(column("a", { type: "integer", ops: ["eq", "blank", "unknown"], nullable: false })),
    ["eq"],
  );
});

test("a number is sent as a number and a decimal as its text", () => {
  assert.deepEqual(conditionOf(column("a", { type: "integer" }), draft({ value: " 15 " }), ZONE), {
    op: "eq",
    value: 15,
  });
  assert.deepEqual(conditionOf(column("a", { type: "decimal" }), draft({ value: "12.50" }), ZONE), {
    op: "eq",
    value: "12.50",
  });
});

test("a date-time is sent with the offset that the zone has on that day", () => {
  const of = (value: string) =>
    conditionOf(column("a", { type: "datetime" }), draft({ op: "gte", value }), ZONE);
  assert.deepEqual(of("2013-02-01T00:00"), { op: "gte", value: "2013-02-01T00:00:00-05:00" });
  assert.deepEqual(of("2013-07-01T00:00"), { op: "gte", value: "2013-07-01T00:00:00-04:00" });
});

test("what is missing is named", () => {
  const number = column("a", { type: "integer" });
  assert.equal(conditionOf(number, draft({ value: "" }), ZONE), "filterNeedsValue");
  assert.equal(conditionOf(number, draft({ value: "ten" }), ZONE), "filterNeedsNumber");
  assert.equal(conditionOf(number, draft({ op: "between", value: "1" }), ZONE), "filterNeedsValue");
  const choice = column("a", { choices: [{ value: 1, label: "One" }] });
  assert.equal(conditionOf(choice, draft({ op: "in" }), ZONE), "filterNeedsChoice");
});

test("conditions without a value carry none", () => {
  assert.deepEqual(conditionOf(column("a"), draft({ op: "blank", value: "left over" }), ZONE), {
    op: "blank",
  });
});

test("a list of text is one value per line, a list of choices keeps its types", () => {
  assert.deepEqual(conditionOf(column("a"), draft({ op: "in", value: "UA\n\n AA " }), ZONE), {
    op: "in",
    value: ["UA", "AA"],
  });
  const choice = column("a", {
    choices: [
      { value: 1, label: "One" },
      { value: 2, label: "Two" },
    ],
  });
  assert.deepEqual(conditionOf(choice, draft({ op: "nin", chosen: new Set(["2"]) }), ZONE), {
    op: "nin",
    value: [2],
  });
});

test("the form opens on the condition that is in force", () => {
  const date = column("a", { type: "datetime" });
  assert.equal(
    draftOf(date, { op: "lt", value: "2013-02-01T00:00:00-05:00" }, ZONE).value,
    "2013-02-01T00:00:00",
  );
  assert.deepEqual([...draftOf(column("a"), { op: "in", value: ["UA", "AA"] }, ZONE).chosen], ["UA", "AA"]);
  assert.equal(draftOf(column("a"), null, ZONE).op, "contains");
});

test("filterTree joins leaves by AND", () => {
  assert.equal(filterTree([]), undefined);
  assert.deepEqual(filterTree([["a", { op: "blank" }]]), { and: [{ col: "a", op: "blank" }] });
});

test("a chip reads as a sentence", () => {
  const say = (col: ReturnType<typeof column>, condition: Parameters<typeof describeCondition>[1]) =>
    describeCondition(col, condition, formatter, t);
  assert.equal(say(column("a"), { op: "contains", value: "x" }), "A contains x");
  assert.equal(
    say(column("a", { type: "integer" }), { op: "between", value: 1, to: 20_000 }),
    "A between 1 and 20,000",
  );
  assert.equal(say(column("a", { type: "date" }), { op: "lt", value: "2013-02-01" }), "A before Feb 1, 2013");
  assert.equal(
    say(column("a", { choices: [{ value: "e", label: "Early" }] }), { op: "in", value: ["e"] }),
    "A is one of Early",
  );
  assert.equal(say(column("a"), { op: "blank" }), "A is empty");
});

test("FilterForm keeps its problem until the draft changes", () => {
  const form = new FilterForm(column("a", { type: "integer" }), null, ZONE);
  assert.equal(form.read(), null);
  assert.equal(form.problem, "filterNeedsValue");
  form.change({ value: "3" });
  assert.equal(form.problem, null);
  assert.deepEqual(form.read(), { op: "eq", value: 3 });
});

test("FilterForm takes choices in and out", () => {
  const form = new FilterForm(column("a", { choices: [{ value: "x", label: "X" }] }), null, ZONE);
  form.choose("x", true);
  assert.deepEqual(form.read(), { op: "in", value: ["x"] });
  form.choose("x", false);
  assert.equal(form.read(), null);
});

test("a span relative to today is sent by its name and read in words", () => {
  const day = column("day", { type: "date", ops: ["eq", "relative"] });
  assert.deepEqual(operatorsOf(day), ["eq", "relative"]);
  assert.deepEqual(conditionOf(day, draft({ op: "relative", value: "lastMonth" }), ZONE), { op: "relative", value: "lastMonth" });
  assert.equal(conditionOf(day, draft({ op: "relative" }), ZONE), "filterNeedsChoice");
  assert.equal(describeCondition(day, { op: "relative", value: "lastMonth" }, formatter, t), "DAY is in Last month");
  assert.equal(describeCondition(day, { op: "relative", value: "newSpan" }, formatter, t), "DAY is in newSpan");
});

test("a chip names some values and counts the others", () => {
  const value = ["AA", null, "B6", "DL", "EV", "UA"];
  const text = describeCondition(column("a"), { op: "in", value }, formatter, t);
  assert.equal(text, "A is one of AA, empty, B6, DL and 2 more");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTable, readText } from "../src/pasting.ts";
import { column } from "./support.ts";

const READING = { locale: "en", timeZone: "UTC", yes: "Yes", no: "No" };

test("a block of cells is split as spreadsheets write it", () => {
  assert.deepEqual(parseTable("a\tb\r\nc\td\r\n"), [["a", "b"], ["c", "d"]]);
  assert.deepEqual(parseTable('"two\nlines"\t"say ""so"""\n\tb'), [["two\nlines", 'say "so"'], ["", "b"]]);
  assert.deepEqual(parseTable('5" pipe'), [['5" pipe']]);
  assert.deepEqual(parseTable("one"), [["one"]]);
  assert.deepEqual(parseTable("a\t\n"), [["a", ""]]);
});

test("a text is read as inputs take it, and as the grid shows it", () => {
  const distance = column("distance", { type: "integer", format: { suffix: " mi" } });
  assert.deepEqual(readText(distance, "2,475 mi", READING), { value: 2475 });
  assert.deepEqual(readText(column("price", { type: "decimal" }), "1.234,50", { ...READING, locale: "de" }), { value: "1234.50" });
  assert.deepEqual(readText(distance, "far", READING), { problem: "invalidInteger" });
  assert.deepEqual(readText(distance, "", READING), { value: null });
  const state = column("state", { choices: [{ value: "n", label: "New" }] });
  assert.deepEqual(readText(state, "new", READING), { value: "n" });
  assert.deepEqual(readText(state, "old", READING), { problem: "invalidOption" });
  assert.deepEqual(readText(column("vip", { type: "boolean" }), "Yes", READING), { value: true });
  assert.deepEqual(readText(column("since", { type: "date" }), "2013-12-31", READING), { value: "2013-12-31" });
  assert.deepEqual(readText(column("since", { type: "date" }), "12/31/2013", READING), { problem: "invalidDate" });
  assert.deepEqual(readText(column("note"), " as it is ", READING), { value: " as it is " });
});

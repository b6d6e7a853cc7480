import assert from "node:assert/strict";
import { test } from "node:test";
import { nextPlace, type Place } from "../src/keyboard.ts";

const extent = { rows: 100, cols: 5, page: 10, isRtl: false };
const go = (from: Place, key: string, ctrl = false, isRtl = false): Place | null =>
  nextPlace(from, { key, ctrl }, { ...extent, isRtl });

test("arrows move one cell and stop at the edges", () => {
  assert.deepEqual(go({ row: 3, col: 2 }, "ArrowRight"), { row: 3, col: 3 });
  assert.deepEqual(go({ row: 3, col: 4 }, "ArrowRight"), { row: 3, col: 4 });
  assert.deepEqual(go({ row: 0, col: 2 }, "ArrowUp"), { row: -1, col: 2 });
  assert.deepEqual(go({ row: -1, col: 2 }, "ArrowUp"), { row: -1, col: 2 });
  assert.deepEqual(go({ row: 99, col: 2 }, "ArrowDown"), { row: 99, col: 2 });
});

test("right-to-left turns left and right round", () => {
  assert.deepEqual(go({ row: 3, col: 2 }, "ArrowLeft", false, true), { row: 3, col: 3 });
  assert.deepEqual(go({ row: 3, col: 2 }, "ArrowLeft", true, true), { row: 3, col: 4 });
});

test("Home and End stay in the row, with Ctrl they go to the corners", () => {
  assert.deepEqual(go({ row: 3, col: 2 }, "Home"), { row: 3, col: 0 });
  assert.deepEqual(go({ row: 3, col: 2 }, "End"), { row: 3, col: 4 });
  assert.deepEqual(go({ row: 3, col: 2 }, "Home", true), { row: 0, col: 0 });
  assert.deepEqual(go({ row: 3, col: 2 }, "End", true), { row: 99, col: 4 });
});

test("pages stop at the first and the last row", () => {
  assert.deepEqual(go({ row: 3, col: 2 }, "PageDown"), { row: 13, col: 2 });
  assert.deepEqual(go({ row: 95, col: 2 }, "PageDown"), { row: 99, col: 2 });
  assert.deepEqual(go({ row: 3, col: 2 }, "PageUp"), { row: 0, col: 2 });
});

test("other keys do not move", () => {
  assert.equal(go({ row: 3, col: 2 }, "a"), null);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Grid } from "../src/grid.ts";
import { GridState, GROUPS } from "../src/state.ts";
import { pinPlan } from "../src/views/pins.ts";

const COLUMNS = ["a", "b", "c", "d"].map((id) => ({ id, label: id, type: "text" }) as const);
const stateOf = (): GridState => new GridState({ v: 1, id: "g", label: "G", columns: COLUMNS });
const shown = (state: GridState): string => state.visible.map(({ id }) => id).join("");

function planOf(state: GridState, clientWidth = 1000) {
  return pinPlan({ state, root: { clientWidth }, made: { columns: [] } } as unknown as Grid, state.visible, () => 100);
}

test("pinned columns stand at their sides and are kept with the layout", () => {
  const state = stateOf();
  state.setPin("c", "left");
  state.setPin("a", "right");
  assert.equal(shown(state), "cbda");
  assert.deepEqual(
    state.saved.layout?.columns?.filter((item) => item.pin).map(({ col, pin }) => [col, pin]),
    [["a", "right"], ["c", "left"]],
  );
  state.setPin("c", null);
  assert.equal(shown(state), "bcda");
  state.resetLayout();
  assert.equal(shown(state), "abcd");
});

test("a column that is moved onto a pinned one is pinned like it", () => {
  const state = stateOf();
  state.setPin("a", "left");
  state.moveColumn("d", "a");
  assert.equal(state.pin("d"), "left");
  assert.equal(shown(state), "dabc");
  state.moveColumn("a", "c");
  assert.equal(state.pin("a"), null);
});

test("each pinned column sticks beside the one before it, the far ones behind what is left over", () => {
  const state = stateOf();
  state.setPin("c", "left");
  state.setPin("b", "left");
  state.setPin("a", "right");
  const plan = planOf(state);
  assert.equal(plan.template, "100px 100px 100px 1fr 100px");
  assert.equal(plan.style("b"), "inset-inline-start: 40px");
  assert.equal(plan.style("c"), "inset-inline-start: 140px");
  assert.equal(plan.style("a"), "grid-column: 6; inset-inline-end: 0px");
  assert.equal(plan.style("d"), "");
  assert.equal(plan.names("c"), "is-pinned is-start is-edge");
  assert.equal(plan.names("b"), "is-pinned is-start");
  assert.deepEqual([plan.start, plan.end, plan.total], [200, 100, 400]);
});

test("in a window that they would fill pinned columns stick nowhere", () => {
  const state = stateOf();
  state.setPin("a", "left");
  state.setPin("b", "right");
  const plan = planOf(state, 300);
  assert.equal(plan.names("a"), "");
  assert.deepEqual([plan.start, plan.end], [0, 0]);
});

test("the column of groups stays in sight, because figures say nothing without it", () => {
  const columns = [{ id: GROUPS, label: "A", type: "text" } as const, ...COLUMNS];
  const grid = { state: stateOf(), root: { clientWidth: 1000 } } as unknown as Grid;
  const plan = pinPlan(grid, columns, () => 100);
  assert.equal(plan.style(GROUPS), "inset-inline-start: 40px");
  assert.equal(plan.style("a"), "");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Grid } from "../src/grid.ts";
import type { RowRecord } from "../src/protocol.ts";
import { Shares } from "../src/shares.ts";
import { foundColumns } from "../src/views/columnsearch.ts";
import { GridState } from "../src/state.ts";
import { column, schema } from "./support.ts";

const DELAY = column("delay", { type: "integer" });

function group(key: string, level: number, avg: unknown): RowRecord {
  return { id: key, v: "", d: { avg_delay: avg }, g: { key, label: key, childCount: 1, level, expandable: true } };
}

test("figures are compared with the largest of their level, whatever its sign", () => {
  const groups = [group("UA", 0, 20), group("DL", 0, -40), group("AA", 0, null), group("JFK", 1, 5)];
  const shares = new Shares({
    columns: [DELAY],
    windows: { isGrouped: true, groups: () => groups },
    state: { figures: new Map([["delay", "avg"]]) },
    made: { get: () => undefined },
  } as unknown as Grid);
  shares.measure();
  assert.deepEqual(groups.map((row) => shares.of(DELAY, row)), [0.5, -1, null, 1]);
});

test("columns are found by a part of their names", () => {
  const columns = [DELAY, column("note")];
  const found = (search: string): string[] => foundColumns({ popovers: { search } } as Grid, columns).map(({ id }) => id);
  assert.deepEqual(found(" del"), ["delay"]);
  assert.deepEqual(found(""), ["delay", "note"]);
});

test("all columns are hidden but one, which a grid needs", () => {
  const state = new GridState(schema());
  state.setAllVisible(["carrier", "delay", "note"], false);
  assert.deepEqual(state.visible.map(({ id }) => id), ["carrier"]);
  state.setAllVisible(["delay", "note"], true);
  assert.equal(state.visible.length, 3);
  state.setAllVisible(["carrier", "delay"], false);
  assert.deepEqual(state.visible.map(({ id }) => id), ["note"]);
});

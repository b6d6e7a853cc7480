import assert from "node:assert/strict";
import { test } from "node:test";
import { type Change, GridState, MAX_WIDTH, MIN_WIDTH } from "../src/state.ts";
import { column, schema } from "./support.ts";

const ids = (columns: readonly { id: string }[]): string[] => columns.map((item) => item.id);

test("sort goes through ascending, descending and none", () => {
  const state = new GridState(schema());
  state.toggleSort("delay", false);
  assert.deepEqual(state.sort, [{ col: "delay", dir: "asc" }]);
  state.toggleSort("delay", false);
  assert.deepEqual(state.sort, [{ col: "delay", dir: "desc" }]);
  state.toggleSort("delay", false);
  assert.deepEqual(state.sort, []);
});

test("sort with shift adds columns and ranks them", () => {
  const state = new GridState(schema());
  state.toggleSort("delay", false);
  state.toggleSort("carrier", true);
  state.toggleSort("carrier", true);
  assert.deepEqual(state.sort, [
    { col: "delay", dir: "asc" },
    { col: "carrier", dir: "desc" },
  ]);
  assert.deepEqual(state.sortMark("carrier"), { dir: "desc", rank: 2 });
  assert.equal(state.sortMark("note"), null);
});

test("sort without shift replaces what was there", () => {
  const state = new GridState(schema({ defaultState: { sort: [{ col: "delay", dir: "desc" }] } }));
  state.toggleSort("carrier", false);
  assert.deepEqual(state.sort, [{ col: "carrier", dir: "asc" }]);
});

test("sort keeps no more columns than the server takes", () => {
  const state = new GridState(schema({ limits: { sort: 2 } }));
  for (const id of ["carrier", "delay", "note"]) state.toggleSort(id, true);
  assert.deepEqual(
    state.sort.map((item) => item.col),
    ["delay", "note"],
  );
});

test("a column that is not sortable is not sorted, neither by click nor by default", () => {
  const columns = [column("carrier", { sortable: false }), column("delay")];
  const state = new GridState(schema({ columns, defaultState: { sort: [{ col: "carrier", dir: "asc" }] } }));
  assert.deepEqual(state.sort, []);
  state.toggleSort("carrier", false);
  assert.deepEqual(state.sort, []);
});

test("query joins the conditions by AND and leaves out what is not set", () => {
  const state = new GridState(schema());
  const bare = state.query;
  assert.deepEqual(bare, { columns: ["carrier", "delay", "note"], sort: [] });
  state.setCondition("carrier", { op: "in", value: ["UA", "AA"] });
  state.setCondition("delay", { op: "between", value: 10, to: 20 });
  state.setSearch("late");
  assert.deepEqual(state.query.filter, {
    and: [
      { col: "carrier", op: "in", value: ["UA", "AA"] },
      { col: "delay", op: "between", value: 10, to: 20 },
    ],
  });
  assert.equal(state.query.search, "late");
});

test("a second condition on a column replaces the first and null removes it", () => {
  const state = new GridState(schema());
  state.setCondition("carrier", { op: "eq", value: "UA" });
  state.setCondition("carrier", { op: "blank" });
  assert.deepEqual([...state.conditions], [["carrier", { op: "blank" }]]);
  state.setCondition("carrier", null);
  assert.equal(state.query.filter, undefined);
});

test("clearFilters empties conditions and search", () => {
  const state = new GridState(schema());
  state.setCondition("carrier", { op: "blank" });
  state.setSearch("x");
  assert.equal(state.isNarrowed, true);
  state.clearFilters();
  assert.equal(state.isNarrowed, false);
  assert.deepEqual(state.query, { columns: ["carrier", "delay", "note"], sort: [] });
});

test("columns start as the default state says, the others follow hidden", () => {
  const state = new GridState(schema({ defaultState: { columns: ["note", "carrier", "gone"] } }));
  assert.deepEqual(ids(state.visible), ["note", "carrier"]);
  assert.deepEqual(ids(state.ordered), ["note", "carrier", "delay"]);
});

test("columns can be shown, hidden, moved and reset", () => {
  const state = new GridState(schema({ defaultState: { columns: ["carrier", "note"] } }));
  state.setVisible("delay", true);
  state.setVisible("carrier", false);
  state.moveColumn("delay", "note");
  assert.deepEqual(ids(state.visible), ["delay", "note"]);
  state.resetLayout();
  assert.deepEqual(ids(state.visible), ["carrier", "note"]);
});

test("the last column on show cannot be hidden", () => {
  const state = new GridState(schema());
  for (const id of ["carrier", "delay", "note"]) state.setVisible(id, false);
  assert.deepEqual(ids(state.visible), ["note"]);
});

test("a column moved forward lands behind its target", () => {
  const state = new GridState(schema());
  state.moveColumn("carrier", "note");
  assert.deepEqual(ids(state.ordered), ["delay", "note", "carrier"]);
  state.moveColumn("carrier", "nowhere");
  assert.deepEqual(ids(state.ordered), ["delay", "note", "carrier"]);
});

test("width prefers the user, then the schema, then the rows, then the type", () => {
  const columns = [column("carrier"), column("delay", { width: 90 })];
  const state = new GridState(schema({ columns }));
  const guess = state.width("carrier");
  state.suggestWidths(
    new Map([
      ["carrier", 30],
      ["delay", 30],
    ]),
  );
  assert.ok(state.width("carrier") > guess);
  assert.equal(state.width("delay"), 90);
  state.setWidth("delay", 5000);
  assert.equal(state.width("delay"), MAX_WIDTH);
  state.setWidth("delay", 1);
  assert.equal(state.width("delay"), MIN_WIDTH);
  state.resetLayout();
  assert.equal(state.width("delay"), 90);
});

test("selection takes rows in and out by id", () => {
  const state = new GridState(schema());
  state.select([1, 2, 3], true);
  state.select([2], false);
  assert.deepEqual(state.selection.ids, [1, 3]);
  assert.equal(state.isSelected(3), true);
  state.clearSelection();
  assert.equal(state.selection.isEmpty, true);
});

test("listeners hear what kind of change it was, until they leave", () => {
  const state = new GridState(schema());
  const heard: Change[] = [];
  const leave = state.subscribe((change) => heard.push(change));
  state.toggleSort("carrier", false);
  state.setWidth("carrier", 100);
  state.select([1], true);
  state.setSearch("");
  leave();
  state.clearFilters();
  assert.deepEqual(heard, ["query", "layout", "selection"]);
});

test("a state that was saved is taken over as it was", () => {
  const state = new GridState(schema());
  state.toggleSort("delay", false);
  state.toggleSort("delay", false);
  state.setCondition("carrier", { op: "in", value: ["UA"] });
  state.setSearch("late");
  state.moveColumn("note", "carrier");
  state.setVisible("delay", false);
  state.setWidth("note", 200);
  state.select([1], true);
  const later = new GridState(schema());
  later.restore(JSON.parse(JSON.stringify(state.saved)));
  assert.deepEqual(later.saved, state.saved);
  assert.deepEqual(ids(later.visible), ["note", "carrier"]);
  assert.equal(later.width("note"), 200);
  assert.deepEqual(later.query, state.query);
  assert.equal(later.selection.isEmpty, true);
});

test("an empty state leaves the grid as it is declared", () => {
  const state = new GridState(schema({ defaultState: { sort: [{ col: "delay", dir: "desc" }] } }));
  const before = state.saved;
  state.restore({ v: 1 });
  assert.deepEqual(state.saved, before);
});

test("columns that came after a state was saved stand behind those that it names", () => {
  const state = new GridState(schema());
  state.restore({ v: 1, layout: { columns: [{ col: "note", width: 9000 }, { col: "gone" }] } });
  assert.deepEqual(ids(state.visible), ["note", "carrier", "delay"]);
  assert.equal(state.width("note"), MAX_WIDTH);
});

test("a state never hides all columns, and never sorts or filters by what cannot be", () => {
  const columns = [column("carrier", { sortable: false, filterable: false }), column("delay")];
  const state = new GridState(schema({ columns }));
  state.restore({
    v: 1,
    query: { sort: [{ col: "carrier", dir: "asc" }], filter: { col: "carrier", op: "blank" } },
    layout: { columns: [{ col: "carrier", hidden: true }] },
  });
  assert.deepEqual(ids(state.visible), ["carrier", "delay"]);
  assert.deepEqual([state.sort, state.isNarrowed], [[], false]);
});

test("what of a filter no form can show stays in force until it is taken out", () => {
  const state = new GridState(schema());
  const leaf = { col: "delay", op: "gt", value: 1 };
  const either = { or: [leaf, { col: "note", op: "blank" }] };
  state.restore({ v: 1, query: { filter: { and: [leaf, either] } } });
  assert.deepEqual([...state.conditions], [["delay", { op: "gt", value: 1 }]]);
  assert.equal(state.hasRest, true);
  assert.deepEqual(state.query.filter, { and: [leaf, either] });
  assert.deepEqual(state.saved.query?.filter, { and: [leaf, either] });
  state.dropRest();
  assert.deepEqual(state.query.filter, { and: [leaf] });
  state.restore({ v: 1, query: { filter: either } });
  assert.deepEqual(state.query.filter, { and: [either] });
  state.clearFilters();
  assert.equal(state.query.filter, undefined);
});

test("groups and figures are part of the query and of what is saved; a grouped column is not shown", () => {
  const state = new GridState(schema());
  state.setGrouping([{ col: "carrier" }, { col: "note", by: "month" }]);
  state.setFigure("delay", "avg");
  assert.deepEqual(state.query.group, [{ col: "carrier" }, { col: "note", by: "month" }]);
  assert.deepEqual(state.query.aggregates, [{ col: "delay", fn: "avg", as: "avg_delay" }]);
  assert.deepEqual(ids(state.visible), ["delay", "note"]);
  const later = new GridState(schema());
  later.restore({ ...state.saved, query: { ...state.saved.query, group: ["carrier", { col: "note", by: "month" }, "gone"] } });
  assert.deepEqual(later.saved, state.saved);
  later.setFigure("delay", null);
  later.setGrouping([]);
  assert.deepEqual(later.saved, later.declared);
});

test("all that match are selected but those taken out, until other rows match", () => {
  const state = new GridState(schema());
  state.selectAll();
  state.select([7], false);
  assert.deepEqual([state.isSelected(1), state.isSelected(7)], [true, false]);
  assert.deepEqual([state.selection.size(10), state.selection.size(null)], [9, null]);
  state.select([7], true);
  assert.deepEqual(state.selection.ids, []);
  state.toggleSort("delay", false);
  assert.equal(state.selection.isAll, true);
  state.setSearch("late");
  assert.equal(state.selection.isEmpty, true);
});

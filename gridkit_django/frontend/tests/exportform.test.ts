import assert from "node:assert/strict";
import { test } from "node:test";
import { ExportForm, type ExportOption } from "../src/exportform.ts";
import type { MethodSchema } from "../src/protocol.ts";
import { RowSelection } from "../src/selection.ts";
import { clock } from "../src/views/exportmenu.ts";

const optionsOf = (format: string, properties: object) => ({
  if: { properties: { format: { const: format } } },
  then: { properties: { options: { properties } } },
});
const METHOD = {
  name: "export",
  schema: {
    properties: { format: { enum: ["csv", "xlsx"] }, rows: {}, notify: {} },
    allOf: [
      optionsOf("csv", {
        header: { type: "string", enum: ["id", "label"], default: "id", title: "Header row", enumNames: ["names", "labels"] },
        bom: { type: "boolean", title: "Mark" },
        digits: { type: "integer" },
      }),
      optionsOf("xlsx", { header: { enum: ["label", "id"], default: "label" } }),
    ],
  },
} as MethodSchema;

const named = (form: ExportForm, name: string): ExportOption => {
  const found = form.options.find((option) => option.name === name);
  if (!found) throw new Error(`There is no option ${name}.`);
  return found;
};

test("options are those of the chosen format, each of its kind", () => {
  const form = new ExportForm(METHOD, false);
  assert.deepEqual(form.formats, ["csv", "xlsx"]);
  assert.deepEqual(
    form.options.map(({ name, kind, label, fallback }) => [name, kind, label, fallback]),
    [
      ["header", "choice", "Header row", "id"],
      ["bom", "flag", "Mark", false],
      ["digits", "number", "digits", ""],
    ],
  );
  form.format = "xlsx";
  assert.deepEqual(form.options.map(({ name }) => name), ["header"]);
  assert.equal(new ExportForm({ name: "export" }, false).options.length, 0);
});

test("choices have the names that the server gives, and else those of their own", () => {
  const form = new ExportForm(METHOD, false);
  assert.deepEqual(named(form, "header").names, ["names", "labels"]);
  form.format = "xlsx";
  assert.deepEqual(named(form, "header").names, ["label", "id"]);
});

test("only what was changed is said, and stays where the other format has it, too", () => {
  const form = new ExportForm(METHOD, false);
  const none = new RowSelection();
  assert.deepEqual(form.more(none, {}), {});
  form.set(named(form, "header"), "label");
  form.set(named(form, "bom"), true);
  form.notify = true;
  assert.deepEqual(form.more(none, {}), { options: { header: "label", bom: true }, notify: true });
  form.format = "xlsx";
  assert.equal(form.value(named(form, "header")), "label");
  assert.deepEqual(form.more(none, {}), { notify: true });
});

test("selected rows are named, or all but some of the rows that match", () => {
  const selection = new RowSelection();
  selection.select([3, 5], true);
  const form = new ExportForm(METHOD, true);
  assert.deepEqual(form.more(selection, { search: "x" }), { rows: { include: [3, 5] } });
  selection.selectAll();
  selection.select([7], false);
  assert.deepEqual(form.more(selection, { search: "x" }), { rows: { query: { search: "x" }, exclude: [7] } });
  form.isPicked = false;
  assert.deepEqual(form.more(selection, {}), {});
  selection.clear();
  form.isPicked = true;
  assert.deepEqual(form.more(selection, {}), {});
});

test("time that is left is read like a clock", () => {
  assert.deepEqual([0, 0.2, 59, 61, 3661].map(clock), ["0:00", "0:01", "0:59", "1:01", "1:01:01"]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestProblem } from "../src/client.ts";
import { CellEditor, parseDraft } from "../src/edit.ts";
import type { EditResponse, RowRecord, Value } from "../src/protocol.ts";
import { column, row } from "./support.ts";

const DELAY = column("delay", { type: "integer" });

interface Saved {
  readonly row: RowRecord;
  readonly changes: Readonly<Record<string, Value>>;
}

/** An editor whose saves the test answers with a row or a failure. */
function editorOn(answers: (EditResponse | RequestProblem)[]) {
  const sent: Saved[] = [];
  const received: (EditResponse | null)[] = [];
  const editor = new CellEditor({
    timeZone: "America/New_York",
    label: (column, value) => (column.lookup && value === 5 ? "Ada" : null),
    resolve: (column, draft) => (column.lookup && draft === "Bob" ? "6" : draft),
    save: async (record, changes) => {
      sent.push({ row: record, changes });
      const answer = answers.shift();
      if (answer instanceof RequestProblem) throw answer;
      if (!answer) throw new Error("No answer is left.");
      return answer;
    },
    saved: (_row, _column, answer) => received.push(answer),
    changed: () => undefined,
  });
  return { editor, sent, received };
}

test("a row of another grid is edited by its label and saved by its key", async () => {
  const { editor, sent } = editorOn([{ row: row(1, { buyer: 6 }) }]);
  const buyer = { id: "buyer", label: "Buyer", type: "integer", lookup: "people" } as const;
  editor.open(row(1, { buyer: 5 }), buyer);
  assert.equal(editor.current?.draft, "Ada");
  editor.type("Nobody");
  assert.equal(await editor.commit(), false);
  assert.equal(editor.current?.invalid, "invalidOption");
  editor.type("Bob");
  assert.equal(await editor.commit(), true);
  assert.deepEqual(sent[0]?.changes, { buyer: 6 });
  editor.open(row(1, { buyer: 5 }), buyer);
  assert.equal(await editor.commit(), true);
  assert.equal(sent.length, 1);
});

test("a draft equal to the value closes without a request", async () => {
  const { editor, sent } = editorOn([]);
  editor.open(row(1, { delay: 5 }), DELAY);
  assert.equal(await editor.commit(), true);
  assert.equal(editor.current, null);
  assert.equal(sent.length, 0);
});

test("a changed draft is saved with the row it was read from", async () => {
  const answer = { row: row(1, { delay: 7 }) };
  const { editor, sent, received } = editorOn([answer]);
  editor.open(row(1, { delay: 5 }), DELAY);
  editor.type("7");
  assert.equal(await editor.commit(), true);
  assert.deepEqual(sent[0]?.changes, { delay: 7 });
  assert.equal(sent[0]?.row.v, "v1");
  assert.deepEqual(received, [answer]);
});

test("a draft that is no number is refused here and kept", async () => {
  const { editor, sent } = editorOn([]);
  editor.open(row(1, { delay: 5 }), DELAY);
  editor.type("soon");
  assert.equal(await editor.commit(), false);
  assert.equal(editor.current?.invalid, "invalidInteger");
  assert.equal(editor.current?.draft, "soon");
  editor.type("6");
  assert.equal(editor.current?.state, "open");
  assert.equal(sent.length, 0);
});

test("a 422 keeps the draft and shows the message of the field", async () => {
  const problem = new RequestProblem(422, { errors: [{ pointer: "/changes/delay", detail: "Too large." }] });
  const { editor } = editorOn([problem]);
  editor.open(row(1, { delay: 5 }), DELAY);
  editor.type("9999");
  assert.equal(await editor.commit(), false);
  assert.equal(editor.current?.state, "invalid");
  assert.equal(editor.current?.draft, "9999");
  assert.deepEqual(editor.current?.problem?.fieldMessages("delay"), ["Too large."]);
});

test("a veto and a lost connection keep the draft for another try", async () => {
  const { editor, sent } = editorOn([
    new RequestProblem(409, { code: "event-rejected" }),
    new RequestProblem(0, { code: "network" }),
    { row: row(1, { delay: 6 }) },
  ]);
  editor.open(row(1, { delay: 5 }), DELAY);
  editor.type("6");
  assert.equal(await editor.commit(), false);
  assert.equal(editor.current?.state, "failed");
  assert.equal(await editor.commit(), false);
  assert.equal(await editor.commit(), true);
  assert.equal(sent.length, 3);
});

test("a conflict shows both values and 'use mine' saves over the current version", async () => {
  const theirs = { ...row(1, { delay: 77 }), v: "theirs" };
  const conflict = new RequestProblem(412, { code: "version-conflict", current: theirs });
  const { editor, sent } = editorOn([conflict, { row: row(1, { delay: 6 }) }]);
  editor.open(row(1, { delay: 5 }), DELAY);
  editor.type("6");
  assert.equal(await editor.commit(), false);
  assert.equal(editor.current?.state, "conflict");
  assert.equal(editor.current?.current?.d["delay"], 77);
  editor.type("8");
  assert.equal(editor.current?.draft, "6");
  assert.equal(await editor.useMine(), true);
  assert.equal(sent[1]?.row.v, "theirs");
});

test("a second conflict while using mine asks again", async () => {
  const conflict = (v: string) => new RequestProblem(412, { current: { ...row(1, { delay: 70 }), v } });
  const { editor, sent } = editorOn([conflict("b"), conflict("c"), { row: row(1) }]);
  editor.open(row(1, { delay: 5 }), DELAY);
  editor.type("6");
  await editor.commit();
  assert.equal(await editor.useMine(), false);
  assert.equal(editor.current?.state, "conflict");
  assert.equal(await editor.useMine(), true);
  assert.equal(sent[2]?.row.v, "c");
});

test("'keep theirs' shows the current row and closes", async () => {
  const { editor, received } = editorOn([new RequestProblem(412, { current: row(1, { delay: 77 }) })]);
  editor.open(row(1, { delay: 5 }), DELAY);
  editor.type("6");
  await editor.commit();
  editor.keepTheirs();
  assert.equal(editor.current, null);
  assert.deepEqual(received, [null]);
});

test("parseDraft makes the value of the wire for each type", () => {
  const parse = (type: Parameters<typeof column>[1], draft: string) =>
    parseDraft(column("a", type), draft, "America/New_York");
  assert.deepEqual(parse({ type: "text" }, ""), { value: null });
  assert.deepEqual(parse({ type: "text", nullable: false }, ""), { value: "" });
  assert.deepEqual(parse({ type: "integer" }, ""), { value: null });
  assert.deepEqual(parse({ type: "integer", nullable: false }, ""), { problem: "required" });
  assert.deepEqual(parse({ type: "integer" }, "-4"), { value: -4 });
  assert.deepEqual(parse({ type: "integer" }, "4.5"), { problem: "invalidInteger" });
  assert.deepEqual(parse({ type: "decimal" }, "0.10"), { value: "0.10" });
  assert.deepEqual(parse({ type: "decimal" }, "1e3"), { problem: "invalidNumber" });
  assert.deepEqual(parse({ type: "float" }, "1e3"), { value: 1000 });
  assert.deepEqual(parse({ type: "boolean" }, "false"), { value: false });
  assert.deepEqual(parse({ type: "datetime" }, "2013-07-01T08:00"), { value: "2013-07-01T08:00:00-04:00" });
  assert.deepEqual(parse({ type: "json" }, "[1]"), { value: [1] });
  assert.deepEqual(parse({ type: "json" }, "[1"), { problem: "invalidJson" });
  assert.deepEqual(parse({ type: "integer", choices: [{ value: 3, label: "Three" }] }, "3"), { value: 3 });
});

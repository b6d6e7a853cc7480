import assert from "node:assert/strict";
import { test } from "node:test";
import { GridClient, RequestProblem, requestKey } from "../src/client.ts";
import { Lookups } from "../src/lookups.ts";
import { RowForm } from "../src/rowform.ts";
import { translator } from "../src/strings.ts";
import { column, settled } from "./support.ts";

const name = column("name", { nullable: false });
const delay = column("delay", { type: "integer" });
const owner = column("owner", { type: "integer", lookup: "people" });
const t = translator(null).t;

function rowForm(resolve = (_column: unknown, draft: string) => draft): RowForm {
  return new RowForm({ columns: [name, delay, owner], timeZone: "UTC", lookups: { resolve }, t });
}

test("only what was typed is sent, and what was emptied again is sent as no value", () => {
  const form = rowForm();
  assert.deepEqual(form.read(), {});
  form.type(name, "Ada");
  form.type(delay, "7");
  assert.deepEqual(form.read(), { name: "Ada", delay: 7 });
  form.type(delay, "");
  assert.deepEqual(form.read(), { name: "Ada", delay: null });
});

test("a value that does not fit is said beside it until it is typed anew", () => {
  const form = rowForm();
  form.type(delay, "soon");
  assert.equal(form.read(), null);
  assert.equal(form.message(delay), t("invalidInteger"));
  form.type(delay, "8");
  assert.deepEqual([form.message(delay), form.read([delay])], ["", { delay: 8 }]);
});

test("what the server refuses stands at the values it blames, else above them", () => {
  const form = rowForm();
  form.refuse(new RequestProblem(422, { errors: [{ pointer: "/values/name", detail: "Missing." }] }), "values");
  assert.deepEqual([form.message(name), form.message(delay), form.problem], ["Missing.", "", null]);
  form.read();
  const veto = new RequestProblem(409, { detail: "Not today." });
  form.refuse(veto, "values");
  assert.deepEqual([form.message(name), form.problem], ["", veto]);
});

test("every request has a name of its own", () => {
  assert.notEqual(requestKey(), requestKey());
  assert.match(requestKey(), /^[0-9a-z-]{4,64}$/);
});

test("a label that was typed is the value it stands for", async () => {
  const asked: unknown[] = [];
  const answer = { options: [{ value: 3, label: "Ada" }], next: null };
  const fetchOne = async (_url: unknown, init?: RequestInit): Promise<Response> => {
    asked.push(JSON.parse(String(init?.body)));
    return Response.json(answer);
  };
  const client = new GridClient({ src: "/g/", csrfToken: () => null, fetch: fetchOne as typeof fetch });
  const lookups = new Lookups(client, () => {});
  assert.equal(lookups.of(name), null);
  assert.equal(lookups.of(owner), lookups.of(owner));
  await settled();
  await settled();
  assert.deepEqual(asked, [{ after: null }]);
  assert.deepEqual([lookups.resolve(owner, " ada "), lookups.resolve(owner, "9")], ["3", "9"]);
  assert.deepEqual([lookups.label(owner, "3"), lookups.label(owner, "9"), lookups.label(name, "3")], ["Ada", null, null]);
  const form = rowForm((found, draft) => lookups.resolve(found as typeof owner, draft));
  form.type(owner, "Ada");
  assert.deepEqual(form.read(), { owner: 3 });
  lookups.remember(owner, [{ value: 9, label: "Zoe" }, { value: 8, label: null }]);
  lookups.remember(name, [{ value: "x", label: "X" }]);
  assert.deepEqual([lookups.label(owner, 9), lookups.label(owner, 8), lookups.label(name, "x")], ["Zoe", null, null]);
  lookups.close();
});

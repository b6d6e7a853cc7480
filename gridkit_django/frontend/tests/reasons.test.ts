import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestProblem } from "../src/client.ts";
import { Reasons } from "../src/reasons.ts";

function notebook(text: string | null = null) {
  return { read: () => text, write: (next: string | null) => void (text = next) };
}

test("a grid that does not ask has no form and no reason", () => {
  const reasons = new Reasons(null, notebook("left over"));

  assert.equal(reasons.form(), null);
  assert.equal(reasons.kept, null);
});

test("a reason that is needed is missing until there is one", () => {
  const form = new Reasons("required", notebook()).form();

  assert.equal(form?.read(), null);
  assert.equal(form?.missing, "reasonMissing");
  form?.type("  Ticket 42 ");
  assert.equal(form?.missing, null);
  assert.equal(form?.read(), "Ticket 42");
});

test("a reason is kept when the person says so, and forgotten when not", () => {
  const kept = notebook();
  const reasons = new Reasons("required", kept);
  const form = reasons.form();
  form?.type("Ticket 42");
  if (form) form.keeps = true;
  form?.read();

  assert.equal(reasons.kept, "Ticket 42");
  const next = reasons.form();
  assert.equal(next?.text, "Ticket 42");
  assert.equal(next?.keeps, true);
  if (next) next.keeps = false;
  next?.read();
  assert.equal(reasons.kept, null);
});

test("no reason is an answer only where it is optional", () => {
  assert.equal(new Reasons("optional", notebook("")).kept, "");
  assert.equal(new Reasons("required", notebook("")).kept, null);
});

test("what the server refuses stands at the reason, and the kept one is forgotten", () => {
  const reasons = new Reasons("required", notebook("x"));
  const form = reasons.form();
  const other = new RequestProblem(422, { errors: [{ pointer: "/changes/a", detail: "no" }] });
  const problem = new RequestProblem(422, { errors: [{ pointer: "/reason", detail: "Too long." }] });

  assert.equal(form?.refuse(other), false);
  assert.equal(reasons.kept, "x");
  assert.equal(form?.refuse(problem), true);
  assert.equal(form?.refusal, "Too long.");
  assert.equal(reasons.kept, null);
});

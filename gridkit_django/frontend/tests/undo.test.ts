import assert from "node:assert/strict";
import { test } from "node:test";
import { Toast } from "../src/toast.ts";
import { UndoHistory } from "../src/undo.ts";

test("the newest is taken back first and can be done again, until something new is done", () => {
  const history = new UndoHistory();
  history.add({ token: "a", text: "A" });
  history.add({ token: "b", text: "B" });
  assert.equal(history.take("undo")?.token, "b");
  history.put("redo", { token: "b2", text: "B" });
  assert.equal(history.take("redo")?.token, "b2");
  history.put("undo", { token: "b3", text: "B" });
  assert.deepEqual([history.take("undo")?.token, history.take("undo")?.token, history.take("undo")], ["b3", "a", null]);
  history.put("redo", { token: "a2", text: "A" });
  history.add({ token: "c", text: "C" });
  assert.equal(history.take("redo"), null);
});

test("only so many things are kept", () => {
  const history = new UndoHistory();
  for (let number = 0; number < 60; number++) history.add({ token: String(number), text: "" });
  let kept = 0;
  while (history.take("undo")) kept++;
  assert.equal(kept, 50);
});

test("a toast goes after a while, but not while somebody is at it", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let drawn = 0;
  const toast = new Toast(() => drawn++);
  toast.show("Saved");
  context.mock.timers.tick(6_000);
  toast.pause();
  context.mock.timers.tick(60_000);
  assert.equal(toast.message?.text, "Saved");
  toast.resume();
  context.mock.timers.tick(12_000);
  assert.equal(toast.message, null);
  toast.hide();
  assert.equal(drawn, 2);
});

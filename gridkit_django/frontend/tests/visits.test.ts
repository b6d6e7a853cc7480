import assert from "node:assert/strict";
import { test } from "node:test";
import type { Notebook } from "../src/notebook.ts";
import { visitHeader } from "../src/visits.ts";

function book(text: string | null = null): Notebook & { readonly text: () => string | null } {
  let noted = text;
  return { read: () => noted, write: (now) => void (noted = now), text: () => noted };
}

test("the ids of session and browser are made once and kept", () => {
  const [session, device] = [book(), book("browser-1")];
  const first = visitHeader(true, {}, session, device);
  assert.equal(first, `${session.text()}.browser-1`);
  assert.match(first, /^[\w-]{8,64}\.browser-1$/);
  assert.equal(visitHeader(true, {}, session, device), first);
});

test("without the site's wish nothing is kept, and the session is that of the page", () => {
  const [session, device] = [book(), book()];
  assert.match(visitHeader(false, {}, session, device), /^[\w-]{8,64}$/);
  assert.deepEqual([session.text(), device.text()], [null, null]);
});

test("who wants not to be followed has no ids, and loses those that were kept", () => {
  for (const wishes of [{ doNotTrack: "1" }, { globalPrivacyControl: true }]) {
    const [session, device] = [book("session-1"), book("browser-1")];
    assert.equal(visitHeader(true, wishes, session, device), "");
    assert.deepEqual([session.text(), device.text()], [null, null]);
  }
});

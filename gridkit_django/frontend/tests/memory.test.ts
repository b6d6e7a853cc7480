import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { type GridClient, RequestProblem } from "../src/client.ts";
import { leftState, StateMemory } from "../src/memory.ts";
import type { ViewState } from "../src/protocol.ts";
import { GridState } from "../src/state.ts";
import { schema, settled } from "./support.ts";

function memoryOf(answer: () => Promise<void> = async () => {}) {
  const sent: { state: ViewState; leaving: boolean }[] = [];
  const client = {
    keepState: (state: ViewState, leaving: boolean) => {
      sent.push({ state, leaving });
      return answer();
    },
  } as unknown as GridClient;
  const state = new GridState(schema());
  const memory = new StateMemory(client, state);
  state.subscribe((change) => memory.changed(change));
  return { sent, state, memory };
}

test("a state is saved once the user pauses, not for each change", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { sent, state } = memoryOf();
  state.setWidth("carrier", 200);
  mock.timers.tick(500);
  state.setWidth("carrier", 210);
  mock.timers.tick(500);
  assert.equal(sent.length, 0);
  mock.timers.tick(500);
  mock.timers.reset();
  await settled();
  assert.deepEqual(
    sent.map((item) => item.state.layout?.columns?.[0]),
    [{ col: "carrier", width: 210 }],
  );
});

test("nothing is saved when nothing differs, and a selection is not kept", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { sent, state, memory } = memoryOf();
  state.select([1], true);
  state.suggestWidths(new Map([["carrier", 20]]));
  mock.timers.tick(5000);
  mock.timers.reset();
  await memory.save(true);
  assert.deepEqual(sent, []);
});

test("what is not saved yet goes out when the user leaves", async () => {
  const { sent, state, memory } = memoryOf();
  state.setSearch("late");
  await memory.save(true);
  await memory.save(true);
  assert.deepEqual(
    sent.map((item) => [item.state.query?.search, item.leaving]),
    [["late", true]],
  );
});

test("a state waits until the one before has arrived", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let arrive = (): void => {};
  const { sent, state, memory } = memoryOf(() => new Promise((resolve) => (arrive = resolve)));
  state.setSearch("a");
  void memory.save();
  state.setSearch("b");
  await memory.save();
  assert.equal(sent.length, 1);
  arrive();
  await settled();
  mock.timers.tick(1000);
  mock.timers.reset();
  assert.deepEqual(
    sent.map((item) => item.state.query?.search),
    ["a", "b"],
  );
});

test("a state that could not be saved is sent again with the next change, a missing route never again", async () => {
  const warn = mock.method(console, "warn", () => {});
  for (const [status, expected] of [
    [503, 2],
    [404, 1],
  ] as const) {
    const { sent, state, memory } = memoryOf(() => Promise.reject(new RequestProblem(status, {})));
    state.setSearch("a");
    await memory.save();
    await memory.save();
    assert.equal(sent.length, expected);
  }
  assert.equal(warn.mock.callCount(), 2);
  warn.mock.restore();
});

test("a server that keeps no states is as one that has none", async () => {
  const warn = mock.method(console, "warn", () => {});
  const { signal } = new AbortController();
  const client = (status: number): GridClient =>
    ({ lastState: () => Promise.reject(new RequestProblem(status, {})) }) as unknown as GridClient;
  assert.equal(await leftState(client(404), signal), null);
  assert.equal(warn.mock.callCount(), 0);
  assert.equal(await leftState(client(500), signal), null);
  assert.equal(warn.mock.callCount(), 1);
  warn.mock.restore();
  const left: ViewState = { v: 1, query: { search: "x" } };
  const there = { lastState: async () => ({ state: left }) } as unknown as GridClient;
  assert.equal(await leftState(there, signal), left);
});

test("an aborted reading stays aborted", async () => {
  const client = { lastState: () => Promise.reject(new DOMException("", "AbortError")) } as unknown as GridClient;
  await assert.rejects(leftState(client, new AbortController().signal), { name: "AbortError" });
});

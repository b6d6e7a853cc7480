import assert from "node:assert/strict";
import { test } from "node:test";
import { GridClient } from "../src/client.ts";
import type { SavedView, ViewList, ViewState } from "../src/protocol.ts";
import { SavedViews, viewList } from "../src/savedviews.ts";
import { GridState } from "../src/state.ts";
import { ViewForm } from "../src/viewform.ts";
import { schema } from "./support.ts";

const LATE: ViewState = { v: 1, query: { filter: { col: "delay", op: "gt", value: 60 }, sort: [{ col: "delay", dir: "desc" }] } };

function view(id: string, more: Partial<SavedView> = {}): SavedView {
  const own = { scope: "private", group: null, isDefault: false, owner: "ada", mine: true } as const;
  return { id, name: id.toUpperCase(), ...own, state: LATE, dropped: [], ...more };
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly tag: string | null;
}

/** A server with views; `answer` may refuse. */
function world(list: Partial<ViewList> = {}, marked: string | null = null) {
  const calls: Call[] = [];
  const marks: (string | null)[] = [];
  let refuse: Response | null = null;
  const fetchOne = async (url: unknown, init: RequestInit = {}): Promise<Response> => {
    const path = String(url).replace("/g/", "");
    const body = init.body ? JSON.parse(String(init.body)) : null;
    calls.push({ method: init.method ?? "GET", path, body, tag: new Headers(init.headers).get("If-Match") });
    if (refuse) return refuse;
    if (init.method === "DELETE") return new Response(null, { status: 204 });
    if (path === "views/" && init.method === "GET") return Response.json({ results: [view("late")], default: null });
    const id = path.split("/")[1] || "new";
    return Response.json(view(id, { ...(body?.state ? { state: body.state } : {}) }), { headers: { ETag: `"tag-${id}"` } });
  };
  const client = new GridClient({ src: "/g/", csrfToken: () => null, fetch: fetchOne as typeof fetch });
  const state = new GridState(schema());
  const views = new SavedViews({
    client,
    schema: schema(),
    state,
    list: { results: [view("late"), view("mine")], default: null, ...list },
    marker: { read: () => marked, write: (id) => void marks.push(id) },
    changed: () => {},
  });
  return { views, state, calls, marks, refuseWith: (response: Response | null) => (refuse = response) };
}

test("at a first visit the default view is opened with its state", async () => {
  const { views, state } = world({ default: "late" });
  await views.start(true);
  assert.deepEqual([views.open?.id, views.isDirty, [...state.conditions.keys()]], ["late", false, ["delay"]]);
});

test("later the view that was open is marked, and the state that was left stays", async () => {
  const { views, state } = world({ default: "late" }, "mine");
  state.setSearch("left");
  await views.start(false);
  assert.deepEqual([views.open?.id, views.isDirty, state.search], ["mine", true, "left"]);
});

test("a marked view that is gone is not asked for", async () => {
  const { views, calls } = world({}, "gone");
  await views.start(false);
  assert.deepEqual([views.open, calls], [null, []]);
});

test("changes are noticed, taken back, and saved under the tag that was read", async () => {
  const { views, state, calls } = world();
  assert.equal(views.isDirty, false);
  await views.show("late");
  state.setWidth("carrier", 200);
  assert.equal(views.isDirty, true);
  views.reset();
  assert.equal(views.isDirty, false);
  state.setSearch("x");
  await views.save();
  assert.deepEqual([calls.at(-1)?.method, calls.at(-1)?.tag, views.isDirty], ["PATCH", '"tag-late"', false]);
  await views.show(null);
  assert.deepEqual([views.open, views.isDirty, state.search], [null, false, ""]);
});

test("a view that somebody changed is saved over only when the user says so", async () => {
  const { views, state, calls, refuseWith } = world();
  await views.show("late");
  state.setSearch("x");
  refuseWith(Response.json({ code: "version-conflict" }, { status: 412 }));
  assert.equal(await views.save(), false);
  assert.deepEqual([views.problem?.status, views.isDirty], [412, true]);
  refuseWith(null);
  assert.equal(await views.save(true), true);
  assert.deepEqual([calls.at(-1)?.tag, views.problem], ["*", null]);
});

test("a new view is the open one; one that is deleted leaves the declared grid as the measure", async () => {
  const { views, state, calls, marks } = world();
  state.setSearch("x");
  await views.saveAs({ name: "New", scope: "private" });
  assert.deepEqual(calls.map((call) => call.path), ["views/", "views/"]);
  assert.deepEqual([views.open?.id, views.isDirty, views.entries.length, marks], ["new", false, 1, ["new"]]);
  await views.change("new", { name: "Newer" });
  await views.remove("new");
  assert.deepEqual([views.open, views.isDirty, marks.at(-1)], [null, true, null]);
});

test("the form writes the audience as scope and group", () => {
  const form = new ViewForm(view("a", { scope: "group", group: { id: 3, name: "Sales" } }));
  assert.equal(form.audience, "group:3");
  assert.deepEqual(form.draft, { name: "A", scope: "group", group: 3, isDefault: false });
  form.audience = "public";
  form.name = " B ";
  assert.deepEqual(form.draft, { name: "B", scope: "public", isDefault: false });
});

test("a server without views has no menu, other failures are said", async (context) => {
  const warn = context.mock.method(console, "warn", () => {});
  for (const status of [404, 503]) {
    const client = new GridClient({ src: "/g/", csrfToken: () => null, fetch: async () => new Response("", { status }) });
    assert.equal(await viewList(client, new AbortController().signal), null);
  }
  assert.equal(warn.mock.callCount(), 1);
});

test("a view that names columns shows these as they are pinned, and keeps what the element does not show", () => {
  const state = new GridState(schema());
  state.restore({
    v: 1,
    query: { columns: ["note", "delay"], pageSize: 50 },
    layout: { columns: [{ col: "delay", width: 90, pin: "left" }, { col: "carrier" }] },
  });
  assert.deepEqual(state.visible.map((column) => column.id), ["delay", "note"]);
  assert.equal(state.saved.query?.pageSize, 50);
  assert.deepEqual(state.saved.layout?.columns?.find((item) => item.col === "delay"), { col: "delay", width: 90, pin: "left" });
});

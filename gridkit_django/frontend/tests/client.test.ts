import assert from "node:assert/strict";
import { test } from "node:test";
import { dispositionName, entityTag, GridClient, readCookie, RequestProblem } from "../src/client.ts";
import { row } from "./support.ts";

interface Call {
  readonly url: string;
  readonly init: RequestInit;
}

/** A client whose requests are recorded and answered with one response. */
function clientOn(respond: () => Response) {
  const calls: Call[] = [];
  const fetchOne: typeof fetch = async (url, init) => {
    calls.push({ url: String(url), init: init ?? {} });
    return respond();
  };
  const client = new GridClient({ src: "/api/grids/flights", csrfToken: () => "token", fetch: fetchOne });
  const headers = (): Headers => new Headers(calls.at(-1)?.init.headers);
  return { client, calls, headers };
}

const json = (body: unknown, status = 200): Response => Response.json(body, { status });

test("edit sends the changes, the quoted version and the CSRF token", async () => {
  const { client, calls, headers } = clientOn(() => json({ row: row(7) }));
  await client.edit(row(7), { delay: 3 }, { sort: [] });
  assert.equal(calls[0]?.url, "/api/grids/flights/records/7/");
  assert.equal(calls[0]?.init.method, "PATCH");
  assert.equal(calls[0]?.init.body, '{"changes":{"delay":3},"query":{"sort":[]}}');
  assert.equal(headers().get("If-Match"), '"v7"');
  assert.equal(headers().get("X-CSRFToken"), "token");
});

test("reading the schema sends no CSRF token", async () => {
  const { client, headers } = clientOn(() => json({}));
  await client.schema();
  assert.equal(headers().get("X-CSRFToken"), null);
});

test("a row id is one path segment whatever is in it", async () => {
  const { client, calls } = clientOn(() => json({ row: row(1) }));
  await client.edit({ ...row(1), id: "a/b c" }, {});
  assert.equal(calls[0]?.url, "/api/grids/flights/records/a%2Fb%20c/");
});

test("a problem document becomes a RequestProblem with code and field messages", async () => {
  const body = JSON.stringify({
    code: "edit-invalid",
    detail: "No.",
    errors: [{ pointer: "/changes/a~1b", detail: "Bad." }],
  });
  const headers = { "Content-Type": "application/problem+json" };
  const { client } = clientOn(() => new Response(body, { status: 422, headers }));
  await assert.rejects(client.edit(row(1), {}), (error: unknown) => {
    assert.ok(error instanceof RequestProblem);
    assert.equal(error.code, "edit-invalid");
    assert.deepEqual(error.fieldMessages("a/b"), ["Bad."]);
    assert.deepEqual(error.fieldMessages("a"), []);
    return true;
  });
});

test("an error page that is no JSON is a problem with the status text", async () => {
  const { client } = clientOn(() => new Response("<h1>", { status: 502, statusText: "Bad Gateway" }));
  await assert.rejects(client.schema(), { status: 502, message: "Bad Gateway" });
});

test("a page instead of JSON is a problem that says so", async () => {
  const { client } = clientOn(() => new Response("<form>", { headers: { "Content-Type": "text/html" } }));
  await assert.rejects(client.schema(), { status: 200, code: "unreadable" });
  await assert.rejects(client.edit(row(1), {}), RequestProblem);
});

test("a lost connection is a problem with status 0, an abort stays an abort", async () => {
  const lost = clientOn(() => {
    throw new TypeError("Failed to fetch");
  });
  await assert.rejects(lost.client.schema(), { status: 0, code: "network" });
  const aborted = clientOn(() => {
    throw new DOMException("aborted", "AbortError");
  });
  await assert.rejects(aborted.client.schema(), { name: "AbortError" });
});

test("callMethod tells a job, a file and data apart", async () => {
  const query = { columns: ["a"], sort: [] };
  const job = clientOn(() => json({ job: { id: 4, state: "queued" } }, 202));
  assert.deepEqual(await job.client.callMethod("export", { format: "csv" }, query), {
    kind: "job",
    job: { id: 4, state: "queued" },
  });
  assert.equal(job.calls[0]?.init.body, JSON.stringify({ arguments: { format: "csv" }, query }));
  const attachment = { "Content-Disposition": 'attachment; filename="f.csv"' };
  const file = await clientOn(() => new Response("a", { headers: attachment })).client.callMethod(
    "export",
    {},
    query,
  );
  assert.equal(file.kind === "file" && file.name, "f.csv");
  const data = await clientOn(() => json({ result: 1 })).client.callMethod("sum", {}, query);
  assert.deepEqual(data, { kind: "data", data: { result: 1 } });
});

test("job reads a bare job and one in an envelope", async () => {
  assert.equal((await clientOn(() => json({ id: 1, state: "running" })).client.job(1)).state, "running");
  assert.equal(
    (await clientOn(() => json({ job: { id: 1, state: "failed" } })).client.job(1)).state,
    "failed",
  );
});

test("entityTag quotes once", () => {
  assert.equal(entityTag("abc"), '"abc"');
  assert.equal(entityTag('"abc"'), '"abc"');
  assert.equal(entityTag(12), '"12"');
});

test("readCookie finds one cookie among several", () => {
  assert.equal(readCookie("a=1; csrftoken=x%3D; b=2", "csrftoken"), "x=");
  assert.equal(readCookie("xcsrftoken=1", "csrftoken"), null);
});

test("dispositionName prefers the extended form", () => {
  assert.equal(dispositionName("attachment; filename=\"a.csv\"; filename*=UTF-8''%C3%A4.csv", "x"), "ä.csv");
  assert.equal(dispositionName(null, "x"), "x");
});

test("rows are made and changed under a key, deleted under their version, and taken back by a token", async () => {
  const { client, calls, headers } = clientOn(() => json({ row: row(1), undo: "t", rows: 1, changed: 1 }));
  await client.create({ note: "x" }, { sort: [] }, "key-1");
  assert.deepEqual([calls.at(-1)?.url, headers().get("Idempotency-Key")], ["/api/grids/flights/records/", "key-1"]);
  await client.remove(row(7), true);
  assert.deepEqual(
    [calls.at(-1)?.url, calls.at(-1)?.init.method, headers().get("If-Match")],
    ["/api/grids/flights/records/7/?cascade=true", "DELETE", '"v7"'],
  );
  await client.bulk({ action: "delete", selection: { include: [1] }, expectedCount: 1 }, "key-2");
  assert.equal(headers().get("Idempotency-Key"), "key-2");
  await client.undo("t");
  assert.deepEqual([calls.at(-1)?.url, calls.at(-1)?.init.body], ["/api/grids/flights/undo/", '{"token":"t"}']);
});

test("values to choose from are asked for by POST", async () => {
  const { client, calls } = clientOn(() => json({ values: [], options: [], next: null }));
  await client.facet("car/rier", { q: "u" });
  await client.lookup("carrier", {});
  assert.deepEqual(
    calls.map((call) => call.url),
    ["/api/grids/flights/facets/car%2Frier/", "/api/grids/flights/lookup/carrier/"],
  );
});

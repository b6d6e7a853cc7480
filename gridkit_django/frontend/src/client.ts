/** The only module that talks HTTP: one method per route of the protocol. */

import type {
  BatchItem,
  BatchResponse,
  BulkRequest,
  BulkResult,
  EditResponse,
  EventVerdict,
  FacetResponse,
  GridQuery,
  GridSchema,
  InteractionEvent,
  Job,
  JobKind,
  LookupResponse,
  ProblemDocument,
  RowRecord,
  RowsRequest,
  RowsResponse,
  SavedView,
  StateAnswer,
  UndoResponse,
  Value,
  ViewDraft,
  ViewList,
  ViewState,
} from "./protocol.ts";

/** A request that did not succeed: the server's problem document, or a network failure (status 0). */
export class RequestProblem extends Error {
  readonly status: number;
  readonly document: ProblemDocument;

  constructor(status: number, document: ProblemDocument) {
    super(document.detail || document.title || `HTTP ${status}`);
    this.name = "RequestProblem";
    this.status = status;
    this.document = document;
  }

  get code(): string {
    return this.document.code ?? "";
  }

  /** Messages for one column out of `errors[]`, found by the JSON pointer `/changes/{col}`, or `/values/{col}`. */
  fieldMessages(column: string, member = "changes"): string[] {
    return this.messagesAt(`/${member}/${column.replaceAll("~", "~0").replaceAll("/", "~1")}`);
  }

  /** Messages out of `errors[]` about what a JSON pointer points at. */
  messagesAt(pointer: string): string[] {
    return (this.document.errors ?? [])
      .filter((error) => error.pointer === pointer || error.pointer?.startsWith(`${pointer}/`))
      .map((error) => error.detail ?? error.code ?? "");
  }
}

export interface ClientOptions {
  /** Address of the grid, ending in a slash: `/gridkit/api/grids/flights/`. */
  readonly src: string;
  /** Returns the CSRF token at the moment of the request; null when there is none. */
  readonly csrfToken: () => string | null;
  readonly fetch?: typeof fetch;
}

interface RequestOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  readonly keepalive?: boolean;
}

/** What a method answered: a job to follow, a file to save, or plain data. */
export type MethodOutcome =
  | { readonly kind: "job"; readonly job: Job }
  | { readonly kind: "file"; readonly blob: Blob; readonly name: string }
  | { readonly kind: "data"; readonly data: unknown };

/** A view with the entity tag of what was read. */
export interface TaggedView {
  readonly view: SavedView;
  readonly tag: string;
}

/** A name for one request; not a secret, only unlike any other. */
export function requestKey(): string {
  const random = crypto.getRandomValues(new Uint32Array(4));
  return [...random].map((part) => part.toString(36)).join("-");
}

/** Reads the value of one cookie; null when it is not set. */
export function readCookie(cookies: string, name: string): string | null {
  for (const part of cookies.split(";")) {
    const [key, ...rest] = part.trim().split("=");
    if (key === name) return decodeURIComponent(rest.join("="));
  }
  return null;
}

/** Writes a version token as an HTTP entity tag (RFC 9110, 8.8.3): quoted once. */
export function entityTag(version: string | number): string {
  const text = String(version);
  return /^(?:W\/)?".*"$/.test(text) ? text : `"${text}"`;
}

/** The file name of a Content-Disposition header (RFC 6266), or the fallback. */
export function dispositionName(header: string | null, fallback: string): string {
  const extended = /filename\*=UTF-8''([^;]+)/i.exec(header ?? "")?.[1];
  if (extended) return decodeURIComponent(extended);
  return /filename="?([^";]+)"?/i.exec(header ?? "")?.[1] ?? fallback;
}

export class GridClient {
  readonly #src: string;
  readonly #csrfToken: () => string | null;
  readonly #fetch: typeof fetch;
  /** What ties the requests of one person together, see `visits.ts`; empty for nothing. */
  visit = "";

  constructor(options: ClientOptions) {
    this.#src = options.src.endsWith("/") ? options.src : `${options.src}/`;
    this.#csrfToken = options.csrfToken;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  schema(signal?: AbortSignal): Promise<GridSchema> {
    return this.#json<GridSchema>("schema/", { signal });
  }

  rows(request: RowsRequest, signal?: AbortSignal): Promise<RowsResponse> {
    return this.#json<RowsResponse>("rows/", { method: "POST", body: request, signal });
  }

  /** Values of a column with their counts, under all filters but its own. */
  facet(column: string, body: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<FacetResponse> {
    return this.#json<FacetResponse>(`facets/${encodeURIComponent(column)}/`, { method: "POST", body, signal });
  }

  /** Values that a cell of the column may be given. */
  lookup(column: string, body: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<LookupResponse> {
    return this.#json<LookupResponse>(`lookup/${encodeURIComponent(column)}/`, { method: "POST", body, signal });
  }

  /** Saves changed cells of one row, on condition that it still has this version; `query` is what the user looks at. */
  edit(
    row: RowRecord,
    changes: Readonly<Record<string, Value>>,
    query: Partial<GridQuery> = {},
    reason = "",
  ): Promise<EditResponse> {
    const headers = { "If-Match": entityTag(row.v) };
    const body = { changes, query, ...because(reason) };
    return this.#json<EditResponse>(this.#record(row.id), { method: "PATCH", body, headers });
  }

  /** Makes a row; sent twice with the same key it is made once. */
  create(
    values: Readonly<Record<string, Value>>,
    query: Partial<GridQuery>,
    key: string,
    reason = "",
  ): Promise<EditResponse> {
    const headers = { "Idempotency-Key": key };
    const body = { values, query, ...because(reason) };
    return this.#json<EditResponse>("records/", { method: "POST", body, headers });
  }

  /** Deletes a row on condition that it still has this version; such a request has no body to say why in. */
  remove(row: RowRecord, cascade: boolean, reason = ""): Promise<{ readonly undo: string | null }> {
    const why: Record<string, string> = reason ? { "X-Change-Reason": encodeURIComponent(reason) } : {};
    const headers = { "If-Match": entityTag(row.v), ...why };
    return this.#json(this.#record(row.id) + (cascade ? "?cascade=true" : ""), { method: "DELETE", headers });
  }

  /** Changes several rows, all or none. */
  batch(items: readonly BatchItem[], query: Partial<GridQuery>, key: string, reason = ""): Promise<BatchResponse> {
    const body = { items, query, ...because(reason) };
    return this.#json<BatchResponse>("batch/", { method: "POST", body, headers: { "Idempotency-Key": key } });
  }

  /** Changes or deletes many rows: the result, or a job that will have it. */
  async bulk(request: BulkRequest, key: string, reason = ""): Promise<BulkResult | { readonly job: Job }> {
    const headers = { "Idempotency-Key": key };
    return this.#json("bulk/", { method: "POST", body: { ...request, ...because(reason) }, headers });
  }

  undo(token: string, reason = ""): Promise<UndoResponse> {
    return this.#json<UndoResponse>("undo/", { method: "POST", body: { token, ...because(reason) } });
  }

  async callMethod(name: string, args: Record<string, unknown>, query: GridQuery): Promise<MethodOutcome> {
    const path = `methods/${encodeURIComponent(name)}/`;
    const response = await this.#send(path, { method: "POST", body: { arguments: args, query } });
    const disposition = response.headers.get("Content-Disposition");
    if (disposition?.startsWith("attachment")) {
      return { kind: "file", blob: await response.blob(), name: dispositionName(disposition, name) };
    }
    const data = response.status === 204 ? null : await parsed<unknown>(response);
    const job = (data as { job?: Job } | null)?.job;
    return response.status === 202 && job ? { kind: "job", job } : { kind: "data", data };
  }

  /** The newest jobs of the user on this grid. */
  async jobs(kind: JobKind): Promise<readonly Job[]> {
    return (await this.#json<{ readonly results: readonly Job[] }>(`jobs/?kind=${kind}`, {})).results;
  }

  async job(id: string | number): Promise<Job> {
    const answer = await this.#json<Job | { job: Job }>(this.#job(id), {});
    return "job" in answer ? answer.job : answer;
  }

  async cancelJob(id: string | number): Promise<void> {
    await this.#send(this.#job(id), { method: "DELETE" });
  }

  async retryJob(id: string | number): Promise<void> {
    await this.#send(`${this.#job(id)}retry/`, { method: "POST" });
  }

  jobResultUrl(id: string | number): string {
    return `${this.#src}${this.#job(id)}result/`;
  }

  /** Posts interaction events and returns their verdicts; `keepalive` lets the request outlive the page. */
  async postEvents(
    url: string | null,
    events: readonly InteractionEvent[],
    keepalive: boolean,
  ): Promise<readonly EventVerdict[]> {
    const options = { method: "POST", body: { v: 1, events }, keepalive };
    const answer = await this.#json<{ results?: readonly EventVerdict[] }>(url ?? "events/", options);
    return answer.results ?? [];
  }

  views(signal?: AbortSignal): Promise<ViewList> {
    return this.#json<ViewList>("views/", { signal });
  }

  view(id: string): Promise<TaggedView> {
    return this.#view(id, {});
  }

  saveView(draft: ViewDraft): Promise<TaggedView> {
    return this.#view("", { method: "POST", body: draft });
  }

  /** Changes a view on condition that it still has this tag; `*` for whatever it is now. */
  changeView(id: string, draft: ViewDraft, tag: string): Promise<TaggedView> {
    return this.#view(id, { method: "PATCH", body: draft, headers: { "If-Match": tag } });
  }

  async deleteView(id: string): Promise<void> {
    await this.#send(viewPath(id), { method: "DELETE" });
  }

  async #view(id: string, options: RequestOptions): Promise<TaggedView> {
    const response = await this.#send(viewPath(id), options);
    return { view: await parsed<SavedView>(response), tag: response.headers.get("ETag") ?? "*" };
  }

  /** The state that the user left the grid in. */
  lastState(signal?: AbortSignal): Promise<StateAnswer> {
    return this.#json<StateAnswer>("state/", { signal });
  }

  async keepState(state: ViewState, keepalive: boolean): Promise<void> {
    await this.#send("state/", { method: "PUT", body: { state }, keepalive });
  }

  #record(id: string | number): string {
    return `records/${encodeURIComponent(id)}/`;
  }

  #job(id: string | number): string {
    return `jobs/${encodeURIComponent(id)}/`;
  }

  async #json<T>(path: string, options: RequestOptions): Promise<T> {
    const response = await this.#send(path, options);
    return parsed<T>(response);
  }

  async #send(path: string, options: RequestOptions): Promise<Response> {
    const { method = "GET", body, signal, keepalive = false } = options;
    const headers = new Headers({ Accept: "application/json, application/problem+json", ...options.headers });
    if (body !== undefined) headers.set("Content-Type", "application/json");
    const token = method === "GET" ? null : this.#csrfToken();
    if (token) headers.set("X-CSRFToken", token);
    if (this.visit) headers.set("X-GridKit-Visit", this.visit);
    const init: RequestInit = { method, headers, keepalive, credentials: "same-origin" };
    if (body !== undefined) init.body = JSON.stringify(body);
    if (signal) init.signal = signal;
    const url = path.startsWith("/") ? path : this.#src + path;
    const response = await this.#reach(url, init);
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  async #reach(url: string, init: RequestInit): Promise<Response> {
    try {
      return await this.#fetch(url, init);
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new RequestProblem(0, { code: "network", detail: String((error as Error).message ?? error) });
    }
  }
}

const because = (reason: string): { readonly reason?: string } => (reason ? { reason } : {});

const viewPath = (id: string): string => (id ? `views/${encodeURIComponent(id)}/` : "views/");

/** Reads JSON; a page that came instead, such as a login form, is a problem of its own. */
async function parsed<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new RequestProblem(response.status, { code: "unreadable", detail: String(error) });
  }
}

async function problemOf(response: Response): Promise<RequestProblem> {
  const kind = response.headers.get("Content-Type") ?? "";
  if (!kind.includes("json")) return new RequestProblem(response.status, { title: response.statusText });
  return new RequestProblem(response.status, await parsed<ProblemDocument>(response));
}

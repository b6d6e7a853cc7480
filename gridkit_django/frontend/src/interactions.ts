/**
 * Tells the server what the user did, in batches. Off unless the schema offers it.
 *
 * A server without the route (404) is asked once and never again; other failures lose the batch, because
 * these events are observations, not edits.
 */

import { type GridClient, RequestProblem } from "./client.ts";
import type { GridQuery, GridSchema, InteractionEvent, RowCount } from "./protocol.ts";

const DELAY_MS = 2000;
const LARGEST_BATCH = 500;
const PAGE_DELAY_MS = 800;

export class InteractionLog {
  readonly #client: GridClient;
  readonly #url: string | null;
  #active: boolean;
  #waiting: InteractionEvent[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(client: GridClient, schema: GridSchema) {
    this.#client = client;
    this.#url = schema.eventsUrl ?? null;
    this.#active = Boolean(schema.eventsUrl ?? schema.limits?.events);
  }

  add(type: InteractionEvent["type"], payload: InteractionEvent["payload"]): void {
    if (!this.#active) return;
    this.#waiting.push({ type, payload });
    if (this.#waiting.length >= LARGEST_BATCH) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), DELAY_MS);
  }

  /** Sends what is waiting; `leaving` lets the request outlive the page. */
  async flush(leaving = false): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const events = this.#waiting.splice(0, LARGEST_BATCH);
    if (!events.length) return;
    try {
      await this.#client.postEvents(this.#url, events, leaving);
    } catch (error) {
      if (error instanceof RequestProblem && error.status === 404) this.#active = false;
      else console.warn("gridkit-grid: interaction events were not delivered.", error);
    }
  }
}

/** Makes events of what the user asked to see: only changes, and only the page where scrolling stopped. */
export class QueryReports {
  readonly #log: Pick<InteractionLog, "add">;
  #filter: string | null = null;
  #sort = "";
  #page: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(log: Pick<InteractionLog, "add">) {
    this.#log = log;
  }

  /** The first query is the default of the grid, nobody's act: it is remembered, not reported. */
  queryAnswered({ filter, search = "", sort }: GridQuery, count: RowCount): void {
    const filterNow = JSON.stringify([filter ?? null, search]);
    const sortNow = JSON.stringify(sort);
    if (this.#filter !== null && filterNow !== this.#filter) {
      this.#log.add("filter:apply", { filter: filter ?? null, search, count: count.value });
    }
    if (this.#filter !== null && sortNow !== this.#sort) this.#log.add("sort:change", { sort });
    this.#filter = filterNow;
    this.#sort = sortNow;
  }

  pageShown(first: number, last: number): void {
    const page = `${first}-${last}`;
    if (page === this.#page) return;
    const isFirst = this.#page === null;
    this.#page = page;
    clearTimeout(this.#timer);
    if (isFirst) return;
    const window = { start: first, end: last + 1 };
    this.#timer = setTimeout(() => this.#log.add("page:change", { window }), PAGE_DELAY_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}

/**
 * Tells the server what the user did, in batches. Off unless the schema offers it.
 *
 * A server without the route (404) is asked once and never again; other failures lose the batch, because
 * these events are observations, not edits.
 */

import { type GridClient, RequestProblem } from "./client.ts";
import type { ColumnLayout, GridQuery, GridSchema, InteractionEvent, RowCount } from "./protocol.ts";

const DELAY_MS = 2000;
const SETTLE_MS = 800;
/** What the requests that outlive a page may hold together is 64 KiB (Fetch, 4.6). */
const LARGEST_FAREWELL = 60_000;

export class InteractionLog {
  readonly #client: GridClient;
  readonly #url: string | null;
  readonly #most: number;
  #active: boolean;
  #waiting: InteractionEvent[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(client: GridClient, schema: GridSchema) {
    this.#client = client;
    this.#url = schema.eventsUrl ?? null;
    this.#most = schema.limits?.events ?? 500;
    this.#active = Boolean(schema.eventsUrl ?? schema.limits?.events);
  }

  add(type: InteractionEvent["type"], payload: InteractionEvent["payload"]): void {
    if (!this.#active) return;
    this.#waiting.push({ type, payload });
    if (this.#waiting.length >= this.#most) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), DELAY_MS);
  }

  /** Sends what is waiting; `leaving` lets the request outlive the page. */
  async flush(leaving = false): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const events = leaving ? this.#farewell() : this.#waiting.splice(0, this.#most);
    if (!events.length) return;
    try {
      const verdicts = await this.#client.postEvents(this.#url, events, leaving);
      const refused = verdicts.filter((verdict) => !verdict.accepted);
      if (refused.length) console.warn("gridkit-grid: the server refused interaction events.", refused);
    } catch (error) {
      if (error instanceof RequestProblem && error.status === 404) this.#active = false;
      else console.warn("gridkit-grid: interaction events were not delivered.", error);
    }
  }

  /** The newest events, as many as a request may hold that outlives the page. */
  #farewell(): readonly InteractionEvent[] {
    const waiting = this.#waiting.splice(0).slice(-this.#most);
    let room = LARGEST_FAREWELL;
    const first = waiting.findLastIndex((event) => (room -= new Blob([JSON.stringify(event)]).size + 1) < 0);
    return waiting.slice(first + 1);
  }
}

/** A page that the user scrolled to and that was not told yet. */
interface PageVisit {
  readonly window: { kind: string; start: number; end: number };
  readonly since: number;
  hasSettled: boolean;
  ms?: number;
}

/** Makes events of what the user asked to see: only changes, and only the page where scrolling stopped. */
export class QueryReports {
  readonly #log: Pick<InteractionLog, "add">;
  #filter: string | null = null;
  #sort = "";
  #page: string | null = null;
  #visit: PageVisit | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(log: Pick<InteractionLog, "add">) {
    this.#log = log;
  }

  /** The first query is the default of the grid, nobody's act: it is remembered, not reported. */
  queryAnswered({ filter, search = "", sort }: GridQuery, count: RowCount, ms: number): void {
    const filterNow = JSON.stringify([filter ?? null, search]);
    const sortNow = JSON.stringify(sort);
    if (this.#filter !== null && filterNow !== this.#filter) {
      this.#log.add("filter:apply", { filter: filter ?? null, search, count: count.value, ms });
    }
    if (this.#filter !== null && sortNow !== this.#sort) this.#log.add("sort:change", { sort, ms });
    this.#filter = filterNow;
    this.#sort = sortNow;
  }

  /** A page is reported once scrolling has stopped there and its rows are in sight; `ms` is the wait for them. */
  pageShown(first: number, last: number, isComplete: boolean): void {
    const page = `${first}-${last}`;
    if (page !== this.#page) {
      clearTimeout(this.#timer);
      const window = { kind: "offset", start: first, end: last + 1 };
      this.#visit = this.#page === null ? null : { window, since: performance.now(), hasSettled: false };
      this.#page = page;
      if (this.#visit) this.#timer = setTimeout(() => this.#settle(), SETTLE_MS);
    }
    if (this.#visit && isComplete) {
      this.#visit.ms ??= Math.round(performance.now() - this.#visit.since);
      this.#tellPage();
    }
  }

  #settle(): void {
    if (this.#visit) this.#visit.hasSettled = true;
    this.#tellPage();
  }

  #tellPage(): void {
    if (!this.#visit?.hasSettled || this.#visit.ms === undefined) return;
    const { window, ms } = this.#visit;
    this.#log.add("page:change", { window, ms });
    this.#visit = null;
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}

/** Makes events of how the columns lie, once the user has let go of them. */
export class LayoutReports {
  readonly #log: Pick<InteractionLog, "add">;
  #told: readonly ColumnLayout[];
  #now: readonly ColumnLayout[];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(log: Pick<InteractionLog, "add">, layout: readonly ColumnLayout[]) {
    this.#log = log;
    this.#told = this.#now = layout;
  }

  changed(layout: readonly ColumnLayout[]): void {
    this.#now = layout;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.report(), SETTLE_MS);
  }

  /** Tells what differs from what was told last. */
  report(): void {
    clearTimeout(this.#timer);
    const before = new Map(this.#told.map((item) => [item.col, item]));
    for (const { col: column, hidden, width, pin: side = null } of this.#now) {
      const old = before.get(column);
      if (Boolean(old?.hidden) !== Boolean(hidden)) this.#log.add(hidden ? "column:hide" : "column:show", { column });
      if ((old?.pin ?? null) !== side) this.#log.add("column:pin", { column, side });
      if (width !== undefined && old?.width !== width) this.#log.add("column:resize", { column, width });
    }
    const order = this.#now.map((item) => item.col);
    for (const [column, index] of moves(this.#told.map((item) => item.col), order)) {
      this.#log.add("column:move", { column, index });
    }
    this.#told = this.#now;
  }
}

/** The moves, one after the other, that lead from one order of the same columns to another. */
function moves(from: readonly string[], to: readonly string[]): readonly (readonly [string, number])[] {
  const order = [...from];
  const found: [string, number][] = [];
  for (let at = order.findIndex((id, index) => id !== to[index]); at >= 0; ) {
    const forward = order[at + 1] === to[at];
    const column = (forward ? order[at] : to[at]) as string;
    const index = to.indexOf(column);
    order.splice(order.indexOf(column), 1);
    order.splice(index, 0, column);
    found.push([column, index]);
    at = order.findIndex((id, place) => id !== to[place]);
  }
  return found;
}

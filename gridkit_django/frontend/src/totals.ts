/** The figures over all rows that the filters leave: asked for beside the rows, so that these do not wait. */

import type { GridQuery, RowsRequest, RowsResponse, Value } from "./protocol.ts";

/** The name of the figure that counts the rows. */
const ROWS = "gridkit.rows";

export interface TotalsOptions {
  readonly fetchRows: (request: RowsRequest, signal: AbortSignal) => Promise<RowsResponse>;
  readonly changed: () => void;
}

export class Totals {
  readonly #options: TotalsOptions;
  #values: Readonly<Record<string, Value>> | null = null;
  #asked = "";
  #loading: AbortController | null = null;

  constructor(options: TotalsOptions) {
    this.#options = options;
  }

  /** The figures by name; null while there are none. */
  get values(): Readonly<Record<string, Value>> | null {
    return this.#values;
  }

  /** How many rows there are in all groups together; null when nobody counted, and while they are counted anew. */
  get rows(): number | null {
    const rows = this.#loading ? null : this.#values?.[ROWS];
    return typeof rows === "number" ? rows : null;
  }

  get isLoading(): boolean {
    return this.#loading !== null;
  }

  /** Asks for the totals of a query, unless they are those on show; `again` when rows have changed. */
  async open({ columns, filter, search, group, pivot, aggregates = [] }: GridQuery, again = false): Promise<void> {
    const isWanted = aggregates.length > 0 || Boolean(group?.length) || pivot !== undefined;
    const asked = isWanted ? JSON.stringify([filter, search, aggregates, pivot]) : "";
    if (asked === this.#asked && !again) return;
    this.#asked = asked;
    this.#loading?.abort();
    this.#loading = null;
    if (!isWanted) this.#values = null;
    else await this.#fetch({ columns, sort: [], ...(filter ? { filter } : {}), ...(search ? { search } : {}), ...(pivot ? { pivot } : {}), aggregates });
  }

  close(): void {
    this.#loading?.abort();
  }

  async #fetch(query: GridQuery): Promise<void> {
    const controller = new AbortController();
    this.#loading = controller;
    const aggregates = [...(query.aggregates ?? []), { fn: "count", as: ROWS }];
    const window = { kind: "offset", start: 0, end: 1 } as const;
    const columns = query.columns.slice(0, 1);
    const request: RowsRequest = { v: 1, ...query, columns, aggregates, window, count: "none", include: ["totals"] };
    try {
      const { totals, rows } = await this.#options.fetchRows(request, controller.signal);
      const across = query.pivot ? rows[0]?.d : {};
      if (!controller.signal.aborted) this.#values = totals ? { ...across, ...totals } : null;
    } catch (error) {
      if (controller.signal.aborted) return;
      this.#values = null;
      this.#asked = "";
      console.warn("gridkit-grid: the totals could not be computed.", error);
    } finally {
      if (this.#loading === controller) this.#loading = null;
      this.#options.changed();
    }
  }
}

/** Builders for tests: a schema, rows, and a server whose answers the test decides one by one. */

import type { ColumnSchema, GridSchema, RowRecord, RowsRequest, RowsResponse } from "../src/protocol.ts";

export function column(id: string, more: Partial<ColumnSchema> = {}): ColumnSchema {
  return {
    id,
    label: id.toUpperCase(),
    type: "text",
    nullable: true,
    sortable: true,
    filterable: true,
    ...more,
  };
}

export function schema(more: Partial<GridSchema> = {}): GridSchema {
  const columns = [column("carrier"), column("delay", { type: "integer" }), column("note")];
  return { v: 1, id: "flights", label: "Flights", columns, timeZone: "America/New_York", ...more };
}

export function row(id: number, d: Record<string, unknown> = {}): RowRecord {
  return { id, v: `v${id}`, d: { carrier: "UA", ...d } };
}

export interface Pending {
  readonly request: RowsRequest;
  readonly signal: AbortSignal;
  answer(response: RowsResponse): Promise<void>;
  fail(error: unknown): Promise<void>;
}

/** A rows endpoint that waits until the test answers. */
export class SlowServer {
  readonly pending: Pending[] = [];

  readonly fetchRows = (request: RowsRequest, signal: AbortSignal): Promise<RowsResponse> =>
    new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
      this.pending.push({
        request,
        signal,
        answer: async (response) => {
          resolve(response);
          await settled();
        },
        fail: async (error) => {
          reject(error);
          await settled();
        },
      });
    });

  get last(): Pending {
    const pending = this.pending.at(-1);
    if (!pending) throw new Error("No request was sent.");
    return pending;
  }
}

/** Lets every promise that can go on do so. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** An answer with rows start..start+size of a set of `total` rows. */
export function page(
  start: number,
  size: number,
  total: number,
  count?: RowsResponse["count"],
): RowsResponse {
  const length = Math.max(0, Math.min(size, total - start));
  const hasNext = start + length < total;
  return {
    rows: Array.from({ length }, (_, step) => row(start + step + 1)),
    window: { start, hasNext, next: hasNext ? `after-${start + length}` : null, prev: null },
    ...(count ? { count } : {}),
  };
}

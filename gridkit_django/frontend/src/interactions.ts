/**
 * Tells the server what the user did, in batches. Off unless the schema offers it.
 *
 * A server without the route (404) is asked once and never again; other failures lose the batch, because
 * these events are observations, not edits.
 */

import { type GridClient, RequestProblem } from "./client.ts";
import type { GridSchema, InteractionEvent } from "./protocol.ts";

const DELAY_MS = 2000;
const LARGEST_BATCH = 500;

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

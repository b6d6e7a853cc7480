/** Keeps the state that the user leaves the grid in: read at the start, saved a moment after each change. */

import { type GridClient, RequestProblem } from "./client.ts";
import type { ViewState } from "./protocol.ts";
import type { Change, GridState } from "./state.ts";

const DELAY_MS = 800;

/** The state that the user left behind; null when there is none, or the server does not tell. */
export async function leftState(client: GridClient, signal: AbortSignal): Promise<ViewState | null> {
  try {
    return (await client.lastState(signal)).state;
  } catch (error) {
    if (!(error instanceof RequestProblem)) throw error;
    if (error.status !== 404) console.warn("gridkit-grid: the state you left could not be read.", error);
    return null;
  }
}

/** Saves the state in order, one request at a time: the newest is the last to arrive. */
export class StateMemory {
  readonly #client: GridClient;
  readonly #state: GridState;
  #kept: string;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #sending = false;
  #active = true;

  constructor(client: GridClient, state: GridState) {
    this.#client = client;
    this.#state = state;
    this.#kept = JSON.stringify(state.saved);
  }

  /** A selection is not kept; everything else is, once the user pauses. */
  changed(change: Change): void {
    if (change === "selection" || !this.#active) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.save(), DELAY_MS);
  }

  /** Saves what is not saved yet; `leaving` lets the request outlive the page. */
  async save(leaving = false): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const text = JSON.stringify(this.#state.saved);
    if (text === this.#kept || !this.#active) return;
    if (this.#sending && !leaving) return this.changed("layout");
    this.#sending = true;
    this.#kept = text;
    try {
      await this.#client.keepState(this.#state.saved, leaving);
    } catch (error) {
      this.#kept = "";
      if (error instanceof RequestProblem && error.status === 404) this.#active = false;
      else console.warn("gridkit-grid: the state of the grid was not saved.", error);
    } finally {
      this.#sending = false;
    }
  }
}

/** A list of values to choose from that comes page by page from the server, with a search of its own. */

import type { Value } from "./protocol.ts";

const SEARCH_DELAY_MS = 250;

export interface Option {
  readonly value: Value;
  readonly label: string | null;
  /** How many rows have the value, where that is counted. */
  readonly count?: number;
}

export interface OptionsPage {
  readonly options: readonly Option[];
  readonly next: string | null;
}

export interface OptionListSettings {
  readonly fetchPage: (search: string, after: string | null, signal: AbortSignal) => Promise<OptionsPage>;
  readonly changed: () => void;
}

/** Two values are the same when their JSON is. */
export const optionKey = (value: Value): string => JSON.stringify(value ?? null);

export class OptionList {
  readonly #settings: OptionListSettings;
  #options: readonly Option[] = [];
  #next: string | null = null;
  #search = "";
  #error: unknown = null;
  #loading: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(settings: OptionListSettings) {
    this.#settings = settings;
  }

  get options(): readonly Option[] {
    return this.#options;
  }

  get search(): string {
    return this.#search;
  }

  get hasMore(): boolean {
    return this.#next !== null;
  }

  get isLoading(): boolean {
    return this.#loading !== null;
  }

  get error(): unknown {
    return this.#error;
  }

  /** Asks for the first page of the search as it is now. */
  async load(): Promise<void> {
    await this.#fetch(null);
  }

  /** Asks for the page after the last one. */
  async more(): Promise<void> {
    if (this.#next !== null && !this.#loading) await this.#fetch(this.#next);
  }

  /** Searches once the user has paused typing. */
  searchFor(text: string): void {
    this.#search = text;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.load(), SEARCH_DELAY_MS);
    this.#settings.changed();
  }

  /** Stops what is under way; nobody looks at the list any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#loading?.abort();
  }

  async #fetch(after: string | null): Promise<void> {
    this.#loading?.abort();
    const controller = new AbortController();
    this.#loading = controller;
    this.#error = null;
    this.#settings.changed();
    try {
      const page = await this.#settings.fetchPage(this.#search.trim(), after, controller.signal);
      if (controller.signal.aborted) return;
      this.#options = after === null ? page.options : [...this.#options, ...page.options];
      this.#next = page.next;
    } catch (error) {
      if (!controller.signal.aborted) this.#error = error;
    } finally {
      if (this.#loading === controller) this.#loading = null;
      if (!controller.signal.aborted) this.#settings.changed();
    }
  }
}

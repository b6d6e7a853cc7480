/** Values to choose from, for columns whose values are rows of another grid: one list for each column. */

import type { GridClient } from "./client.ts";
import { OptionList } from "./options.ts";
import type { ColumnSchema } from "./protocol.ts";

export class Lookups {
  readonly #client: GridClient;
  readonly #changed: () => void;
  readonly #lists = new Map<string, OptionList>();

  constructor(client: GridClient, changed: () => void) {
    this.#client = client;
    this.#changed = changed;
  }

  /** The list of a column; null for a column whose values are its own. */
  of(column: ColumnSchema): OptionList | null {
    if (!column.lookup) return null;
    let list = this.#lists.get(column.id);
    if (!list) {
      list = new OptionList({
        fetchPage: (q, after, signal) => this.#client.lookup(column.id, { ...(q ? { q } : {}), after }, signal),
        changed: this.#changed,
      });
      this.#lists.set(column.id, list);
      void list.load();
    }
    return list;
  }

  /** What the user typed, or the value whose label it is. */
  resolve(column: ColumnSchema, draft: string): string {
    const text = draft.trim().toLowerCase();
    const found = this.#lists.get(column.id)?.options.find((option) => option.label?.toLowerCase() === text);
    return found ? String(found.value) : draft;
  }

  /** The words for a value, when its option is here. */
  label(column: ColumnSchema, draft: string): string | null {
    return this.#lists.get(column.id)?.options.find((option) => String(option.value) === draft)?.label ?? null;
  }

  close(): void {
    for (const list of this.#lists.values()) list.close();
  }
}

/** Values to choose from, for columns whose values are rows of another grid: one list for each column. */

import type { GridClient } from "./client.ts";
import { type Option, OptionList } from "./options.ts";
import type { ColumnSchema } from "./protocol.ts";

export class Lookups {
  readonly #client: GridClient;
  readonly #changed: () => void;
  readonly #lists = new Map<string, OptionList>();
  readonly #chosen = new Map<string, string>();

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

  /** The words for a value, when its option is here or was chosen. */
  label(column: ColumnSchema, value: unknown): string | null {
    const key = `${column.id} ${value}`;
    const found = this.#lists.get(column.id)?.options.find((option) => String(option.value) === String(value));
    return found?.label ?? this.#chosen.get(key) ?? null;
  }

  /** Keeps the words for values that were chosen, though the list may go on to others. */
  remember(column: ColumnSchema, options: Iterable<Option>): void {
    if (!column.lookup) return;
    for (const { value, label } of options) if (label !== null) this.#chosen.set(`${column.id} ${value}`, label);
  }

  close(): void {
    for (const list of this.#lists.values()) list.close();
  }
}

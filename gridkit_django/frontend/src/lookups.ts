/** Columns whose values are rows of another grid: what people read for their keys, and a list to choose from. */

import type { GridClient } from "./client.ts";
import { type Option, OptionList } from "./options.ts";
import type { ColumnSchema, RowsResponse } from "./protocol.ts";

export class Lookups {
  readonly #client: GridClient;
  readonly #changed: () => void;
  readonly #lists = new Map<string, OptionList>();
  readonly #labels = new Map<string, string>();

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
    if (!column.lookup) return draft;
    const text = draft.trim().toLowerCase();
    const found = this.#lists.get(column.id)?.options.find((option) => option.label?.toLowerCase() === text);
    return found ? String(found.value) : draft;
  }

  /** The words for a value, when they have come with rows or with an option. */
  label(column: ColumnSchema, value: unknown): string | null {
    if (!column.lookup || value === null || value === undefined) return null;
    const found = this.#lists.get(column.id)?.options.find((option) => String(option.value) === String(value));
    return found?.label ?? this.#labels.get(`${column.id} ${value}`) ?? null;
  }

  /** Keeps the words for values of a column: those that were chosen, though the list may go on to others. */
  remember(column: ColumnSchema, options: Iterable<Option>): void {
    if (column.lookup) this.#keep(column.id, options);
  }

  /** Keeps the words that came with an answer. */
  learn(labels: RowsResponse["labels"]): void {
    for (const [id, options] of Object.entries(labels ?? {})) this.#keep(id, options);
  }

  #keep(id: string, options: Iterable<Option>): void {
    for (const { value, label } of options) if (label !== null) this.#labels.set(`${id} ${value}`, label);
  }

  close(): void {
    for (const list of this.#lists.values()) list.close();
  }
}

/** Which rows are selected: some by their ids, or all that match but some. */

export type RowId = string | number;

export class RowSelection {
  #ids: ReadonlyMap<string, RowId> = new Map();
  #isAll = false;

  /** True when every row that matches is selected, but those of `ids`. */
  get isAll(): boolean {
    return this.#isAll;
  }

  /** The selected rows, or with `isAll` those that are left out. */
  get ids(): readonly RowId[] {
    return [...this.#ids.values()];
  }

  has(id: RowId): boolean {
    return this.#ids.has(String(id)) !== this.#isAll;
  }

  /** How many rows are selected of so many that match; null when that number is not known. */
  size(matching: number | null): number | null {
    if (!this.#isAll) return this.#ids.size;
    return matching === null ? null : Math.max(0, matching - this.#ids.size);
  }

  get isEmpty(): boolean {
    return !this.#isAll && this.#ids.size === 0;
  }

  select(ids: readonly RowId[], on: boolean): void {
    const next = new Map(this.#ids);
    for (const id of ids) {
      if (on !== this.#isAll) next.set(String(id), id);
      else next.delete(String(id));
    }
    this.#ids = next;
  }

  selectAll(): void {
    this.#ids = new Map();
    this.#isAll = true;
  }

  clear(): void {
    this.#ids = new Map();
    this.#isAll = false;
  }
}

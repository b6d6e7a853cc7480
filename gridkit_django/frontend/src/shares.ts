/** How large the figures of the groups on show are beside the largest of their kind: the bars in their cells. */

import type { Grid } from "./grid.ts";
import type { ColumnSchema, RowRecord, Value } from "./protocol.ts";

export class Shares {
  readonly #grid: Grid;
  #largest: ReadonlyMap<string, number> = new Map();

  constructor(grid: Grid) {
    this.#grid = grid;
  }

  /** Looks at the groups that are here; to be called before they are drawn. */
  measure(): void {
    const largest = new Map<string, number>();
    const { columns, windows } = this.#grid;
    if (windows.isGrouped)
      for (const { g, d } of windows.groups())
        for (const column of columns) {
          const value = Math.abs(this.#number(column, d));
          const kind = this.#kind(column, g?.level ?? 0);
          if (value > (largest.get(kind) ?? 0)) largest.set(kind, value);
        }
    this.#largest = largest;
  }

  /** What the bars depend on beside the values themselves. */
  get key(): string {
    return [...this.#largest.values()].join();
  }

  /** Between -1 and 1, beside the largest figure of the same kind and level; null for what is no number. */
  of(column: ColumnSchema, { g, d }: RowRecord): number | null {
    const largest = this.#largest.get(this.#kind(column, g?.level ?? 0));
    const value = this.#number(column, d);
    return largest && !Number.isNaN(value) ? value / largest : null;
  }

  /** Figures of one function over one column are compared with each other, whatever a pivot stands them below. */
  #kind({ id }: ColumnSchema, level: number): string {
    const made = this.#grid.made.get(id);
    return `${level} ${made ? `${made.fn} ${made.source?.id ?? ""}` : id}`;
  }

  #number({ id }: ColumnSchema, figures: Readonly<Record<string, Value>>): number {
    const { made, state } = this.#grid;
    const fn = state.figures.get(id);
    const value = made.get(id) ? figures[id] : fn ? figures[`${fn}_${id}`] : undefined;
    return value === null || value === undefined ? Number.NaN : Number(value);
  }
}

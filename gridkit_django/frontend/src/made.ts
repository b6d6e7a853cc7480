/** The columns that the pivot on show made, kept as long as its answer is on show. */

import type { Grid } from "./grid.ts";
import { type MadeColumn, madeColumns, type PivotWords } from "./pivot.ts";
import type { PivotField } from "./protocol.ts";
import { figureLabel } from "./texts.ts";
import { keyText } from "./views/groups.ts";

export class MadeColumns {
  readonly #grid: Grid;
  readonly #words: PivotWords;
  #fields: readonly PivotField[] | null = null;
  #columns: readonly MadeColumn[] = [];
  #byId: ReadonlyMap<string, MadeColumn> = new Map();

  constructor(grid: Grid) {
    this.#grid = grid;
    this.#words = {
      column: (id) => grid.state.column(id),
      keyText: (term, key, label) => keyText(grid, term, key, label) || grid.t("valueNone"),
      figureText: (fn, source) =>
        source ? grid.t("figureOf", { figure: figureLabel(fn, grid.t), column: source.label }) : grid.t("figureRows"),
    };
  }

  /** The columns in their order; none without a pivot. */
  get columns(): readonly MadeColumn[] {
    const { pivotFields, shownQuery } = this.#grid.windows;
    if (this.#fields !== pivotFields) {
      this.#fields = pivotFields;
      this.#columns = pivotFields && shownQuery ? madeColumns(pivotFields, shownQuery, this.#words) : [];
      this.#byId = new Map(this.#columns.map((item) => [item.column.id, item]));
    }
    return this.#columns;
  }

  get(id: string): MadeColumn | undefined {
    return this.#byId.get(id);
  }
}

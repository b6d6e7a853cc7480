/** Editing cells on the page: where the focus goes, and what happens afterwards. */

import type { Grid } from "./grid.ts";
import type { ColumnSchema } from "./protocol.ts";

/** How far the focus goes on from an edited cell; null when it has gone elsewhere by itself. */
type Move = { readonly rows: number; readonly cols: number } | null;

const STAY: Move = { rows: 0, cols: 0 };

/** Whether what is typed may stand in the input as it is; days and choices have inputs of their own. */
const takesText = ({ type, choices }: ColumnSchema): boolean =>
  !choices?.length && !["boolean", "date", "datetime", "time"].includes(type);

export class CellEdits {
  readonly #grid: Grid;

  constructor(grid: Grid) {
    this.#grid = grid;
  }

  /** Opens the editor of a cell, when it may be edited; with what was typed in the place of its value. */
  start(index: number, column: ColumnSchema, typed: string | null = null): void {
    const grid = this.#grid;
    const row = grid.windows.row(index);
    if (!row || row.g || !grid.canEdit(column) || grid.editor.current?.state === "saving") return;
    grid.editor.open(row, column, takesText(column) ? typed : null);
    grid.renderNow();
    const input = grid.root.querySelector<HTMLInputElement>(".gridkit-editor");
    input?.focus();
    if (input instanceof HTMLInputElement && typed === null) input.select();
  }

  /** Saves the cell; when that worked the focus goes back to the grid, `move` cells further. */
  async commit(move: Move): Promise<void> {
    this.#after(await this.#grid.editor.commit(), move);
  }

  async useMine(): Promise<void> {
    this.#after(await this.#grid.editor.useMine(), STAY);
  }

  keepTheirs(): void {
    this.#grid.editor.keepTheirs();
    this.#after(true, STAY);
  }

  cancel(): void {
    this.#grid.editor.cancel();
    this.#after(true, STAY);
  }

  #after(done: boolean, move: Move): void {
    const { root, editor, focus, columns, windows } = this.#grid;
    this.#grid.renderNow();
    if (!done) {
      const problem =
        root.querySelector<HTMLElement>(".gridkit-note button") ?? root.querySelector<HTMLElement>(".gridkit-editor");
      if (move || editor.current?.state === "open") problem?.focus();
      return;
    }
    if (!move) return;
    const { row, col } = focus.active;
    focus.moveTo({
      row: Math.min(windows.length - 1, row + move.rows),
      col: Math.min(columns.length, Math.max(1, col + move.cols)),
    });
  }
}

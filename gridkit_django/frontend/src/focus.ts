/** Roving focus: exactly one cell of the grid is in the tab order, the arrow keys move it. */

import { nextPlace, type Place } from "./keyboard.ts";

export interface RovingFocusOptions {
  readonly root: HTMLElement;
  readonly extent: () => { readonly rows: number; readonly cols: number; readonly page: number };
  readonly isRtl: () => boolean;
  /** Brings a row into view. */
  readonly reveal: (row: number) => void;
  readonly renderNow: () => void;
  readonly changed: () => void;
}

export class RovingFocus {
  readonly #options: RovingFocusOptions;
  #active: Place = { row: -1, col: 1 };

  constructor(options: RovingFocusOptions) {
    this.#options = options;
  }

  /** The cell in the tab order, kept inside the grid as it is now. */
  get active(): Place {
    const { rows, cols } = this.#options.extent();
    return { row: Math.min(this.#active.row, rows - 1), col: Math.min(this.#active.col, cols - 1) };
  }

  isActive(row: number, col: number): boolean {
    const active = this.active;
    return active.row === row && active.col === col;
  }

  /** Follows the browser's focus: a click or a script focused a cell. */
  focused(event: FocusEvent): void {
    const place = placeOf(event.target);
    if (!place || this.isActive(place.row, place.col)) return;
    this.#active = place;
    this.#options.changed();
  }

  /** Handles a key that moves the focus; false when it is none. */
  moveBy(event: KeyboardEvent): boolean {
    if (event.altKey || event.shiftKey) return false;
    const extent = { ...this.#options.extent(), isRtl: this.#options.isRtl() };
    const to = nextPlace(this.active, { key: event.key, ctrl: event.ctrlKey || event.metaKey }, extent);
    if (!to) return false;
    event.preventDefault();
    this.moveTo(to);
    return true;
  }

  moveTo(place: Place): void {
    this.#active = place;
    if (place.row >= 0) this.#options.reveal(place.row);
    this.#options.renderNow();
    const cell = this.element(place);
    cell?.focus({ preventScroll: true });
    cell?.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (place.col === 0) cell?.closest(".gridkit-viewport")?.scrollTo({ left: 0 });
  }

  /** Stays with a cell whose row has come to stand elsewhere; takes the browser's focus along where it was there. */
  follow(place: Place, hasFocus: boolean): void {
    this.#active = place;
    this.#options.renderNow();
    if (hasFocus) this.restore();
  }

  /** Gives the focus back to the active cell, for example after an edit. */
  restore(): void {
    this.element(this.active)?.focus({ preventScroll: true });
  }

  element(place: Place): HTMLElement | null {
    return this.#options.root.querySelector<HTMLElement>(
      `[data-row="${place.row}"][data-col="${place.col}"]`,
    );
  }
}

/** The place of the cell that an event came from. */
export function placeOf(target: EventTarget | null): Place | null {
  const cell = target instanceof Element ? target.closest<HTMLElement>("[data-row]") : null;
  if (!cell) return null;
  return { row: Number(cell.dataset["row"]), col: Number(cell.dataset["col"]) };
}

/**
 * Keeps the rows on show as they are on the server: others change them, too.
 *
 * Asks again when somebody comes back to the page, and while it is in sight in steps that grow as long as nothing
 * changes. It waits while somebody writes or has a menu open, so that nothing moves under their hands. Groups are
 * asked for again only when somebody wants it, because they would have to be closed for it.
 */

import type { Grid } from "./grid.ts";
import type { RowRecord } from "./protocol.ts";

const LONGEST_STEPS = 8;
const JUST_NOW_MS = 2000;
const SHOWN_MS = 3000;

/** A row that is other than before; `old` is undefined for one that was not here. */
export interface RowChange {
  readonly old: RowRecord | undefined;
  readonly row: RowRecord;
}

export class Freshness {
  readonly #grid: Grid;
  readonly #stepMs: number;
  #steps = 1;
  #askedAt = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #fresh: ReadonlyMap<string | number, ReadonlySet<string>> = new Map();
  #shown: ReturnType<typeof setTimeout> | undefined;

  /** @param seconds the shortest time between two looks; 0 to look only when somebody asks for it. */
  constructor(grid: Grid, seconds: number) {
    this.#grid = grid;
    this.#stepMs = seconds * 1000;
  }

  /** Begins to look, until the signal says that the element left the page. */
  start(signal: AbortSignal): void {
    signal.addEventListener("abort", () => this.#stop());
    if (!this.#stepMs) return;
    const back = (): void => this.#cameBack();
    document.addEventListener("visibilitychange", back, { signal });
    window.addEventListener("focus", back, { signal });
    window.addEventListener("online", back, { signal });
    this.#later();
  }

  /** The columns of a row whose values have just changed elsewhere. */
  changedIn(row: RowRecord | undefined): ReadonlySet<string> | undefined {
    return row && this.#fresh.get(row.id);
  }

  /** Asks for the rows again because somebody wants it, and says what came of it. */
  async ask(): Promise<void> {
    const { windows, totals, state, t } = this.#grid;
    if (windows.error !== null) return this.#grid.retry();
    if (windows.isGrouped) return this.#grid.reload();
    const changes = await this.#look();
    void windows.recount();
    void totals.open(state.query, true);
    if (windows.error === null) this.#grid.announce(t(changes?.length ? "refreshedChanged" : "refreshed"));
  }

  #cameBack(): void {
    if (document.hidden) return;
    this.#steps = 1;
    if (this.#grid.windows.error !== null) this.#grid.retry();
    else if (performance.now() - this.#askedAt > JUST_NOW_MS) void this.#tick();
  }

  #later(): void {
    clearTimeout(this.#timer);
    if (this.#stepMs) this.#timer = setTimeout(() => void this.#tick(), this.#stepMs * this.#steps);
  }

  async #tick(): Promise<void> {
    const changes = document.hidden || this.#isBusy ? null : await this.#look();
    if (changes) this.#steps = changes.length ? 1 : Math.min(LONGEST_STEPS, this.#steps * 2);
    this.#later();
  }

  get #isBusy(): boolean {
    const { editor, changes, popovers, drag } = this.#grid;
    return Boolean(editor.current || changes.task || popovers.open || drag.drop);
  }

  async #look(): Promise<readonly RowChange[] | null> {
    const { windows, scroller, totals, state } = this.#grid;
    const range = scroller.visibleRange() ?? [0, 0];
    this.#askedAt = performance.now();
    const keepPlace = this.#place(range[0]);
    const changes = await windows.refresh(...range);
    if (!changes?.length) return changes;
    keepPlace();
    this.#show(changes);
    void totals.open(state.query, true);
    return changes;
  }

  /** Notes which rows are first in view and under the focus; the result brings them back there when they have moved. */
  #place(first: number): () => void {
    const { windows, scroller, focus, root } = this.#grid;
    const [top, active] = [windows.row(first)?.id, windows.row(focus.active.row)?.id];
    return () => {
      const moved = (top === undefined ? -1 : windows.indexOf(top)) - first;
      if (first > 0 && moved >= -first) scroller.scrollBy(moved);
      const at = active === undefined ? -1 : windows.indexOf(active);
      if (at < 0 || at === focus.active.row) return;
      focus.follow({ row: at, col: focus.active.col }, root.contains(document.activeElement));
    };
  }

  /** Marks the cells that changed for a moment. */
  #show(changes: readonly RowChange[]): void {
    clearTimeout(this.#shown);
    this.#fresh = new Map(changes.map(({ old, row }) => [row.id, changedColumns(old, row)]));
    this.#shown = setTimeout(() => {
      this.#fresh = new Map();
      this.#grid.requestRender();
    }, SHOWN_MS);
    this.#grid.requestRender();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#shown);
  }
}

function changedColumns(old: RowRecord | undefined, row: RowRecord): ReadonlySet<string> {
  const columns = Object.keys(row.d);
  return new Set(old ? columns.filter((id) => JSON.stringify(old.d[id]) !== JSON.stringify(row.d[id])) : columns);
}

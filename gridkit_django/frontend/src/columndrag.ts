/** Column headers under the pointer: drag the edge to resize, drag the label to reorder. */

import type { GridState } from "./state.ts";

const DRAG_THRESHOLD = 6;

export interface ColumnDragOptions {
  readonly state: GridState;
  readonly isRtl: () => boolean;
  readonly changed: () => void;
  /** Called when a drag moved a column. */
  readonly moved: (column: string) => void;
}

/** Where a dragged column would land. */
export interface DropMark {
  readonly dragged: string;
  readonly target: string;
}

export class ColumnDrag {
  readonly #options: ColumnDragOptions;
  #drop: DropMark | null = null;
  #suppressClick = false;

  constructor(options: ColumnDragOptions) {
    this.#options = options;
  }

  get drop(): DropMark | null {
    return this.#drop;
  }

  /** True once after a drag: the click that ends it must not sort. */
  takeSuppressedClick(): boolean {
    const suppressed = this.#suppressClick;
    this.#suppressClick = false;
    return suppressed;
  }

  startResize(event: PointerEvent, column: string): void {
    event.preventDefault();
    event.stopPropagation();
    const { state, isRtl } = this.#options;
    const from = state.width(column);
    const startX = event.clientX;
    const sign = isRtl() ? -1 : 1;
    follow(event, {
      move: (moved) => state.setWidth(column, from + sign * (moved.clientX - startX)),
      end: () => undefined,
      cancel: () => state.setWidth(column, from),
    });
  }

  /** Touch scrolls; only mouse and pen drag. Touch users have the columns menu. */
  startReorder(event: PointerEvent, column: string): void {
    if (event.button !== 0 || event.pointerType === "touch") return;
    const startX = event.clientX;
    let isDragging = false;
    follow(event, {
      move: (moved) => {
        isDragging ||= Math.abs(moved.clientX - startX) > DRAG_THRESHOLD;
        if (isDragging) this.#over(column, moved);
      },
      end: () => this.#finish(isDragging),
      cancel: () => this.#clear(),
    });
  }

  #over(dragged: string, event: PointerEvent): void {
    const header = document
      .elementFromPoint(event.clientX, event.clientY)
      ?.closest<HTMLElement>("[data-header]");
    const target = header?.dataset["header"] ?? dragged;
    if (this.#drop?.target === target) return;
    this.#drop = { dragged, target };
    this.#options.changed();
  }

  #finish(wasDragging: boolean): void {
    const drop = this.#drop;
    this.#suppressClick = wasDragging;
    this.#clear();
    setTimeout(() => {
      this.#suppressClick = false;
    });
    if (!drop || drop.dragged === drop.target) return;
    this.#options.state.moveColumn(drop.dragged, drop.target);
    this.#options.moved(drop.dragged);
  }

  #clear(): void {
    if (!this.#drop) return;
    this.#drop = null;
    this.#options.changed();
  }
}

interface PointerSteps {
  readonly move: (event: PointerEvent) => void;
  readonly end: () => void;
  readonly cancel: () => void;
}

/** Follows one pointer until it is released; Escape and a lost pointer cancel. */
function follow(start: PointerEvent, steps: PointerSteps): void {
  const controller = new AbortController();
  const options = { signal: controller.signal, capture: true };
  const stop = (finish: () => void): void => {
    controller.abort();
    finish();
  };
  const isOurs = (event: PointerEvent): boolean => event.pointerId === start.pointerId;
  document.addEventListener("pointermove", (event) => isOurs(event) && steps.move(event), options);
  document.addEventListener("pointerup", (event) => isOurs(event) && stop(steps.end), options);
  document.addEventListener("pointercancel", (event) => isOurs(event) && stop(steps.cancel), options);
  document.addEventListener("keydown", (event) => event.key === "Escape" && stop(steps.cancel), options);
}

/** Columns that stay in sight at a side: where each one sticks, and how the row is laid out around them. */

import type { Grid } from "../grid.ts";
import type { ColumnSchema } from "../protocol.ts";
import { GROUPS } from "../state.ts";

const SELECTION_WIDTH = 40;
/** In a window that the pinned columns would fill they scroll with the others. */
const LARGEST_SHARE = 0.65;

export interface PinPlan {
  /** The widths of a row's columns; what is left over lies before those at the far side. */
  readonly template: string;
  readonly total: number;
  /** Pixels that pinned columns cover at each side. */
  readonly start: number;
  readonly end: number;
  /** Class names of a cell; empty for a column that is not pinned. */
  readonly names: (id: string) => string;
  /** Where a cell sticks. */
  readonly style: (id: string) => string;
  /** Changes when a cell's place does. */
  readonly key: string;
}

type Widths = readonly (readonly [string, number])[];

export function pinPlan(grid: Grid, columns: readonly ColumnSchema[], widthOf: (id: string) => number): PinPlan {
  const { state, root } = grid;
  const widths = columns.map(({ id }) => [id, widthOf(id)] as const);
  const far = widths.filter(([id]) => state.pin(id) === "right");
  const near = widths.filter(([id]) => state.pin(id) === "left");
  const groups = widths.filter(([id]) => id === GROUPS);
  const fits = SELECTION_WIDTH + sum(near) + sum(groups) + sum(far) <= root.clientWidth * LARGEST_SHARE;
  const starts = fits ? offsets([...groups, ...near], SELECTION_WIDTH) : new Map<string, number>();
  const ends = fits ? offsets([...far].reverse(), 0) : new Map<string, number>();
  const styles = new Map([...starts].map(([id, px]) => [id, `inset-inline-start: ${px}px`]));
  const first = widths.length - far.length;
  for (const [index, [id]] of far.entries())
    styles.set(id, `grid-column: ${first + index + 3}; inset-inline-end: ${ends.get(id) ?? 0}px`);
  const edges = new Set([[...starts.keys()].at(-1), [...ends.keys()].at(-1)]);
  const tracks = (some: Widths): string => some.map(([, width]) => `${width}px`).join(" ");
  return {
    template: `${tracks(widths.slice(0, first))} 1fr ${tracks(far)}`,
    total: sum(widths),
    start: sum(starts.size ? [...groups, ...near] : []),
    end: sum(ends.size ? far : []),
    names: (id) => {
      const side = starts.has(id) ? "start" : ends.has(id) ? "end" : "";
      return side && `is-pinned is-${side}${edges.has(id) ? " is-edge" : ""}`;
    },
    style: (id) => styles.get(id) ?? "",
    key: [...styles].join(),
  };
}

function sum(widths: Widths): number {
  return widths.reduce((total, [, width]) => total + width, 0);
}

/** How far from its side each of these columns sticks. */
function offsets(widths: Widths, from: number): ReadonlyMap<string, number> {
  let at = from;
  return new Map(widths.map(([id, width]) => [id, (at += width) - width]));
}

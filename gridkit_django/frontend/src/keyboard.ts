/** Where the arrow keys lead: the grid pattern of the WAI-ARIA Authoring Practices. */

/** A place in the grid; row -1 is the header, column 0 the selection column. */
export interface Place {
  readonly row: number;
  readonly col: number;
}

export interface GridExtent {
  readonly rows: number;
  readonly cols: number;
  /** Rows that one Page Up or Page Down moves. */
  readonly page: number;
  readonly isRtl: boolean;
}

export interface KeyStroke {
  readonly key: string;
  readonly ctrl: boolean;
}

/** The place a key leads to; null when the key does not move the focus. */
export function nextPlace(from: Place, { key, ctrl }: KeyStroke, extent: GridExtent): Place | null {
  const to = target(from, key, ctrl, extent);
  if (!to) return null;
  return {
    row: Math.min(extent.rows - 1, Math.max(-1, to.row)),
    col: Math.min(extent.cols - 1, Math.max(0, to.col)),
  };
}

function target({ row, col }: Place, key: string, ctrl: boolean, extent: GridExtent): Place | null {
  const forward = extent.isRtl ? -1 : 1;
  const last = extent.cols - 1;
  switch (key) {
    case "ArrowRight":
      return { row, col: ctrl ? (forward > 0 ? last : 0) : col + forward };
    case "ArrowLeft":
      return { row, col: ctrl ? (forward > 0 ? 0 : last) : col - forward };
    case "ArrowDown":
      return { row: ctrl ? extent.rows - 1 : row + 1, col };
    case "ArrowUp":
      return { row: ctrl ? 0 : row - 1, col };
    case "PageDown":
      return { row: Math.max(0, row) + extent.page, col };
    case "PageUp":
      return { row: Math.max(0, row - extent.page), col };
    case "Home":
      return ctrl ? { row: 0, col: 0 } : { row, col: 0 };
    case "End":
      return ctrl ? { row: extent.rows - 1, col: last } : { row, col: last };
    default:
      return null;
  }
}

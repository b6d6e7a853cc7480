/**
 * Which rows are in view, for up to millions of rows of one height.
 *
 * Browsers stop growing an element somewhere between 17 and 33 million pixels. Above MAX_PIXELS the body
 * stays that tall and the scroll position stands for a proportion of the rows, so that the last row can
 * still be reached.
 */

const MAX_PIXELS = 15_000_000;
const OVERSCAN = 6;
const SLIVER = 0.25;

export interface PlacedRow {
  readonly index: number;
  /** Pixels from the top of the body. */
  readonly top: number;
}

export interface RowScrollerOptions {
  readonly rowHeight: number;
  readonly headerHeight: number;
  readonly changed: () => void;
}

export class RowScroller {
  readonly rowHeight: number;
  readonly #options: RowScrollerOptions;
  #following: AbortController | null = null;
  #element: HTMLElement | null = null;
  #count = 0;
  /** The rows that were in view when it was last told. */
  #told = "";

  constructor(options: RowScrollerOptions) {
    this.#options = options;
    this.rowHeight = options.rowHeight;
  }

  /** Starts to follow a scroll container. */
  attach(element: HTMLElement): void {
    if (this.#element === element) return;
    this.detach();
    this.#element = element;
    this.#following = new AbortController();
    const { signal } = this.#following;
    element.addEventListener("scroll", () => this.#tell(), { passive: true, signal });
    const sizes = new ResizeObserver(() => this.#tell());
    sizes.observe(element);
    signal.addEventListener("abort", () => sizes.disconnect());
  }

  detach(): void {
    this.#following?.abort();
    this.#following = null;
    this.#element = null;
  }

  setCount(count: number): void {
    this.#count = count;
  }

  /** Height of the body in pixels. */
  get height(): number {
    return Math.min(this.#count * this.rowHeight, MAX_PIXELS);
  }

  /** Rows to draw: those in view, some around them, and the ones named in `keep`. */
  place(keep: readonly number[]): PlacedRow[] {
    const indexes = new Set(keep);
    const [first, last] = this.visibleRange() ?? [0, -1];
    for (let index = first - OVERSCAN; index <= last + OVERSCAN && last >= 0; index++) indexes.add(index);
    const shift = this.#shift();
    return [...indexes]
      .filter((index) => index >= 0 && index < this.#count)
      .sort((a, b) => a - b)
      .map((index) => ({ index, top: index * this.rowHeight + shift }));
  }

  /** First and last row of which more than a sliver can be seen, both included; null when there is none. */
  visibleRange(): readonly [number, number] | null {
    if (!this.#element || this.#count === 0) return null;
    const offset = this.#logicalOffset();
    const first = Math.floor(offset / this.rowHeight + SLIVER);
    const last = Math.ceil((offset + this.#viewHeight()) / this.rowHeight - SLIVER) - 1;
    return [Math.min(first, this.#count - 1), Math.min(Math.max(first, last), this.#count - 1)];
  }

  /** Number of whole rows that fit into the view. */
  get pageRows(): number {
    return Math.max(1, Math.floor(this.#viewHeight() / this.rowHeight));
  }

  /** Scrolls as little as needed to bring a row into view below the sticky header. */
  reveal(index: number): void {
    const element = this.#element;
    if (!element) return;
    const offset = this.#logicalOffset();
    const top = index * this.rowHeight;
    const view = this.#viewHeight();
    if (top < offset) element.scrollTop = this.#physical(top);
    else if (top + this.rowHeight > offset + view)
      element.scrollTop = this.#physical(top + this.rowHeight - view);
  }

  /** Scrolls on by so many rows. */
  scrollBy(rows: number): void {
    if (this.#element && rows) this.#element.scrollTop += this.#physical(rows * this.rowHeight);
  }

  scrollToTop(): void {
    if (this.#element) this.#element.scrollTop = 0;
  }

  /** Says that other rows are in view, or that all of them stand elsewhere. */
  #tell(): void {
    const now = `${this.visibleRange()}/${this.#shift()}`;
    if (now === this.#told) return;
    this.#told = now;
    this.#options.changed();
  }

  #viewHeight(): number {
    return Math.max(this.rowHeight, (this.#element?.clientHeight ?? 0) - this.#options.headerHeight);
  }

  /** Pixels of all rows for one pixel of the body; 1 unless there are too many rows. */
  #scale(): number {
    const total = this.#count * this.rowHeight;
    if (total <= MAX_PIXELS) return 1;
    const view = this.#viewHeight();
    return (total - view) / (MAX_PIXELS - view);
  }

  #logicalOffset(): number {
    return (this.#element?.scrollTop ?? 0) * this.#scale();
  }

  #physical(logical: number): number {
    return logical / this.#scale();
  }

  /** What to add to a row's natural place so that it appears where the scroll position says. */
  #shift(): number {
    return this.#scale() === 1 ? 0 : (this.#element?.scrollTop ?? 0) - this.#logicalOffset();
  }
}

/** Pixels of a CSS length, whatever its unit. */
export function measured(root: HTMLElement, length: string): number {
  const probe = document.createElement("div");
  probe.style.height = length;
  root.append(probe);
  const { height } = probe.getBoundingClientRect();
  probe.remove();
  return Math.max(1, height);
}

/**
 * The rows that are in the browser: blocks of up to 100 rows, fetched when they come into view.
 *
 * A jump asks for an offset window. Going on from a block that is here uses its cursor, which costs the
 * database the same at row 300,000 as at row 0. A new query keeps the old rows in view until the first
 * block of the new answer has arrived, and keeps them when that request fails.
 */

import type { RowChange } from "./freshness.ts";
import type { GridQuery, PivotField, RowCount, RowRecord, RowsRequest, RowsResponse, WindowRequest } from "./protocol.ts";

const MAX_BLOCKS = 80;
const UNKNOWN: RowCount = { value: null, is: "unknown" };

export interface WindowsOptions {
  readonly blockSize: number;
  readonly fetchRows: (request: RowsRequest, signal: AbortSignal) => Promise<RowsResponse>;
  /** Counts by a request of its own, so that the one for rows stays cheap. */
  readonly countsApart?: boolean;
  /** Called after every change of rows, count, or loading and error state. */
  readonly changed: () => void;
}

interface Block {
  readonly rows: RowRecord[];
  readonly next: string | null;
  readonly hasNext: boolean;
}

/** Everything that belongs to one query; replaced whole when the query changes. */
interface Generation {
  readonly query: GridQuery;
  readonly blocks: Map<number, Block>;
  readonly loading: Map<number, AbortController>;
  count: RowCount;
  fields: readonly PivotField[] | null;
  /** Row number after the last row, once a block without successor has been seen. */
  end: number | null;
}

export class RowWindows {
  readonly blockSize: number;
  readonly #options: WindowsOptions;
  #shown: Generation | null = null;
  #coming: Generation | null = null;
  #comingAt = 0;
  #error: unknown = null;
  #counting: AbortController | null = null;
  #cursorsWork = true;
  /** Counts the rows that were put in the place of others: what was asked before such a change is not news. */
  #replaced = 0;

  constructor(options: WindowsOptions) {
    this.#options = options;
    this.blockSize = Math.max(1, Math.min(100, options.blockSize));
  }

  /** True while a new query waits for its first rows. */
  get isRefreshing(): boolean {
    return this.#coming !== null && this.#error === null;
  }

  /** True while a query has no answer yet, also when its request failed. */
  get isWaiting(): boolean {
    return this.#coming !== null;
  }

  get isLoading(): boolean {
    return this.isRefreshing || (this.#shown?.loading.size ?? 0) > 0;
  }

  get isCounting(): boolean {
    return this.#counting !== null;
  }

  /** The failure of the last request; null again as soon as a retry starts. */
  get error(): unknown {
    return this.#error;
  }

  /** True once any rows, or none at all, have arrived. */
  get hasAnswer(): boolean {
    return this.#shown !== null;
  }

  /** The query whose rows are on show. */
  get query(): GridQuery | null {
    return this.#shown?.query ?? null;
  }

  /** The columns that a pivot made of the rows on show; null without one. */
  get pivotFields(): readonly PivotField[] | null {
    return this.#shown?.fields ?? null;
  }

  /** True when the newest query asks for this column, so that its values are here or coming. */
  holds(column: string): boolean {
    return (this.#coming ?? this.#shown)?.query.columns.includes(column) ?? true;
  }

  get count(): RowCount {
    return this.#shown?.count ?? UNKNOWN;
  }

  /** How many rows the scroll bar stands for; grows when the end is not known yet. */
  get length(): number {
    const shown = this.#shown;
    if (!shown) return 0;
    if (shown.end !== null) return shown.end;
    const known = shown.count.is === "exact" ? (shown.count.value ?? 0) : null;
    const seen = this.#seen(shown);
    if (known !== null) return Math.max(known, seen);
    return Math.max(shown.count.value ?? 0, seen + this.blockSize);
  }

  row(index: number): RowRecord | undefined {
    const block = this.#shown?.blocks.get(Math.floor(index / this.blockSize));
    return block?.rows[index % this.blockSize];
  }

  /** The rows that are here, in their order. */
  loaded(): RowRecord[] {
    const numbers = [...(this.#shown?.blocks.keys() ?? [])].sort((a, b) => a - b);
    return numbers.flatMap((number) => this.#shown?.blocks.get(number)?.rows ?? []);
  }

  /** Row number of a row that is here; -1 when it is not. */
  indexOf(id: string | number): number {
    for (const [number, block] of this.#shown?.blocks ?? []) {
      const at = block.rows.findIndex((row) => row.id === id);
      if (at >= 0) return number * this.blockSize + at;
    }
    return -1;
  }

  /** Puts the row of an edit answer in the place of the old one. */
  replace(row: RowRecord): void {
    const index = this.indexOf(row.id);
    this.#replaced += 1;
    if (index < 0) return;
    const block = this.#shown?.blocks.get(Math.floor(index / this.blockSize));
    if (block) block.rows[index % this.blockSize] = row;
    this.#options.changed();
  }

  /**
   * Asks for the rows of a query, first those around row `at`; what is on show stays until they are here.
   *
   * A query that only sorts anew or shows another column has as many rows as before: it is not counted again.
   * Nor is one whose number of rows the caller knows.
   */
  async open(query: GridQuery, at = 0, rows: number | null = null): Promise<void> {
    this.#drop(this.#coming);
    this.#counting?.abort();
    this.#counting = null;
    const before = this.#shown && isSameSet(this.#shown.query, query) ? this.#shown.count : UNKNOWN;
    const known: RowCount = rows === null ? before : { value: rows, is: "exact" };
    const count = known.is === "exact" ? known : UNKNOWN;
    const generation: Generation = { query, blocks: new Map(), loading: new Map(), count, fields: null, end: null };
    this.#coming = generation;
    this.#comingAt = at;
    const { countsApart } = this.#options;
    await this.#load(generation, Math.floor(at / this.blockSize), count === UNKNOWN && !countsApart ? "capped" : "none");
  }

  /** Forgets how many rows there are: rows came or went. */
  forgetCount(): void {
    if (this.#shown) this.#shown.count = UNKNOWN;
  }

  /** Fetches the blocks that rows first..last lie in, and drops requests that went out of view. */
  async ensure(first: number, last: number): Promise<void> {
    const shown = this.#shown;
    if (!shown || this.#coming || this.#error) return;
    const wanted = this.#numbers(first, last);
    const [from = 0, to = from] = [wanted[0], wanted.at(-1)];
    for (const [number, controller] of shown.loading) {
      if (number < from - 1 || number > to + 1) controller.abort();
    }
    const missing = wanted.filter((number) => !shown.blocks.has(number) && !shown.loading.has(number));
    await Promise.all(missing.map((number) => this.#load(shown, number, "none")));
  }

  /**
   * Asks again for the rows first..last; what is on show stays until the answers are here.
   *
   * A failure that a second try would meet again (signed out, or without the right by now) is `error` afterwards, all
   * others are silent.
   *
   * @returns the rows that are other than before; null when nothing could be asked or is certain.
   */
  async refresh(first: number, last: number): Promise<readonly RowChange[] | null> {
    const shown = this.#shown;
    if (!shown || this.isLoading || this.#error) return null;
    const numbers = this.#numbers(first, last).filter((number) => shown.blocks.has(number));
    const asked = this.#replaced;
    const { signal } = new AbortController();
    try {
      const answers = await Promise.all(numbers.map((number) => this.#fetchBlock(shown, number, "none", signal)));
      if (shown !== this.#shown || this.#coming || asked !== this.#replaced) return null;
      return this.#renew(shown, numbers, answers);
    } catch (error) {
      const { status } = error as { status?: unknown };
      if (typeof status === "number" && status >= 400 && status < 500 && status !== 429) this.#error = error;
      return null;
    } finally {
      this.#options.changed();
    }
  }

  /** Puts new answers in the place of old ones. When rows came, went or moved, all other blocks are forgotten. */
  #renew(shown: Generation, numbers: readonly number[], answers: readonly RowsResponse[]): readonly RowChange[] {
    const old = new Map(numbers.flatMap((number) => shown.blocks.get(number)?.rows ?? []).map((row) => [row.id, row]));
    const rows = answers.flatMap((answer) => answer.rows);
    const isMoved = rows.length !== old.size || [...old.keys()].some((id, at) => rows[at]?.id !== id);
    if (isMoved) shown.blocks.clear();
    answers.forEach((answer, at) => {
      const kept = answer.rows.map((row) => (isSameRow(old.get(row.id), row) ? (old.get(row.id) as RowRecord) : row));
      this.#accept(shown, numbers[at] as number, { ...answer, rows: kept });
    });
    if (isMoved) void this.recount();
    const changes = rows.map((row) => ({ old: old.get(row.id), row }));
    return isMoved ? changes : changes.filter(({ old: before, row }) => !isSameRow(before, row));
  }

  /** Counts again, as exactly as before; the old number stands until the new one is here. */
  async recount(): Promise<void> {
    const shown = this.#shown;
    if (!shown) return;
    const request = this.#request(
      shown.query,
      { kind: "offset", start: 0, end: 1 },
      shown.count.is === "exact" ? "exact" : "capped",
    );
    try {
      const answer = await this.#options.fetchRows(request, new AbortController().signal);
      shown.end = null;
      if (answer.count) shown.count = answer.count;
      this.#options.changed();
    } catch (error) {
      console.warn("gridkit-grid: the rows could not be counted again; the old number stays.", error);
    }
  }

  /** Sends the request that failed once more. */
  async retry(): Promise<void> {
    this.#error = null;
    if (this.#coming) await this.open(this.#coming.query, this.#comingAt);
    else this.#options.changed();
  }

  /** Asks for the exact number of rows; the label changes when it is here. */
  async countExactly(): Promise<void> {
    await this.#count("exact");
  }

  /** Asks for a first number of rows, where the request for rows did not. */
  async countApart(): Promise<void> {
    if (this.#options.countsApart && this.#shown?.count === UNKNOWN) await this.#count("capped");
  }

  async #count(mode: "capped" | "exact"): Promise<void> {
    const shown = this.#shown;
    if (!shown || this.#counting || shown.count.is === "exact") return;
    const controller = new AbortController();
    this.#counting = controller;
    this.#options.changed();
    try {
      const request = this.#request(shown.query, { kind: "offset", start: 0, end: 1 }, mode);
      const answer = await this.#options.fetchRows(request, controller.signal);
      if (answer.count && shown === this.#shown) shown.count = answer.count;
    } catch (error) {
      if (!isAbort(error))
        console.warn("gridkit-grid: the exact count failed; the lower bound stays.", error);
    } finally {
      if (this.#counting === controller) this.#counting = null;
      this.#options.changed();
    }
  }

  /** Stops every request; the element left the page. */
  close(): void {
    this.#drop(this.#shown);
    this.#drop(this.#coming);
    this.#counting?.abort();
  }

  /** The numbers of the blocks that rows first..last lie in. */
  #numbers(first: number, last: number): readonly number[] {
    const from = Math.floor(Math.max(0, first) / this.blockSize);
    const to = Math.floor(Math.max(0, Math.min(last, this.length - 1)) / this.blockSize);
    return Array.from({ length: to - from + 1 }, (_, step) => from + step);
  }

  #seen(generation: Generation): number {
    let seen = 0;
    for (const [number, block] of generation.blocks) {
      seen = Math.max(seen, number * this.blockSize + block.rows.length + (block.hasNext ? 1 : 0));
    }
    return seen;
  }

  async #load(generation: Generation, number: number, count: RowsRequest["count"]): Promise<void> {
    const controller = new AbortController();
    generation.loading.set(number, controller);
    this.#error = null;
    this.#options.changed();
    try {
      const answer = await this.#fetchBlock(generation, number, count, controller.signal);
      if (!controller.signal.aborted) this.#accept(generation, number, answer);
    } catch (error) {
      const current = generation === this.#coming || generation === this.#shown;
      if (!isAbort(error) && current && !controller.signal.aborted) this.#error = error;
    } finally {
      generation.loading.delete(number);
      this.#options.changed();
    }
  }

  async #fetchBlock(
    generation: Generation,
    number: number,
    count: RowsRequest["count"],
    signal: AbortSignal,
  ): Promise<RowsResponse> {
    const start = number * this.blockSize;
    const offset: WindowRequest = { kind: "offset", start, end: start + this.blockSize };
    const before = generation.blocks.get(number - 1);
    const after = this.#cursorsWork && before?.rows.length === this.blockSize ? before.next : null;
    if (after) {
      const window: WindowRequest = { kind: "cursor", after, size: this.blockSize };
      try {
        return await this.#options.fetchRows(this.#request(generation.query, window, count), signal);
      } catch (error) {
        if (!isCursorProblem(error)) throw error;
        this.#cursorsWork = false;
      }
    }
    return this.#options.fetchRows(this.#request(generation.query, offset, count), signal);
  }

  #request(query: GridQuery, window: WindowRequest, count: RowsRequest["count"]): RowsRequest {
    return { v: 1, ...query, window, count };
  }

  #accept(generation: Generation, number: number, answer: RowsResponse): void {
    if (generation === this.#coming) {
      this.#drop(this.#shown);
      this.#shown = generation;
      this.#coming = null;
    }
    const hasNext = answer.window.hasNext ?? answer.rows.length === this.blockSize;
    generation.blocks.set(number, { rows: [...answer.rows], next: answer.window.next ?? null, hasNext });
    generation.fields = answer.pivotFields ?? null;
    if (answer.count && answer.count.is !== "unknown") generation.count = answer.count;
    this.#settleEnd(generation, number, answer.rows.length, hasNext);
    this.#evict(generation, number);
  }

  /** A block without successor tells where the rows end, whatever an earlier count said. */
  #settleEnd(generation: Generation, number: number, rows: number, hasNext: boolean): void {
    if (hasNext) return;
    generation.end = number * this.blockSize + rows;
    const isCertain = rows > 0 || number === 0;
    if (isCertain) generation.count = { value: generation.end, is: "exact" };
  }

  /** Forgets the blocks farthest from the newest one when there are too many. */
  #evict(generation: Generation, newest: number): void {
    if (generation.blocks.size <= MAX_BLOCKS) return;
    const byDistance = [...generation.blocks.keys()].sort(
      (a, b) => Math.abs(b - newest) - Math.abs(a - newest),
    );
    for (const number of byDistance.slice(0, generation.blocks.size - MAX_BLOCKS))
      generation.blocks.delete(number);
  }

  #drop(generation: Generation | null): void {
    for (const controller of generation?.loading.values() ?? []) controller.abort();
  }
}

/** True when two queries select the same rows, in whatever order and with whatever columns. */
function isSameSet(one: GridQuery, other: GridQuery): boolean {
  const set = ({ filter, search, group, path, pivot }: GridQuery): string =>
    JSON.stringify([filter, search, group, path, Boolean(pivot)]);
  return set(one) === set(other);
}

/** True when nothing that a row shows has changed. */
function isSameRow(old: RowRecord | undefined, row: RowRecord): boolean {
  return old !== undefined && JSON.stringify(old) === JSON.stringify(row);
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

function isCursorProblem(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" && code.startsWith("cursor");
}

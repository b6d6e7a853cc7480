/**
 * The rows on show as one list, whatever they are: plain rows, or groups with what is inside the open ones.
 *
 * Each open group has windows of its own, which are asked for when it comes into view. So a list of groups
 * costs what its visible part costs, however many rows are inside.
 */

import { isGroupLevel, levelQuery } from "./grouping.ts";
import type { GridQuery, PivotField, RowCount, RowRecord, Value } from "./protocol.ts";
import type { RowChange } from "./freshness.ts";
import { RowWindows, type WindowsOptions } from "./windows.ts";

/** The rows of one level: those of the grid, or those inside one group. */
class Branch {
  readonly path: readonly Value[];
  readonly windows: RowWindows;
  /** What is inside the open groups of this level, by the group's row number in it. */
  readonly open = new Map<number, Branch>();
  readonly #expected: number;

  constructor(options: WindowsOptions, path: readonly Value[], expected: number) {
    this.path = path;
    this.windows = new RowWindows(options);
    this.#expected = expected;
  }

  get ownLength(): number {
    return this.windows.hasAnswer ? this.windows.length : this.#expected;
  }

  get length(): number {
    let length = this.ownLength;
    for (const branch of this.open.values()) length += branch.length;
    return length;
  }

  /** The open groups in their order. */
  get inner(): readonly (readonly [number, Branch])[] {
    return [...this.open].sort(([a], [b]) => a - b);
  }

  close(): void {
    this.windows.close();
    for (const branch of this.open.values()) branch.close();
  }
}

interface Spot {
  readonly branch: Branch;
  readonly index: number;
}

export class RowTree {
  readonly #options: WindowsOptions;
  readonly #root: Branch;
  readonly #expanded = new Set<string>();
  #query: GridQuery | null = null;

  constructor(options: WindowsOptions) {
    this.#options = options;
    this.#root = new Branch(options, [], 0);
  }

  get blockSize(): number {
    return this.#root.windows.blockSize;
  }

  get isRefreshing(): boolean {
    return this.#root.windows.isRefreshing;
  }

  get isWaiting(): boolean {
    return this.#root.windows.isWaiting;
  }

  get isLoading(): boolean {
    return this.#branches().some(({ windows }) => windows.isLoading);
  }

  get isCounting(): boolean {
    return this.#root.windows.isCounting;
  }

  /** The failure of the last request, of whatever level. */
  get error(): unknown {
    return this.#branches().find(({ windows }) => windows.error !== null)?.windows.error ?? null;
  }

  get hasAnswer(): boolean {
    return this.#root.windows.hasAnswer;
  }

  /** The query whose rows are on show. */
  get query(): GridQuery | null {
    return this.hasAnswer ? this.#query : null;
  }

  /** True when what is on show are groups, or the one line of a pivot. */
  get isGrouped(): boolean {
    return Boolean(this.#root.windows.query?.group?.length) || this.pivotFields !== null;
  }

  /** The columns that a pivot made of the rows on show; null without one. */
  get pivotFields(): readonly PivotField[] | null {
    return this.#root.windows.pivotFields;
  }

  /** The query that the rows on show are the answer to. */
  get shownQuery(): GridQuery | null {
    return this.#root.windows.query;
  }

  holds(column: string): boolean {
    return this.#root.windows.holds(column);
  }

  /** The number of rows, or of the outermost groups. */
  get count(): RowCount {
    return this.#root.windows.count;
  }

  get length(): number {
    return this.#root.length;
  }

  row(index: number): RowRecord | undefined {
    const { branch, index: own } = this.#spot(index);
    return branch.windows.row(own);
  }

  /** How deep a row stands: 0 at the outermost level. */
  level(index: number): number {
    return this.#spot(index).branch.path.length;
  }

  /** The rows that are here, in their order; groups are none. */
  loaded(): RowRecord[] {
    return this.#branches()
      .flatMap(({ windows }) => windows.loaded())
      .filter((row) => !row.g);
  }

  /** The groups that are here, of all levels. */
  groups(): RowRecord[] {
    return this.#branches()
      .flatMap(({ windows }) => windows.loaded())
      .filter((row) => row.g);
  }

  indexOf(id: string | number): number {
    return this.#indexIn(this.#root, 0, id);
  }

  replace(row: RowRecord): void {
    for (const { windows } of this.#branches()) windows.replace(row);
  }

  isExpanded(row: RowRecord): boolean {
    return Boolean(row.g) && this.#expanded.has(String(row.id));
  }

  /** Opens a group, or closes it. */
  setExpanded(index: number, expanded: boolean): void {
    const { branch, index: own } = this.#spot(index);
    const row = branch.windows.row(own);
    if (!row?.g || (this.pivotFields && !row.g.expandable)) return;
    if (expanded) {
      this.#expanded.add(String(row.id));
      this.#grow(branch, own, own);
    } else {
      this.#expanded.delete(String(row.id));
      branch.open.get(own)?.close();
      branch.open.delete(own);
    }
    this.#options.changed();
  }

  collapseAll(): void {
    this.#expanded.clear();
    this.#prune();
    this.#options.changed();
  }

  /** Row number of the group that a row is in; -1 for a row of the outermost level. */
  parentOf(index: number): number {
    const level = this.level(index);
    let at = index - 1;
    while (at >= 0 && this.level(at) >= level) at--;
    return level ? at : -1;
  }

  /** Asks for the rows of a query; groups that were open stay open while the rows are grouped alike. */
  async open(query: GridQuery, at = 0): Promise<void> {
    if (JSON.stringify(query.group) !== JSON.stringify(this.#query?.group)) this.#expanded.clear();
    this.#query = query;
    await this.#root.windows.open(levelQuery(query, []), query.group?.length ? 0 : at);
    if (this.#query === query && !this.#root.windows.isWaiting) this.#prune();
  }

  /** Asks again for the rows of the same query, because some have changed, come or gone. */
  async reload(at: number): Promise<void> {
    this.#root.windows.forgetCount();
    if (this.#query) await this.open(this.#query, at);
  }

  /** Asks again for plain rows that are on show, see `RowWindows.refresh`; null for groups. */
  async refresh(first: number, last: number): Promise<readonly RowChange[] | null> {
    return this.isGrouped ? null : this.#root.windows.refresh(first, last);
  }

  /** Counts the rows again; the old number stands until the new one is here. */
  recount(): Promise<void> {
    return this.#root.windows.recount();
  }

  /** Fetches what rows first..last need, in every group that is open there. */
  async ensure(first: number, last: number): Promise<void> {
    if (this.#root.windows.isWaiting) return;
    await this.#ensureIn(this.#root, 0, first, last);
  }

  async retry(): Promise<void> {
    const failed = this.#branches().filter(({ windows }) => windows.error !== null);
    await Promise.all(failed.map(({ windows }) => windows.retry()));
  }

  countExactly(): Promise<void> {
    return this.#root.windows.countExactly();
  }

  countApart(): Promise<void> {
    return this.#root.windows.countApart();
  }

  close(): void {
    this.#root.close();
  }

  #prune(): void {
    for (const branch of this.#root.open.values()) branch.close();
    this.#root.open.clear();
  }

  #branches(from: Branch = this.#root): Branch[] {
    return [from, ...from.inner.flatMap(([, branch]) => this.#branches(branch))];
  }

  /** The level that row `index` of the whole list belongs to, and its number there. */
  #spot(index: number, branch: Branch = this.#root): Spot {
    let left = index;
    for (const [group, inner] of branch.inner) {
      if (left <= group) break;
      if (left <= group + inner.length) return this.#spot(left - group - 1, inner);
      left -= inner.length;
    }
    return { branch, index: left };
  }

  #indexIn(branch: Branch, offset: number, id: string | number): number {
    const own = branch.windows.indexOf(id);
    let shift = 0;
    for (const [group, inner] of branch.inner) {
      if (own >= 0 && group >= own) break;
      const found = own < 0 ? this.#indexIn(inner, offset + group + 1 + shift, id) : -1;
      if (found >= 0) return found;
      shift += inner.length;
    }
    return own < 0 ? -1 : offset + own + shift;
  }

  async #ensureIn(branch: Branch, offset: number, first: number, last: number): Promise<void> {
    let at = offset;
    let from = 0;
    const waits: Promise<void>[] = [];
    const visit = (to: number): void => {
      const low = Math.max(from, from + first - at);
      const high = Math.min(to, from + last - at);
      if (low <= high) this.#grow(branch, low, high);
      at += to - from + 1;
      from = to + 1;
    };
    const own = this.#ownRange(branch, offset, first, last);
    if (own) waits.push(branch.windows.ensure(...own));
    for (const [group, inner] of branch.inner) {
      visit(group);
      if (at <= last && at + inner.length > first) waits.push(this.#ensureIn(inner, at, first, last));
      at += inner.length;
    }
    visit(branch.ownLength - 1);
    await Promise.all(waits);
  }

  /** The rows of a level itself between two rows of the whole list; null when there are none. */
  #ownRange(branch: Branch, offset: number, first: number, last: number): [number, number] | null {
    let low = first - offset;
    let high = last - offset;
    for (const [group, inner] of branch.inner) {
      if (low > group) low = Math.max(group + 1, low - inner.length);
      if (high > group) high = Math.max(group, high - inner.length);
    }
    low = Math.max(0, low);
    high = Math.min(branch.ownLength - 1, high);
    return low <= high ? [low, high] : null;
  }

  /** Gives the open groups among these rows of a level their windows. */
  #grow(branch: Branch, first: number, last: number): void {
    for (let index = first; index <= last; index++) {
      const row = branch.windows.row(index);
      if (!row?.g || branch.open.has(index) || !this.isExpanded(row) || !this.#query) continue;
      const path = [...branch.path, row.g.key];
      const rows = isGroupLevel(this.#query, path) ? null : row.g.childCount;
      const inner = new Branch(this.#options, path, rows ?? 1);
      branch.open.set(index, inner);
      void inner.windows.open(levelQuery(this.#query, path), 0, rows);
    }
  }
}

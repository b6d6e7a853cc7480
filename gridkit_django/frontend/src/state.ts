/**
 * The state of one grid: columns, sort, filters, search, groups, figures, selection.
 *
 * TanStack's table-core keeps columns and sort; nothing of it leaves this file, so that a new major version
 * of it is a change to this file only. Rows are not kept here: the server sorts and filters, `windows.ts`
 * holds what it sent.
 */

import {
  columnOrderingFeature,
  columnSizingFeature,
  columnVisibilityFeature,
  constructTable,
  rowSortingFeature,
  tableFeatures,
  type Table,
} from "@tanstack/table-core";
import { plainAtoms } from "./atoms.ts";
import { canFilter, type ColumnCondition, filterTree, splitTree } from "./filters.ts";
import { isNumeric } from "./format.ts";
import { aggregatesOf, groupTerm, isSameTerm } from "./grouping.ts";
import type {
  ColumnLayout,
  ColumnSchema,
  FilterTree,
  GridQuery,
  GridSchema,
  GroupTerm,
  PinSide,
  SortItem,
  ViewState,
} from "./protocol.ts";
import { pivotOf } from "./pivot.ts";
import { RowSelection } from "./selection.ts";

const features = tableFeatures({
  coreReactivityFeature: plainAtoms(),
  columnOrderingFeature,
  columnVisibilityFeature,
  columnSizingFeature,
  rowSortingFeature,
});
type CoreTable = Table<typeof features, Record<string, unknown>>;

export const MIN_WIDTH = 56;
export const MAX_WIDTH = 800;
const GROUP_WIDTH = 280;
/** Of a column that a pivot made. */
const MADE_WIDTH = 120;

/** The id of the column that shows the groups; no column of a schema has it. */
export const GROUPS = "";

/** What a change touched: `query` asks for new rows, `layout` and `selection` only for a new picture. */
export type Change = "query" | "layout" | "selection";

/** How a column takes part in the sort: its direction and, with several columns, its rank from 1. */
export interface SortMark {
  readonly dir: "asc" | "desc";
  readonly rank: number;
}

export class GridState {
  readonly columns: readonly ColumnSchema[];
  readonly selection = new RowSelection();
  readonly #byId: ReadonlyMap<string, ColumnSchema>;
  readonly #table: CoreTable;
  readonly #defaultOrder: string[];
  readonly #hiddenByDefault: ReadonlySet<string>;
  readonly #suggested = new Map<string, number>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #declared: ViewState;
  #conditions: ReadonlyMap<string, ColumnCondition> = new Map();
  /** What of the filter no form can show. */
  #rest: FilterTree | null = null;
  #search = "";
  #grouping: readonly GroupTerm[] = [];
  #figures: ReadonlyMap<string, string> = new Map();
  #pins: ReadonlyMap<string, PinSide> = new Map();
  #pivoting: readonly GroupTerm[] = [];
  #pageSize: number | null = null;

  constructor(schema: GridSchema) {
    this.columns = schema.columns;
    this.#byId = new Map(schema.columns.map((column) => [column.id, column]));
    const shown = (schema.defaultState?.columns ?? schema.columns.map((column) => column.id)).filter((id) =>
      this.#byId.has(id),
    );
    const rest = schema.columns.map((column) => column.id).filter((id) => !shown.includes(id));
    this.#defaultOrder = [...shown, ...rest];
    this.#hiddenByDefault = new Set(rest);
    this.#table = this.#construct(schema);
    this.#declared = this.saved;
  }

  #construct(schema: GridSchema): CoreTable {
    const sorting = (schema.defaultState?.sort ?? [])
      .filter((item) => this.#byId.get(item.col)?.sortable !== false)
      .map((item) => ({ id: item.col, desc: item.dir === "desc" }));
    return constructTable<typeof features, Record<string, unknown>>({
      features,
      data: [],
      columns: schema.columns.map((column) => ({
        id: column.id,
        accessorFn: (row: Record<string, unknown>) => row[column.id],
        size: column.width ?? defaultWidth(column),
        minSize: MIN_WIDTH,
        maxSize: MAX_WIDTH,
        enableSorting: column.sortable !== false,
        sortDescFirst: false,
      })),
      manualSorting: true,
      enableSortingRemoval: true,
      maxMultiSortColCount: schema.limits?.sort ?? 8,
      initialState: {
        sorting,
        columnOrder: this.#defaultOrder,
        columnVisibility: Object.fromEntries([...this.#hiddenByDefault].map((id) => [id, false])),
      },
    });
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  column(id: string): ColumnSchema | undefined {
    return this.#byId.get(id);
  }

  /** All columns in the user's order, hidden ones too. */
  get ordered(): readonly ColumnSchema[] {
    return this.#table.atoms.columnOrder.get().flatMap((id) => this.#byId.get(id) ?? []);
  }

  /**
   * The columns on show, in the user's order, between those that are pinned to a side.
   *
   * A column that the rows are grouped by has gone into the groups.
   */
  get visible(): readonly ColumnSchema[] {
    const grouped = new Set(this.#grouping.filter((term) => !term.by).map((term) => term.col));
    const shown = this.ordered.filter((column) => this.isVisible(column.id));
    const left = shown.filter((column) => !grouped.has(column.id));
    const rank = { left: 0, right: 2 };
    const rankOf = ({ id }: ColumnSchema): number => rank[this.#pins.get(id) as PinSide] ?? 1;
    return (left.length ? left : shown).toSorted((one, other) => rankOf(one) - rankOf(other));
  }

  /** The side that a column is pinned to; null for none. */
  pin(id: string): PinSide | null {
    return this.#pins.get(id) ?? null;
  }

  /** Pins a column to a side, or with null to none. */
  setPin(id: string, side: PinSide | null): void {
    const next = new Map(this.#pins);
    if (side) next.set(id, side);
    else next.delete(id);
    this.#pins = next;
    this.#tell("layout");
  }

  isVisible(id: string): boolean {
    return this.#table.getColumn(id)?.getIsVisible() ?? false;
  }

  /** Shows or hides a column; the last one on show stays. */
  setVisible(id: string, visible: boolean): void {
    if (!visible && this.visible.length === 1 && this.isVisible(id)) return;
    this.#table.getColumn(id)?.toggleVisibility(visible);
    this.#tell("layout");
  }

  /** Shows these columns, or hides them; when none would be left, the first of all stays. */
  setAllVisible(ids: readonly string[], visible: boolean): void {
    const others = this.visible.some(({ id }) => !ids.includes(id));
    const stays = visible || others ? null : this.ordered[0]?.id;
    for (const id of ids) this.#table.getColumn(id)?.toggleVisibility(visible || id === stays);
    this.#tell("layout");
  }

  /** Puts a column where another one is: before it, or after it when moving forward; and pinned like it. */
  moveColumn(id: string, targetId: string): void {
    const order = [...this.#table.atoms.columnOrder.get()];
    const from = order.indexOf(id);
    const to = order.indexOf(targetId);
    if (from < 0 || to < 0 || from === to) return;
    order.splice(from, 1);
    order.splice(to, 0, id);
    this.#table.setColumnOrder(order);
    this.setPin(id, this.pin(targetId));
  }

  /** The width the user gave, or the schema, or what the first rows suggest, or a guess by type. */
  width(id: string): number {
    const own = this.#table.atoms.columnSizing.get()[id];
    if (id === GROUPS) return own ?? GROUP_WIDTH;
    if (!this.#byId.has(id)) return own ?? MADE_WIDTH;
    const suggested = this.#byId.get(id)?.width ? undefined : this.#suggested.get(id);
    return own ?? suggested ?? this.#table.getColumn(id)?.getSize() ?? MIN_WIDTH;
  }

  /** Suggests widths from the longest text of each column among the rows that are here. */
  suggestWidths(longest: ReadonlyMap<string, number>): void {
    for (const [id, characters] of longest) {
      const column = this.#byId.get(id);
      if (column && characters > 0) this.#suggested.set(id, contentWidth(column, characters));
    }
    this.#tell("layout");
  }

  setWidth(id: string, pixels: number): void {
    const size = clampedWidth(pixels);
    this.#table.setColumnSizing((old) => ({ ...old, [id]: size }));
    this.#tell("layout");
  }

  /** Back to the columns, order and widths the schema came with. */
  resetLayout(): void {
    this.#table.resetColumnOrder();
    this.#table.resetColumnVisibility();
    this.#table.resetColumnSizing();
    this.#pins = new Map();
    this.#tell("layout");
  }

  get sort(): readonly SortItem[] {
    return this.#table.atoms.sorting.get().map(({ id, desc }) => ({ col: id, dir: desc ? "desc" : "asc" }));
  }

  sortMark(id: string): SortMark | null {
    const index = this.sort.findIndex((item) => item.col === id);
    const item = this.sort[index];
    return item ? { dir: item.dir, rank: index + 1 } : null;
  }

  /** Next of the three states: ascending, descending, not sorted; `add` keeps the other columns. */
  toggleSort(id: string, add: boolean): void {
    const column = this.#table.getColumn(id);
    if (!column?.getCanSort()) return;
    column.toggleSorting(undefined, add);
    this.#tell("query");
  }

  /** Sorts by these terms and no others. */
  setSort(sort: readonly SortItem[]): void {
    this.#table.setSorting(sort.map(({ col, dir }) => ({ id: col, desc: dir === "desc" })));
    this.#tell("query");
  }

  canFilter(id: string): boolean {
    const column = this.#byId.get(id);
    return column !== undefined && canFilter(column);
  }

  /** Sorts by the keys of the groups, the other way round when they are in their order already. */
  toggleGroupSort(): void {
    const cols = [...new Set(this.#grouping.map((term) => term.col))];
    const isUp = this.sortMark(cols[0] ?? "")?.dir === "asc";
    this.setSort(cols.map((col) => ({ col, dir: isUp ? "desc" : "asc" })));
  }

  get conditions(): ReadonlyMap<string, ColumnCondition> {
    return this.#conditions;
  }

  /** Sets the condition of a column; null removes it. */
  setCondition(id: string, condition: ColumnCondition | null): void {
    const next = new Map(this.#conditions);
    next.delete(id);
    if (condition) next.set(id, condition);
    this.#conditions = next;
    this.#narrowed();
  }

  /** True when the filter has a part that no form can show; it came with a view. */
  get hasRest(): boolean {
    return this.#rest !== null;
  }

  dropRest(): void {
    this.#rest = null;
    this.#narrowed();
  }

  get search(): string {
    return this.#search;
  }

  setSearch(text: string): void {
    if (text === this.search) return;
    this.#search = text;
    this.#narrowed();
  }

  clearFilters(): void {
    this.#conditions = new Map();
    this.#rest = null;
    this.#search = "";
    this.#narrowed();
  }

  get isNarrowed(): boolean {
    return this.search !== "" || this.conditions.size > 0 || this.hasRest;
  }

  /** "All that match" are other rows now; rows that were picked one by one stay picked. */
  #narrowed(): void {
    if (this.selection.isAll) this.selection.clear();
    this.#tell("query");
  }

  /** The levels of groups, outermost first. */
  get grouping(): readonly GroupTerm[] {
    return this.#grouping;
  }

  setGrouping(terms: readonly GroupTerm[]): void {
    this.#grouping = terms;
    this.#tell("query");
  }

  /** Groups by one more term, or no longer by one that is there. */
  toggleGroup(term: GroupTerm): void {
    const rest = this.#grouping.filter((other) => !isSameTerm(other, term));
    this.setGrouping(rest.length < this.#grouping.length ? rest : [...this.#grouping, term]);
  }

  /** What goes across: the figures are computed for each value of it, beside each other. */
  get pivoting(): readonly GroupTerm[] {
    return this.#pivoting;
  }

  setPivoting(terms: readonly GroupTerm[]): void {
    this.#pivoting = terms;
    this.#tell("query");
  }

  /** The function that makes the figure of each column that has one. */
  get figures(): ReadonlyMap<string, string> {
    return this.#figures;
  }

  /** Chooses the figure of a column; null for none. */
  setFigure(id: string, fn: string | null): void {
    const next = new Map(this.#figures);
    if (fn) next.set(id, fn);
    else next.delete(id);
    this.#figures = next;
    this.#tell("query");
  }

  /** What the user asked to see, in protocol form; groups and figures included. */
  get query(): GridQuery {
    const aggregates = aggregatesOf(this.#figures);
    return {
      columns: this.visible.map((column) => column.id),
      ...this.rowsQuery,
      ...(this.#grouping.length ? { group: this.#grouping } : {}),
      ...(aggregates.length ? { aggregates } : {}),
      ...(this.#pivoting.length ? { pivot: pivotOf(this.#pivoting, aggregates) } : {}),
    };
  }

  /** Which rows the user sees, and in which order. */
  get rowsQuery(): Omit<GridQuery, "columns"> {
    const filter = filterTree(this.conditions, this.#rest);
    return { sort: this.sort, ...(filter ? { filter } : {}), ...(this.search ? { search: this.search } : {}) };
  }

  /** The user's order, hidden columns and own widths. */
  get layout(): readonly ColumnLayout[] {
    const widths = this.#table.atoms.columnSizing.get();
    return this.ordered.map(({ id }) => {
      const width = widths[id];
      const pin = this.#pins.get(id);
      const hidden = this.isVisible(id) ? {} : { hidden: true };
      return { col: id, ...hidden, ...(width ? { width } : {}), ...(pin ? { pin } : {}) };
    });
  }

  /** All that is worth keeping until the next visit: everything but the selection. */
  get saved(): ViewState {
    const { columns, ...asked } = this.query;
    const query = { ...asked, ...(this.#pageSize ? { pageSize: this.#pageSize } : {}) };
    return { v: 1, query, layout: { columns: this.layout } };
  }

  /** The state that the grid was declared with. */
  get declared(): ViewState {
    return this.#declared;
  }

  /** Takes over a state that was kept. What the grid has no column for is left out; the server reported it. */
  restore({ query = {}, layout = {} }: ViewState): void {
    this.#restoreLayout(layoutOf(query.columns, layout.columns).filter((item) => this.#byId.has(item.col)));
    this.#pageSize = query.pageSize ?? null;
    const sort = (query.sort ?? []).filter((item) => this.#table.getColumn(item.col)?.getCanSort());
    if (sort.length) this.#table.setSorting(sort.map(({ col, dir }) => ({ id: col, desc: dir === "desc" })));
    else this.#table.resetSorting();
    const { conditions, rest } = query.filter ? splitTree(query.filter) : { conditions: new Map(), rest: null };
    this.#conditions = new Map([...conditions].filter(([id]) => this.canFilter(id)));
    this.#rest = rest;
    this.#search = query.search ?? "";
    this.#grouping = (query.group ?? []).map(groupTerm).filter((term) => this.#byId.has(term.col));
    this.#pivoting = (query.pivot?.cols ?? []).map(groupTerm).filter((term) => this.#byId.has(term.col));
    const figures = (query.aggregates ?? []).filter((item) => item.col && this.#byId.has(item.col));
    this.#figures = new Map(figures.map((item) => [item.col as string, item.fn]));
    this.#narrowed();
  }

  #restoreLayout(columns: readonly ColumnLayout[]): void {
    const named = new Set(columns.map((item) => item.col));
    const rest = this.#defaultOrder.filter((id) => !named.has(id));
    this.#table.setColumnOrder([...columns.map((item) => item.col), ...rest]);
    const hidden = columns.every((item) => item.hidden) ? [] : columns;
    this.#table.setColumnVisibility({
      ...Object.fromEntries([...this.#hiddenByDefault].map((id) => [id, false])),
      ...Object.fromEntries(hidden.map((item) => [item.col, !item.hidden])),
    });
    const widths = columns.flatMap(({ col, width }) => (width ? [[col, clampedWidth(width)] as const] : []));
    this.#table.setColumnSizing(Object.fromEntries(widths));
    this.#pins = new Map(columns.flatMap(({ col, pin }) => (pin ? [[col, pin] as const] : [])));
  }

  isSelected(id: string | number): boolean {
    return this.selection.has(id);
  }

  select(ids: readonly (string | number)[], on: boolean): void {
    this.selection.select(ids, on);
    this.#tell("selection");
  }

  selectAll(): void {
    this.selection.selectAll();
    this.#tell("selection");
  }

  clearSelection(): void {
    this.selection.clear();
    this.#tell("selection");
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** A state says which columns are on show by its layout, by the columns it asks for, or by both. */
function layoutOf(asked: readonly string[] = [], laidOut: readonly ColumnLayout[] = []): readonly ColumnLayout[] {
  if (!asked.length) return laidOut;
  const known = new Map(laidOut.map((item) => [item.col, item]));
  const shown = asked.map((col) => known.get(col) ?? { col });
  return [...shown, ...laidOut.filter((item) => !asked.includes(item.col)).map((item) => ({ ...item, hidden: true }))];
}

function clampedWidth(pixels: number): number {
  return Math.round(Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, pixels)));
}

const CELL_PADDING = 26;
const CHARACTER = 7.9;

/** Room for the label, on two lines where it has words to break, with its sort mark and filter button. */
function labelWidth(column: ColumnSchema): number {
  const { label } = column;
  const breaks = [...label.matchAll(/\s/g)].map((space) =>
    Math.max(space.index, label.length - space.index - 1),
  );
  return 76 + Math.min(label.length, ...breaks) * 7.6;
}

/** A first width by type, before any row is here. */
function defaultWidth(column: ColumnSchema): number {
  const byType: Readonly<Record<string, number>> = {
    datetime: 176,
    date: 116,
    boolean: 84,
    uuid: 290,
    json: 220,
  };
  const room = isNumeric(column) ? 92 : (byType[column.type] ?? 140);
  return Math.round(Math.min(320, Math.max(labelWidth(column), room)));
}

/** A width that shows a text of so many characters, but never an excessive one. */
function contentWidth(column: ColumnSchema, characters: number): number {
  return Math.round(Math.min(320, Math.max(labelWidth(column), CELL_PADDING + characters * CHARACTER)));
}

/**
 * The state of one grid: columns, sort, filters, search, selection.
 *
 * TanStack's table-core keeps the state; nothing of it leaves this file, so that a new major version of
 * it is a change to this file only. Rows are not kept here: the server sorts and filters, `windows.ts`
 * holds what it sent.
 */

import {
  columnFilteringFeature,
  columnOrderingFeature,
  columnSizingFeature,
  columnVisibilityFeature,
  constructTable,
  globalFilteringFeature,
  rowSelectionFeature,
  rowSortingFeature,
  tableFeatures,
  type Table,
} from "@tanstack/table-core";
import { storeReactivityBindings } from "@tanstack/table-core/store-reactivity-bindings";
import { type ColumnCondition, filterTree, treeConditions } from "./filters.ts";
import { isNumeric } from "./format.ts";
import type { ColumnLayout, ColumnSchema, GridQuery, GridSchema, SortItem, ViewState } from "./protocol.ts";

const features = tableFeatures({
  coreReactivityFeature: storeReactivityBindings(),
  columnOrderingFeature,
  columnVisibilityFeature,
  columnSizingFeature,
  columnFilteringFeature,
  globalFilteringFeature,
  rowSortingFeature,
  rowSelectionFeature,
});
type CoreTable = Table<typeof features, Record<string, unknown>>;

export const MIN_WIDTH = 56;
export const MAX_WIDTH = 800;

/** What a change touched: `query` asks for new rows, `layout` and `selection` only for a new picture. */
export type Change = "query" | "layout" | "selection";

/** How a column takes part in the sort: its direction and, with several columns, its rank from 1. */
export interface SortMark {
  readonly dir: "asc" | "desc";
  readonly rank: number;
}

export class GridState {
  readonly columns: readonly ColumnSchema[];
  readonly #byId: ReadonlyMap<string, ColumnSchema>;
  readonly #table: CoreTable;
  readonly #defaultOrder: string[];
  readonly #hiddenByDefault: ReadonlySet<string>;
  readonly #suggested = new Map<string, number>();
  readonly #listeners = new Set<(change: Change) => void>();

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
        enableColumnFilter: column.filterable !== false,
        sortDescFirst: false,
      })),
      manualSorting: true,
      manualFiltering: true,
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

  /** The columns on show, in the user's order. */
  get visible(): readonly ColumnSchema[] {
    return this.ordered.filter((column) => this.isVisible(column.id));
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

  /** Puts a column where another one is: before it, or after it when moving forward. */
  moveColumn(id: string, targetId: string): void {
    const order = [...this.#table.atoms.columnOrder.get()];
    const from = order.indexOf(id);
    const to = order.indexOf(targetId);
    if (from < 0 || to < 0 || from === to) return;
    order.splice(from, 1);
    order.splice(to, 0, id);
    this.#table.setColumnOrder(order);
    this.#tell("layout");
  }

  /** The width the user gave, or the schema, or what the first rows suggest, or a guess by type. */
  width(id: string): number {
    const own = this.#table.atoms.columnSizing.get()[id];
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

  get conditions(): ReadonlyMap<string, ColumnCondition> {
    const entries = this.#table.atoms.columnFilters.get();
    return new Map(entries.map(({ id, value }) => [id, value as ColumnCondition]));
  }

  /** Sets the condition of a column; null removes it. */
  setCondition(id: string, condition: ColumnCondition | null): void {
    const kept = this.#table.atoms.columnFilters.get().filter((item) => item.id !== id);
    this.#table.setColumnFilters(condition ? [...kept, { id, value: condition }] : kept);
    this.#tell("query");
  }

  get search(): string {
    return String(this.#table.atoms.globalFilter.get() ?? "");
  }

  setSearch(text: string): void {
    if (text === this.search) return;
    this.#table.setGlobalFilter(text);
    this.#tell("query");
  }

  clearFilters(): void {
    this.#table.setColumnFilters([]);
    this.#table.setGlobalFilter("");
    this.#tell("query");
  }

  get isNarrowed(): boolean {
    return this.search !== "" || this.conditions.size > 0;
  }

  /** What the user asked to see, in protocol form; the same for rows and for an export. */
  get query(): GridQuery {
    const filter = filterTree(this.conditions);
    return {
      columns: this.visible.map((column) => column.id),
      sort: this.sort,
      ...(filter ? { filter } : {}),
      ...(this.search ? { search: this.search } : {}),
    };
  }

  /** The user's order, hidden columns and own widths. */
  get layout(): readonly ColumnLayout[] {
    const widths = this.#table.atoms.columnSizing.get();
    return this.ordered.map(({ id }) => {
      const width = widths[id];
      return { col: id, ...(this.isVisible(id) ? {} : { hidden: true }), ...(width ? { width } : {}) };
    });
  }

  /** All that is worth keeping until the next visit: everything but the selection. */
  get saved(): ViewState {
    const { columns, ...query } = this.query;
    return { v: 1, query, layout: { columns: this.layout } };
  }

  /** Takes over a state that was kept. What the grid has no column for is left out; the server reported it. */
  restore({ query = {}, layout = {} }: ViewState): void {
    this.#restoreLayout((layout.columns ?? []).filter((item) => this.#byId.has(item.col)));
    const sort = (query.sort ?? []).filter((item) => this.#table.getColumn(item.col)?.getCanSort());
    if (sort.length) this.#table.setSorting(sort.map(({ col, dir }) => ({ id: col, desc: dir === "desc" })));
    const conditions = query.filter ? treeConditions(query.filter) : [];
    if (!conditions) console.warn("gridkit-grid: the filter you left is one that this grid cannot show.");
    const known = (conditions ?? []).filter(([id]) => this.#table.getColumn(id)?.getCanFilter());
    this.#table.setColumnFilters(known.map(([id, value]) => ({ id, value })));
    this.#table.setGlobalFilter(query.search ?? "");
    this.#tell("query");
  }

  #restoreLayout(columns: readonly ColumnLayout[]): void {
    if (columns.every((item) => item.hidden)) return;
    const named = new Set(columns.map((item) => item.col));
    const rest = this.#defaultOrder.filter((id) => !named.has(id));
    this.#table.setColumnOrder([...columns.map((item) => item.col), ...rest]);
    this.#table.setColumnVisibility((old) => ({
      ...old,
      ...Object.fromEntries(columns.map((item) => [item.col, !item.hidden])),
    }));
    const widths = columns.flatMap(({ col, width }) => (width ? [[col, clampedWidth(width)] as const] : []));
    this.#table.setColumnSizing(Object.fromEntries(widths));
  }

  get selected(): readonly string[] {
    const map = this.#table.atoms.rowSelection.get();
    return Object.keys(map).filter((id) => map[id]);
  }

  isSelected(id: string | number): boolean {
    return Boolean(this.#table.atoms.rowSelection.get()[String(id)]);
  }

  select(ids: readonly (string | number)[], on: boolean): void {
    const next = { ...this.#table.atoms.rowSelection.get() };
    for (const id of ids) {
      if (on) next[String(id)] = true;
      else delete next[String(id)];
    }
    this.#table.setRowSelection(next);
    this.#tell("selection");
  }

  clearSelection(): void {
    this.#table.setRowSelection({});
    this.#tell("selection");
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
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

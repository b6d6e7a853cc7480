/** One grid on the page: puts state, rows, scrolling, editing and exports together and draws them. */

import { render } from "lit-html";
import { Changes } from "./changes.ts";
import { hasLookups, rowsFetcher } from "./asking.ts";
import { CellEdits } from "./celledits.ts";
import type { GridClient } from "./client.ts";
import { ColumnDrag } from "./columndrag.ts";
import { CellEditor } from "./edit.ts";
import { FilterPanel } from "./filterpanel.ts";
import { RovingFocus } from "./focus.ts";
import { Formatter, longestTexts } from "./format.ts";
import { Freshness } from "./freshness.ts";
import type { GridOptions } from "./gridoptions.ts";
import { InteractionLog, LayoutReports, QueryReports } from "./interactions.ts";
import { type FollowedJob, JobTray, saveFile } from "./jobs.ts";
import { Lookups } from "./lookups.ts";
import { MadeColumns } from "./made.ts";
import { StateMemory } from "./memory.ts";
import { Panels } from "./panels.ts";
import { Popovers } from "./popover.ts";
import type {
  ColumnSchema,
  EditResponse,
  GridSchema,
  GroupTerm,
  MethodSchema,
  PinSide,
  RowRecord,
  Value,
} from "./protocol.ts";
import { Reasons } from "./reasons.ts";
import { RowTree } from "./rowtree.ts";
import { SavedViews } from "./savedviews.ts";
import { measured, RowScroller } from "./scroll.ts";
import { Shares } from "./shares.ts";
import { type Change, GridState, GROUPS } from "./state.ts";
import { hasString, type Translate } from "./strings.ts";
import { countLabel, selectionLabel, sortLabel } from "./texts.ts";
import { Toast } from "./toast.ts";
import { Totals } from "./totals.ts";
import { ViewsPanel } from "./viewspanel.ts";
import { placeNote } from "./views/editor.ts";
import { gridView } from "./views/grid.ts";
import { closeDialog } from "./views/shells.ts";

const COUNT_DELAY_MS = 500;

export class Grid {
  readonly root: HTMLElement;
  readonly schema: GridSchema;
  readonly client: GridClient;
  readonly t: Translate;
  readonly uid: string;
  readonly loginUrl: string | null;
  readonly state: GridState;
  readonly windows: RowTree;
  readonly totals: Totals;
  readonly scroller: RowScroller;
  readonly focus: RovingFocus;
  readonly drag: ColumnDrag;
  readonly editor: CellEditor;
  readonly edits = new CellEdits(this);
  /** The columns that a pivot made. */
  readonly made = new MadeColumns(this);
  readonly shares = new Shares(this);
  readonly jobs: JobTray;
  readonly popovers: Popovers;
  readonly panels: Panels;
  readonly formatter: Formatter;
  readonly log: InteractionLog;
  readonly filters: FilterPanel;
  readonly lookups: Lookups;
  readonly changes: Changes;
  readonly reasons: Reasons;
  readonly freshness: Freshness;
  readonly toast: Toast;
  /** The saved views; null when the server keeps none. */
  readonly views: ViewsPanel | null;
  /** The text of a cell: what people read for a row of another grid, or the value; null when there is none. */
  readonly textOf = (column: ColumnSchema, value: Value): string | null =>
    this.lookups.label(column, value) ?? this.formatter.text(column, value);
  readonly isRtl = (): boolean => getComputedStyle(this.root).direction === "rtl";
  announcement = "";
  /** Row that an edit took out of the filter, still on show until the rows are asked for again. */
  strayRow: string | number | null = null;
  readonly #reports: QueryReports;
  readonly #layoutReports: LayoutReports;
  readonly #memory: StateMemory | null;
  readonly #countsByItself: boolean;
  readonly #cleanup = new AbortController();
  #frame = 0;
  #countTimer: ReturnType<typeof setTimeout> | undefined;
  #anchorRow: number | null = null;
  readonly #isFirstVisit: boolean;
  #hasSuggested = false;

  constructor(options: GridOptions) {
    const { root, schema, client, t } = options;
    this.root = root;
    this.schema = schema;
    this.client = client;
    this.t = t;
    this.uid = options.uid;
    this.loginUrl = options.loginUrl;
    this.#countsByItself = options.countsByItself;
    const timeZone = schema.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
    const changed = (): void => this.requestRender();
    const renderNow = (): void => this.renderNow();
    this.state = new GridState(schema);
    if (options.left) this.state.restore(options.left);
    const { views: list, marker } = options;
    const { state } = this;
    this.filters = new FilterPanel(this);
    this.lookups = new Lookups(client, changed);
    this.toast = new Toast(changed);
    this.reasons = new Reasons(schema.auditReason, options.reasons);
    this.changes = new Changes(this);
    this.freshness = new Freshness(this, options.refreshSeconds);
    this.views = list && new ViewsPanel(this, new SavedViews({ client, schema, state, list, marker, changed }));
    this.#isFirstVisit = options.left === null;
    const remembers = options.remembers && schema.limits?.stateBytes;
    this.#memory = remembers ? new StateMemory(client, this.state) : null;
    this.formatter = new Formatter({ locale: options.locale, timeZone, t });
    this.log = new InteractionLog(client, schema);
    this.#reports = new QueryReports(this.log);
    this.#layoutReports = new LayoutReports(this.log, this.state.layout);
    const fetchRows = rowsFetcher(this);
    const blockSize = Math.min(schema.defaultState?.pageSize ?? 100, schema.limits?.pageSize ?? 100);
    this.windows = new RowTree({ blockSize, fetchRows, changed, countsApart: hasLookups(schema) });
    this.totals = new Totals({ fetchRows, changed });
    this.scroller = new RowScroller({
      rowHeight: measured(root, "var(--gridkit-row-height, 36px)"),
      headerHeight: measured(root, "var(--gridkit-header-height, 44px)"),
      changed,
    });
    this.focus = new RovingFocus({
      root,
      extent: () => ({
        rows: this.windows.length,
        cols: this.columns.length + 1,
        page: this.scroller.pageRows,
      }),
      isRtl: this.isRtl,
      reveal: (row) => this.scroller.reveal(row),
      renderNow,
      changed,
    });
    this.panels = new Panels(options.learn, (error) => this.#panelsFailed(error));
    this.popovers = new Popovers({ root, renderNow, whenLoaded: (act) => this.panels.use(act) });
    this.drag = new ColumnDrag({
      state: this.state,
      isRtl: this.isRtl,
      changed,
      moved: (id) => this.#announceMove(id),
    });
    this.jobs = new JobTray({ client, changed: (item) => this.#jobChanged(item), saveFile });
    this.editor = new CellEditor({
      timeZone,
      label: (column, value) => this.lookups.label(column, value),
      resolve: (column, draft) => this.lookups.resolve(column, draft),
      save: async (row, changes) => client.edit(row, changes, this.state.rowsQuery, await this.changes.reason()),
      saved: (row, column, answer) => this.#saved(row, column, answer),
      changed,
    });
    this.state.subscribe((change) => this.#stateChanged(change));
  }

  /** Draws for the first time and asks for the first rows. */
  async start(): Promise<void> {
    const options = { signal: this.#cleanup.signal, capture: true, passive: true };
    const reposition = (): void => {
      this.popovers.reposition();
      placeNote(this);
    };
    window.addEventListener("resize", reposition, options);
    document.addEventListener("scroll", reposition, options);
    const keepDraft = (event: Event): unknown => this.editor.isDirty && event.preventDefault();
    window.addEventListener("beforeunload", keepDraft, { signal: this.#cleanup.signal });
    window.addEventListener("pagehide", () => this.#leave(), options);
    this.freshness.start(this.#cleanup.signal);
    this.renderNow();
    // How wide the element is decides what is pinned, and how wide the groups are.
    const sizes = new ResizeObserver(() => this.requestRender());
    sizes.observe(this.root);
    this.#cleanup.signal.addEventListener("abort", () => sizes.disconnect());
    await this.views?.start(this.#isFirstVisit);
    if (this.windows.query === null && !this.windows.isWaiting) await this.#open();
    if (!this.#cleanup.signal.aborted) await this.changes.pickUpJobs();
  }

  /** Stops requests, timers and listeners; the element left the page. */
  stop(): void {
    this.#cleanup.abort();
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#countTimer);
    this.#reports.close();
    this.windows.close();
    this.totals.close();
    this.filters.close();
    this.lookups.close();
    this.toast.hide();
    this.jobs.close();
    this.scroller.detach();
    this.#leave();
  }

  /** The export method, when the server offers it and the user may use it. */
  get exportMethod(): MethodSchema | undefined {
    return this.schema.methods?.find((method) => method.name === "export");
  }

  /** The columns of the table: before all others the groups, when there are any. */
  get columns(): readonly ColumnSchema[] {
    const { grouping, visible, figures } = this.state;
    const made = this.made.columns;
    if (!grouping.length && !made.length) return visible;
    const shown = made.length ? [...made.map(({ column }) => column), ...visible.filter(({ id }) => figures.has(id))] : visible;
    const label = grouping.map((term) => this.groupLabel(term)).join(" › ") || this.t("allRows");
    return [{ id: GROUPS, label, type: "text", filterable: false, sortable: grouping.length > 0 }, ...shown];
  }

  /** The name of a level of groups: "Carrier", or "Departure by month". */
  groupLabel({ col, by }: GroupTerm): string {
    const column = this.state.column(col)?.label ?? col;
    const key = `period_${by}`;
    return by && hasString(key) ? this.t("groupedByPeriod", { column, period: this.t(key) }) : column;
  }

  get mayEdit(): boolean {
    return this.schema.permissions?.edit !== false && this.state.columns.some((column) => column.editable);
  }

  /** Whether the user may make changes of any kind. */
  get mayChange(): boolean {
    return this.mayEdit || this.changes.canCreate || this.changes.canDelete;
  }

  canEdit(column: ColumnSchema): boolean {
    return column.editable === true && this.schema.permissions?.edit !== false;
  }

  announce(text: string): void {
    this.announcement = text;
    this.requestRender();
  }

  requestRender(): void {
    this.#frame ||= requestAnimationFrame(() => this.renderNow());
  }

  renderNow(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.scroller.setCount(this.windows.length);
    render(gridView(this), this.root);
    const viewport = this.root.querySelector<HTMLElement>(".gridkit-viewport");
    if (viewport) this.scroller.attach(viewport);
    placeNote(this);
    this.popovers.reposition();
    closeDialog(this);
    this.#ensureRows();
  }

  /** Sends again what failed: a query from its top, or the rows that come into view. */
  retry(): void {
    if (this.windows.query === null || this.windows.isWaiting) void this.#open();
    else void this.windows.retry();
  }

  /** Opens a group, or closes it. */
  setExpanded(index: number, expanded: boolean): void {
    const row = this.windows.row(index);
    if (!row?.g) return;
    this.windows.setExpanded(index, expanded);
    this.announce(this.t(expanded ? "groupOpened" : "groupClosed", { label: row.g.label || this.t("valueNone") }));
  }

  /** Groups by a column, or by a period of it; a column that is grouped by already is taken out. */
  toggleGroup(term: GroupTerm): void {
    this.popovers.finish();
    this.state.toggleGroup(term);
    this.renderNow();
    this.focus.moveTo({ row: -1, col: 1 });
  }

  sortBy(column: ColumnSchema, add: boolean): void {
    if (column.id === GROUPS) this.state.toggleGroupSort();
    else this.state.toggleSort(column.id, add);
    this.#announceSort();
  }

  /** Sorts by one column alone, in this direction. */
  sortTo(column: ColumnSchema, dir: "asc" | "desc" | null): void {
    this.popovers.finish();
    this.state.setSort(dir ? [{ col: column.id, dir }] : this.state.sort.filter((item) => item.col !== column.id));
    this.#announceSort();
  }

  /** Pins a column to a side, or with null to none; the focus stays on its header. */
  pinColumn(column: ColumnSchema, side: PinSide | null): void {
    this.popovers.finish();
    this.state.setPin(column.id, side);
    this.announce(this.t(side === "left" ? "pinnedLeft" : side ? "pinnedRight" : "pinnedNot", { column: column.label }));
    this.renderNow();
    this.focus.moveTo({ row: -1, col: this.columns.indexOf(column) + 1 });
  }

  #announceSort(): void {
    this.announce(sortLabel(this.state, this.t));
  }

  moveColumn(column: ColumnSchema, step: 1 | -1, among: readonly ColumnSchema[]): void {
    const target = among[among.indexOf(column) + step];
    if (!target) return;
    this.state.moveColumn(column.id, target.id);
    this.#announceMove(column.id);
  }

  /** Selects or deselects a row; with `range` all loaded rows from the last one touched. */
  toggleRow(index: number, range = false): void {
    const row = this.windows.row(index);
    if (!row || row.g) return;
    const on = !this.state.isSelected(row.id);
    const from = range ? (this.#anchorRow ?? index) : index;
    const rows: RowRecord[] = [];
    for (let at = Math.min(from, index); at <= Math.max(from, index); at++) {
      const other = this.windows.row(at);
      if (other && !other.g && this.state.isSelected(other.id) !== on) rows.push(other);
    }
    this.#anchorRow = index;
    this.state.select(
      rows.map((item) => item.id),
      on,
    );
    for (const item of rows) this.log.add(on ? "row:select" : "row:deselect", { rowId: item.id });
    this.announce(selectionLabel(this));
  }

  /** Selects every row that matches, also those that are not here. */
  selectAll(): void {
    this.state.selectAll();
    this.ensureCount();
    this.announce(selectionLabel(this));
  }

  /** Counts exactly what matches, unless that is known. */
  ensureCount(): void {
    if (this.matching === null && !this.windows.isGrouped) void this.windows.countExactly();
  }

  /** The number of rows that match, when it is known exactly. */
  get matching(): number | null {
    if (this.windows.isGrouped) return this.totals.rows;
    const { value, is } = this.windows.count;
    return is === "exact" ? value : null;
  }

  /** How many rows are selected; null while they are counted. */
  get selectedCount(): number | null {
    return this.state.selection.size(this.matching);
  }

  clearSelection(): void {
    if (!this.state.selection.isAll) {
      for (const rowId of this.state.selection.ids) this.log.add("row:deselect", { rowId });
    }
    this.state.clearSelection();
    this.announce(selectionLabel(this));
  }

  startExport(format: string, more: Readonly<Record<string, unknown>> = {}): void {
    const method = this.exportMethod;
    this.popovers.finish();
    const columns = this.state.ordered.filter((column) => this.state.isVisible(column.id)).map((column) => column.id);
    if (method) void this.jobs.start(method.name, format, { columns, ...this.state.rowsQuery }, more);
  }

  #saved(row: RowRecord, column: ColumnSchema, answer: EditResponse | null): void {
    this.windows.replace(row);
    if (!answer) return;
    const leaves = answer.matchesFilter === false;
    this.strayRow = leaves ? row.id : null;
    this.changes.saved(this.t(leaves ? "savedLeaves" : "saved", { column: column.label }), answer);
    this.#figuresChanged();
  }

  /** Puts a row as the server gave it in the place of the old one. */
  replaceRow(row: RowRecord): void {
    if (this.strayRow === row.id) this.strayRow = null;
    this.windows.replace(row);
    this.#figuresChanged();
  }

  /** A value of a row is another: figures of totals, and of groups, may be others, too. */
  #figuresChanged(): void {
    if (this.windows.isGrouped && this.state.figures.size) void this.reload();
    else void this.totals.open(this.state.query, true);
  }

  /** Asks again for the rows in view, because some have changed, come or gone. */
  async reload(): Promise<void> {
    this.strayRow = null;
    void this.totals.open(this.state.query, true);
    await this.windows.reload(this.scroller.visibleRange()?.[0] ?? 0);
    void this.#countLater();
  }

  /** Hands over what the server has not heard yet, in requests that outlive the page. */
  #leave(): void {
    this.#layoutReports.report();
    void this.log.flush(true);
    void this.#memory?.save(true);
  }

  #stateChanged(change: Change): void {
    this.#memory?.changed(change);
    if (change === "layout") this.#layoutReports.changed(this.state.layout);
    if (change === "query") void this.#open();
    else if (change === "layout" && this.state.visible.some((column) => !this.windows.holds(column.id))) {
      void this.windows.open(this.state.query, this.scroller.visibleRange()?.[0] ?? 0);
    }
    this.requestRender();
  }

  /** Asks for the rows of the query as it is now, and counts them afterwards. */
  async #open(): Promise<void> {
    const query = this.state.query;
    const began = performance.now();
    this.strayRow = null;
    clearTimeout(this.#countTimer);
    void this.totals.open(query);
    await this.windows.open(query);
    const ms = Math.round(performance.now() - began);
    if (this.windows.query !== query) return;
    this.scroller.scrollToTop();
    if (this.windows.length > 0 && !this.#hasSuggested) {
      this.#hasSuggested = true;
      this.state.suggestWidths(longestTexts(this.state.visible, this.windows.loaded(), this.textOf));
    }
    this.renderNow();
    await this.windows.countApart();
    if (this.windows.query !== query) return;
    this.#announceCount();
    this.#reports.queryAnswered(query, this.windows.count, ms);
    void this.#countLater();
  }

  async #countLater(): Promise<void> {
    clearTimeout(this.#countTimer);
    await this.windows.countApart();
    if (this.#countsByItself && this.windows.count.is === "atLeast") {
      this.#countTimer = setTimeout(() => void this.windows.countExactly(), COUNT_DELAY_MS);
    }
  }

  #ensureRows(): void {
    const range = this.scroller.visibleRange();
    if (!range || !this.windows.hasAnswer) return;
    const [first, last] = range;
    queueMicrotask(() => void this.windows.ensure(first - 10, last + 10));
    const isComplete = Boolean(this.windows.row(first) && this.windows.row(last));
    this.#reports.pageShown(first, last, isComplete);
  }

  #announceCount(): void {
    const { value } = this.windows.count;
    if (value === 0) this.announce(this.t(this.state.isNarrowed ? "emptyFiltered" : "emptyText"));
    else this.announce(countLabel(this.windows.count, this.formatter, this.t));
  }

  #announceMove(id: string): void {
    const position = this.state.visible.findIndex((column) => column.id === id) + 1;
    this.announce(this.t("movedTo", { column: this.state.column(id)?.label ?? id, position }));
  }

  #panelsFailed(error: unknown): void {
    console.warn("gridkit-grid: the panels could not be loaded.", error);
    this.popovers.finish();
    this.changes.close();
    this.toast.show(this.t("panelFailed"), null, true);
  }

  #jobChanged(item: FollowedJob | null): void {
    if (item?.format) this.panels.use(() => this.requestRender());
    if (item?.job?.state === "finished") this.announcement = this.t("jobFinished");
    const result = item?.job?.result;
    if (item?.title && result) {
      this.jobs.dismiss(item.key);
      this.changes.finished(result, item.title);
    }
    if (item?.job?.state === "failed") this.announcement = this.t("jobFailed");
    this.requestRender();
  }
}

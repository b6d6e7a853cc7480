/** The grid wire protocol, version 1, as the browser sees it (docs: the grid API reference). */

export type ColumnType =
  | "text"
  | "integer"
  | "decimal"
  | "float"
  | "boolean"
  | "date"
  | "datetime"
  | "time"
  | "uuid"
  | "json"
  | "choice";

/** A cell as JSON carries it: decimals are strings, dates are ISO 8601 strings. */
export type Value = unknown;

export interface Choice {
  readonly value: string | number | boolean;
  readonly label: string;
}

/** A filter that the grid offers beside the conditions of a column's type. */
export interface NamedFilter {
  readonly name: string;
  readonly label: string;
  /** Of one plain value; `object` for a value with `parts`. */
  readonly type: string;
  readonly many?: boolean;
  readonly parts?: readonly { readonly key: string; readonly type: string }[] | null;
  readonly choices?: readonly Choice[] | null;
}

export interface ColumnSchema {
  readonly id: string;
  readonly label: string;
  readonly type: ColumnType;
  readonly nullable?: boolean;
  readonly ops?: readonly string[];
  readonly sortable?: boolean;
  readonly filterable?: boolean;
  readonly searchable?: boolean;
  readonly editable?: boolean;
  readonly editor?: string | null;
  readonly groupable?: boolean;
  /** Functions that make a figure of the column: `sum`, `avg` … */
  readonly aggregates?: readonly string[];
  /** Periods that its days can be grouped by: `day`, `month` … */
  readonly periods?: readonly string[];
  /** Id of the grid whose rows are its values, or null. */
  readonly lookup?: string | null;
  readonly choices?: readonly Choice[] | null;
  readonly filters?: readonly NamedFilter[];
  readonly description?: string | null;
  readonly width?: number | null;
  /** Options of Intl.NumberFormat or Intl.DateTimeFormat. */
  readonly format?: (Intl.NumberFormatOptions & Intl.DateTimeFormatOptions & Affixes) | null;
}

/** What stands around a number. */
export interface Affixes {
  readonly prefix?: string;
  readonly suffix?: string;
}

export interface SortItem {
  readonly col: string;
  readonly dir: "asc" | "desc";
}

/** One condition on one column. */
export interface FilterLeaf {
  readonly col: string;
  readonly op: string;
  readonly value?: Value;
  readonly to?: Value;
  readonly name?: string;
}

export type FilterTree =
  | FilterLeaf
  | { readonly and: readonly FilterTree[] }
  | { readonly or: readonly FilterTree[] }
  | { readonly not: FilterTree };

/** A level of groups: equal values, or days of one period. */
export interface GroupTerm {
  readonly col: string;
  readonly by?: string | null;
}

/** A figure over the rows of a group, answered under the name `as`. */
export interface Aggregate {
  readonly col?: string | null;
  readonly fn: string;
  readonly as?: string | null;
}

/** The subset of JSON Schema (2020-12) that a method's arguments are read with. */
export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly enum?: readonly unknown[];
  /** What to show for each member of `enum`, in its order. */
  readonly enumNames?: readonly string[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly title?: string;
  readonly type?: unknown;
  readonly if?: JsonSchema;
  readonly then?: JsonSchema;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
}

export interface MethodSchema {
  readonly name: string;
  readonly label?: string;
  readonly plugin?: string | null;
  readonly schema?: JsonSchema | null;
}

export interface GridSchema {
  readonly v: number;
  readonly id: string;
  readonly label: string;
  readonly columns: readonly ColumnSchema[];
  readonly limits?: {
    readonly pageSize?: number;
    readonly sort?: number;
    readonly searchLength?: number;
    readonly events?: number;
    readonly stateBytes?: number;
    readonly views?: number;
    readonly groups?: number;
    readonly inList?: number;
    readonly batch?: number;
    readonly bulkRows?: number;
  };
  /** Names of spans that are relative to today, for the condition `relative`. */
  readonly relative?: readonly string[];
  readonly permissions?: {
    readonly edit?: boolean;
    readonly create?: boolean;
    readonly delete?: boolean;
    readonly export?: boolean;
    readonly share?: boolean;
  };
  readonly methods?: readonly MethodSchema[];
  readonly defaultState?: {
    readonly sort?: readonly SortItem[];
    readonly columns?: readonly string[];
    readonly pageSize?: number;
  };
  readonly auditReason?: "required" | "optional" | null;
  readonly timeZone?: string | null;
  /** Whether session and browser may be told apart by random ids that the browser keeps. */
  readonly rememberDevices?: boolean;
  readonly eventsUrl?: string | null;
}

export interface RowRecord {
  readonly id: string | number;
  /** Version token: the entity tag of the row, without its quotes. */
  readonly v: string | number;
  readonly d: Readonly<Record<string, Value>>;
  /** For a group: what holds its rows together. */
  readonly g?: GroupInfo | null;
  /** Column id to the classes of a cell that a style of its column fits. */
  readonly s?: Readonly<Record<string, string>>;
}

export interface GroupInfo {
  readonly key: Value;
  readonly label: string | null;
  readonly childCount: number;
  readonly level: number;
  /** True when there are groups inside; else rows are. */
  readonly expandable: boolean;
}

export type WindowRequest =
  | { readonly kind: "offset"; readonly start: number; readonly end: number }
  | { readonly kind: "cursor"; readonly after: string; readonly size: number };

/** What the user asked to see; the same object is sent with an export. */
export interface GridQuery {
  readonly columns: readonly string[];
  readonly sort: readonly SortItem[];
  readonly filter?: FilterTree;
  readonly search?: string;
  readonly group?: readonly (string | GroupTerm)[];
  readonly path?: readonly Value[];
  readonly aggregates?: readonly Aggregate[];
  readonly pivot?: PivotTerms;
}

/** Figures for each value of some columns, beside each other. */
export interface PivotTerms {
  readonly cols: readonly (string | GroupTerm)[];
  readonly values?: readonly Aggregate[];
}

/** A column that a pivot made. */
export interface PivotField {
  readonly field: string;
  readonly keys: readonly Value[];
  readonly labels: readonly (string | null)[];
  /** The name of its figure. */
  readonly value: string;
}

export interface RowsRequest extends GridQuery {
  readonly v: 1;
  readonly window: WindowRequest;
  readonly count: "none" | "capped" | "exact";
  readonly include?: readonly string[];
}

export interface RowCount {
  readonly value: number | null;
  readonly is: "exact" | "atLeast" | "estimate" | "unknown";
}

export interface RowsResponse {
  readonly rows: readonly RowRecord[];
  readonly window: {
    readonly start?: number | null;
    readonly hasNext?: boolean;
    readonly next?: string | null;
    readonly prev?: string | null;
  };
  readonly count?: RowCount | null;
  /** What people read for keys of other grids' rows, by column; only when asked for. */
  readonly labels?: Readonly<Record<string, readonly LabelledValue[]>> | null;
  /** Figures over all rows, by their names; only when asked for. */
  readonly totals?: Readonly<Record<string, Value>> | null;
  /** The columns that the pivot made, when there is one. */
  readonly pivotFields?: readonly PivotField[] | null;
}

export interface EditResponse {
  readonly row: RowRecord;
  readonly changed?: readonly string[];
  readonly matchesFilter?: boolean | null;
  /** Takes the edit back; null when that cannot be done. */
  readonly undo?: string | null;
}

/** The change of one row in a batch. */
export interface BatchItem {
  readonly op: "update";
  readonly id: string | number;
  readonly v: string;
  readonly changes: Readonly<Record<string, Value>>;
}

export interface BatchResponse {
  readonly results: readonly {
    readonly row: RowRecord | null;
    readonly problem: ProblemDocument | null;
  }[];
  readonly undo: string | null;
}

/** Which rows a bulk change is about: those that match the query, or those named, without those taken out. */
export interface BulkSelection {
  readonly query?: Pick<GridQuery, "filter" | "search">;
  readonly include?: readonly (string | number)[];
  readonly exclude?: readonly (string | number)[];
}

export interface BulkRequest {
  readonly action: "update" | "delete";
  readonly selection: BulkSelection;
  /** How many rows the user believes them to be. */
  readonly expectedCount: number;
  readonly changes?: Readonly<Record<string, Value>>;
  readonly cascade?: boolean;
}

export interface BulkResult {
  readonly rows: number;
  readonly changed: number;
  readonly undo: string | null;
}

export interface UndoResponse {
  readonly rows: readonly { readonly op: string; readonly id: string | number; readonly row: RowRecord | null }[];
  /** Rows that have moved on and were left alone. */
  readonly failed: readonly { readonly id: string; readonly detail: string }[];
  readonly undo: string | null;
}

/** One value of a column, with how many rows have it. */
export interface FacetValue {
  readonly value: Value;
  readonly label: string | null;
  readonly count: number;
}

export interface FacetResponse {
  readonly values: readonly FacetValue[];
  readonly next: string | null;
}

/** A key of a row of another grid, and what people read for it. */
export interface LabelledValue {
  readonly value: Value;
  readonly label: string;
}

export interface LookupResponse {
  readonly options: readonly LabelledValue[];
  readonly next: string | null;
}

export type JobState = "queued" | "running" | "finished" | "failed" | "cancelled";

export type JobKind = "export" | "bulk";

export interface Job {
  readonly id: string | number;
  readonly action?: string;
  readonly rowsTotal?: number | null;
  /** Rows a second. */
  readonly rate?: number | null;
  readonly secondsLeft?: number | null;
  readonly queuePosition?: number | null;
  readonly state: JobState;
  readonly progress?: number | null;
  readonly rows?: number | null;
  readonly format?: string | null;
  readonly error?: unknown;
  /** What a bulk change led to, once it is finished. */
  readonly result?: BulkResult | null;
}

export interface ProblemError {
  readonly pointer?: string;
  readonly code?: string;
  readonly detail?: string;
}

/** An RFC 9457 problem document. */
export interface ProblemDocument {
  readonly type?: string;
  readonly title?: string;
  readonly status?: number;
  readonly detail?: string;
  readonly code?: string;
  readonly errors?: readonly ProblemError[];
  readonly requestId?: string;
  readonly current?: RowRecord;
  /** What else a deletion would take along. */
  readonly cascades?: readonly { readonly label: string; readonly count: number }[];
  /** How many rows a selection holds. */
  readonly count?: number;
}

export type PinSide = "left" | "right";

/** How one column of a saved state is laid out; the place in the list is the place in the grid. */
export interface ColumnLayout {
  readonly col: string;
  readonly hidden?: boolean;
  readonly width?: number;
  readonly pin?: PinSide;
}

/** A state of a grid, as the server keeps it. */
export interface ViewState {
  readonly v: 1;
  readonly query?: {
    readonly columns?: readonly string[];
    readonly sort?: readonly SortItem[];
    readonly filter?: FilterTree;
    readonly search?: string;
    readonly group?: readonly (string | GroupTerm)[];
    readonly aggregates?: readonly Aggregate[];
    readonly pivot?: PivotTerms;
    readonly pageSize?: number;
  };
  readonly layout?: { readonly columns?: readonly ColumnLayout[] };
}

export type ViewScope = "private" | "group" | "public";

export interface ViewGroup {
  readonly id: number;
  readonly name: string;
}

/** A saved view in the list. */
export interface ViewEntry {
  readonly id: string;
  readonly name: string;
  readonly scope: ViewScope;
  readonly group: ViewGroup | null;
  readonly isDefault: boolean;
  readonly owner: string;
  /** Whether this user may change it. */
  readonly mine: boolean;
}

/** A saved view with what it holds for this user. */
export interface SavedView extends ViewEntry {
  readonly state: ViewState;
  readonly dropped: readonly string[];
}

export interface ViewList {
  readonly results: readonly ViewEntry[];
  /** The view that the grid opens with. */
  readonly default: string | null;
  /** The groups that this user may share views with. */
  readonly groups?: readonly ViewGroup[];
}

/** What is to be other in a view; what is left out stays. */
export interface ViewDraft {
  readonly name?: string;
  readonly scope?: ViewScope;
  readonly group?: number | null;
  readonly isDefault?: boolean;
  readonly state?: ViewState;
}

export interface StateAnswer {
  readonly state: ViewState | null;
}

/** An interaction the server may hear about. */
export interface InteractionEvent {
  readonly type:
    | "row:select"
    | "row:deselect"
    | "filter:apply"
    | "sort:change"
    | "page:change"
    | "column:show"
    | "column:hide"
    | "column:move"
    | "column:resize"
    | "column:pin";
  readonly payload: Readonly<Record<string, unknown>>;
}

/** What became of one reported event. */
export interface EventVerdict {
  readonly accepted: boolean;
  readonly code?: string | null;
  readonly detail?: string | null;
}

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
  readonly choices?: readonly Choice[] | null;
  readonly description?: string | null;
  readonly width?: number | null;
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
}

export type FilterTree = FilterLeaf | { readonly and: readonly FilterTree[] };

/** The subset of JSON Schema (2020-12) that a method's arguments are read with. */
export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly title?: string;
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
  };
  readonly permissions?: { readonly edit?: boolean; readonly export?: boolean };
  readonly methods?: readonly MethodSchema[];
  readonly defaultState?: {
    readonly sort?: readonly SortItem[];
    readonly columns?: readonly string[];
    readonly pageSize?: number;
  };
  readonly timeZone?: string | null;
  readonly eventsUrl?: string | null;
}

export interface RowRecord {
  readonly id: string | number;
  /** Version token: the entity tag of the row, without its quotes. */
  readonly v: string | number;
  readonly d: Readonly<Record<string, Value>>;
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
}

export interface RowsRequest extends GridQuery {
  readonly v: 1;
  readonly window: WindowRequest;
  readonly count: "none" | "capped" | "exact";
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
}

export interface EditResponse {
  readonly row: RowRecord;
  readonly changed?: readonly string[];
  readonly matchesFilter?: boolean | null;
}

export type JobState = "queued" | "running" | "finished" | "failed" | "cancelled";

export interface Job {
  readonly id: string | number;
  readonly state: JobState;
  readonly progress?: number | null;
  readonly rows?: number | null;
  readonly format?: string | null;
  readonly error?: unknown;
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
}

/** How one column of a saved state is laid out; the place in the list is the place in the grid. */
export interface ColumnLayout {
  readonly col: string;
  readonly hidden?: boolean;
  readonly width?: number;
}

/** A state of a grid, as the server keeps it. */
export interface ViewState {
  readonly v: 1;
  readonly query?: {
    readonly sort?: readonly SortItem[];
    readonly filter?: FilterTree;
    readonly search?: string;
  };
  readonly layout?: { readonly columns?: readonly ColumnLayout[] };
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
    | "column:resize";
  readonly payload: Readonly<Record<string, unknown>>;
}

/** What became of one reported event. */
export interface EventVerdict {
  readonly accepted: boolean;
  readonly code?: string | null;
  readonly detail?: string | null;
}

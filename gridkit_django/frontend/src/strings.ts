/** Every word the grid says. English is the default; the `strings` attribute replaces single keys. */

export const ENGLISH = {
  search: "Search",
  searchClear: "Clear search",
  columns: "Columns",
  columnsTitle: "Show and arrange columns",
  columnsReset: "Reset",
  moveUp: "Move {column} earlier",
  moveDown: "Move {column} later",
  movedTo: "{column} is now column {position}",
  resize: "Resize {column}",
  export: "Export",
  exportAs: "Export the current rows as",
  format_csv: "CSV (text)",
  format_json: "JSON",
  format_xlsx: "Excel (XLSX)",
  format_pdf: "PDF",
  exportOf: "{format} export",
  jobQueued: "Waiting",
  jobRunning: "Running",
  jobRows: "{rows} rows",
  jobFinished: "Ready",
  jobFailed: "Failed",
  jobCancelled: "Cancelled",
  jobUnreachable: "The server cannot be reached; trying again.",
  cancel: "Cancel",
  download: "Download",
  dismiss: "Dismiss",
  retry: "Try again",
  loading: "Loading rows",
  emptyTitle: "No rows",
  emptyText: "This table has no rows yet.",
  emptyFiltered: "No row matches the search and the filters.",
  clearAll: "Clear all",
  clearFilters: "Clear search and filters",
  errorTitle: "The rows could not be loaded",
  errorSchema: "The grid could not be opened",
  errorNetwork: "The server cannot be reached. Check the connection and try again.",
  errorUnreadable:
    "The server sent an answer that is not JSON. Perhaps the session has ended: reload the page.",
  errorReference: "Reference {id}",
  rowsExact: "{count} rows",
  rowsOne: "1 row",
  rowsAtLeast: "more than {count} rows",
  rowsEstimate: "about {count} rows",
  rowsUnknown: "number of rows unknown",
  rowsCounting: "counting",
  countExactly: "Count exactly",
  rowsShown: "{first} to {last}",
  selected: "{count} selected",
  selectionClear: "Clear selection",
  selectRow: "Select row",
  selectColumn: "Selection",
  filterBy: "Filter by {column}",
  filterActive: "Filter by {column} (active)",
  filterOperator: "Condition",
  filterValue: "Value",
  filterTo: "and",
  filterApply: "Apply",
  filterRemove: "Remove filter",
  filterRemoveOf: "Remove filter on {column}",
  filterList: "One value per line",
  filterNeedsValue: "Enter a value.",
  filterNeedsNumber: "Enter a number.",
  filterNeedsChoice: "Choose at least one value.",
  filters: "Filters",
  sortedBy: "Sorted by {columns}",
  sortedNone: "Not sorted",
  sortHint: "Click to sort; hold Shift to add to the sort.",
  ascending: "ascending",
  descending: "descending",
  edit: "Edit {column}",
  saving: "Saving",
  saved: "{column} saved",
  savedLeaves: "{column} saved. The row no longer matches the filter.",
  editFailed: "Not saved",
  conflictTitle: "Somebody else changed this row",
  conflictTheirs: "Theirs",
  conflictYours: "Yours",
  conflictKeepTheirs: "Keep theirs",
  conflictUseYours: "Use mine",
  invalidNumber: "Enter a number, for example 12.5.",
  invalidInteger: "Enter a whole number.",
  invalidJson: "Enter valid JSON.",
  invalidDate: "Enter a complete date.",
  required: "Enter a value; this column cannot be empty.",
  yes: "Yes",
  no: "No",
  empty: "empty",
  copied: "Copied",
  op_eq: "is",
  op_ne: "is not",
  op_lt: "less than",
  op_lte: "at most",
  op_gt: "greater than",
  op_gte: "at least",
  op_between: "between",
  op_lt_date: "before",
  op_lte_date: "until",
  op_gt_date: "after",
  op_gte_date: "from",
  op_in: "is one of",
  op_nin: "is none of",
  op_contains: "contains",
  op_ncontains: "does not contain",
  op_starts: "starts with",
  op_ends: "ends with",
  op_blank: "is empty",
  op_nblank: "is not empty",
  op_isTrue: "is yes",
  op_isFalse: "is no",
} as const;

export type StringKey = keyof typeof ENGLISH;

/** Looks up a text and fills its `{placeholders}`. */
export type Translate = (key: StringKey, values?: Readonly<Record<string, string | number>>) => string;

/** True when the key is one of ours; for keys made at run time, such as `format_csv`. */
export function hasString(key: string): key is StringKey {
  return Object.hasOwn(ENGLISH, key);
}

/**
 * Builds the lookup from the JSON of the `strings` attribute.
 *
 * Keys that we do not know and values that are not text are ignored: a translation written for a newer
 * version must not break the page.
 */
export function translator(json: string | null): Translate {
  const own = parseStrings(json);
  return (key, values = {}) => {
    const template = own.get(key) ?? ENGLISH[key];
    return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
  };
}

function parseStrings(json: string | null): ReadonlyMap<string, string> {
  if (!json) return new Map();
  try {
    const parsed: unknown = JSON.parse(json);
    const entries = Object.entries(parsed as Record<string, unknown>);
    return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  } catch (error) {
    console.warn("gridkit-grid: the strings attribute is not a JSON object; English is used.", error);
    return new Map();
  }
}

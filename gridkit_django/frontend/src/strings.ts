/**
 * Every word the grid says before a panel is open. English is the default; the `strings` attribute replaces single
 * keys, also of the words that come with the panels.
 */

import type { PANEL_ENGLISH } from "./panelstrings.ts";

export const ENGLISH = {
  search: "Search",
  columns: "Columns",
  movedTo: "{column} is now column {position}",
  resize: "Resize {column}",
  export: "Export",
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
  panelLoading: "Loading",
  panelFailed: "This part of the grid could not be loaded. Check the connection, or reload the page.",
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
  errorSignedOut: "You are signed out",
  errorSignIn: "Sign in again in another tab, then come back and try again. Nothing here is lost.",
  errorOtherSession:
    "Somebody has signed in anew in this browser since the page was opened. Reload the page; copy first what you typed.",
  errorServer: "The server failed (HTTP {status}). Try again; if it lasts, tell the administrator.",
  signIn: "Sign in",
  errorReference: "Reference {id}",
  rowsExact: "{count} rows",
  rowsOne: "1 row",
  rowsAtLeast: "more than {count} rows",
  rowsEstimate: "about {count} rows",
  rowsUnknown: "number of rows unknown",
  rowsCounting: "counting",
  countExactly: "Count exactly",
  rowsShown: "{first} to {last}",
  refresh: "Refresh",
  refreshed: "The rows are up to date.",
  refreshedChanged: "The rows have changed.",
  selected: "{count} selected",
  selectedAll: "All {count} matching rows selected",
  selectedAllUnknown: "All matching rows selected",
  selectAll: "Select all rows",
  selectAllCount: "Select all {count} matching rows",
  selectionClear: "Clear selection",
  selectRow: "Select row",
  selectColumn: "Selection",
  filterBy: "Filter by {column}",
  filterActive: "Filter by {column} (active)",
  filterTo: "and",
  filterRemoveOf: "Remove filter on {column}",
  filterNeedsValue: "Enter a value.",
  filterNeedsNumber: "Enter a number.",
  filterNeedsChoice: "Choose at least one value.",
  filters: "Filters",
  filterMenu: "Filter",
  filterAdvanced: "Advanced filter of the view",
  valueNone: "(no value)",
  andMore: "and {count} more",
  delete: "Delete",
  create: "New row",
  created: "Row made",
  createdElsewhere: "Row made. It does not match the filter.",
  deleteStart: "Delete…",
  deleted: "Row deleted",
  bulkEditStart: "Edit…",
  bulkEdit: "Change {count} rows",
  bulkDelete: "Delete {count} rows",
  bulkDone: "{title}: {count} changed",
  undo: "Undo",
  redo: "Redo",
  undone: "Taken back: {what}",
  redone: "Done again: {what}",
  undoFailed: "{count} rows have moved on and were left alone.",
  undoNothing: "There is nothing to undo.",
  reason: "Reason",
  reasonKept: "Reason: {reason}",
  reasonNone: "Changes without a reason",
  reasonForget: "Ask again",
  jobs: "Jobs",
  views: "Views",
  viewDeclared: "Default view",
  viewLinkLost: "The link leads to a view that does not exist, or that you may not see.",
  viewLinkCopied: "Link copied. Whoever may see the view can open it.",
  viewChanged: "changed",
  columnMenu: "Menu of {column}",
  pinnedLeft: "{column} pinned to the left",
  pinnedRight: "{column} pinned to the right",
  pinnedNot: "{column} not pinned",
  groupedByPeriod: "{column} by {period}",
  groupRemove: "Do not group by {column}",
  groupedBy: "Grouped by",
  groupOpen: "Open group {label}",
  groupClose: "Close group {label}",
  groupOpened: "Group {label} opened",
  groupClosed: "Group {label} closed",
  groupsCollapse: "Close all groups",
  groupsOne: "1 group",
  groupsExact: "{count} groups",
  groupsAtLeast: "more than {count} groups",
  pivot: "Pivot",
  allRows: "All rows",
  figureOf: "{figure} of {column}",
  figureRows: "Rows",
  period_day: "day",
  period_week: "week",
  period_month: "month",
  period_quarter: "quarter",
  period_year: "year",
  totals: "Total",
  fn_sum: "Sum",
  fn_avg: "Average",
  fn_min: "Smallest",
  fn_max: "Largest",
  fn_count: "Count",
  fn_countDistinct: "Different values",
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
  invalidOption: "Choose a value of the list.",
  invalidJson: "Enter valid JSON.",
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
  op_relative: "is in",
  relative_today: "Today",
  relative_yesterday: "Yesterday",
  relative_tomorrow: "Tomorrow",
  relative_thisWeek: "This week",
  relative_lastWeek: "Last week",
  relative_nextWeek: "Next week",
  relative_thisMonth: "This month",
  relative_lastMonth: "Last month",
  relative_nextMonth: "Next month",
  relative_thisQuarter: "This quarter",
  relative_lastQuarter: "Last quarter",
  relative_nextQuarter: "Next quarter",
  relative_thisYear: "This year",
  relative_lastYear: "Last year",
  relative_nextYear: "Next year",
  relative_yearToDate: "This year up to today",
  relative_last7Days: "Last 7 days",
  relative_last30Days: "Last 30 days",
  relative_last90Days: "Last 90 days",
  relative_last6Months: "Last 6 months",
  relative_last12Months: "Last 12 months",
  relative_last24Months: "Last 24 months",
} as const;

export type StringKey = keyof typeof ENGLISH | keyof typeof PANEL_ENGLISH;

/** Looks up a text and fills its `{placeholders}`. */
export type Translate = (key: StringKey, values?: Readonly<Record<string, string | number>>) => string;

/** Words by key. */
export type Texts = Readonly<Record<string, string>>;

export interface Translator {
  readonly t: Translate;
  /** Takes in words that came later. */
  readonly learn: (texts: Texts) => void;
}

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
export function translator(json: string | null): Translator {
  const own = parseStrings(json);
  let known: Texts = ENGLISH;
  return {
    t: (key, values = {}) => {
      const template = own.get(key) ?? known[key] ?? key;
      return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
    },
    learn: (texts) => {
      known = { ...known, ...texts };
    },
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

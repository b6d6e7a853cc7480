/** Sentences that are put together from data: row counts, errors and job states. */

import { RequestProblem } from "./client.ts";
import type { Formatter } from "./format.ts";
import type { Grid } from "./grid.ts";
import type { FollowedJob } from "./jobs.ts";
import type { RowCount } from "./protocol.ts";
import { hasString, type Translate } from "./strings.ts";

/** "336,776 rows" or "more than 10,000 rows", by what the count is. */
export function countLabel({ value, is }: RowCount, formatter: Formatter, t: Translate): string {
  if (value === null || is === "unknown") return t("rowsUnknown");
  const count = formatter.count(value);
  if (is === "exact") return value === 1 ? t("rowsOne") : t("rowsExact", { count });
  return t(is === "atLeast" ? "rowsAtLeast" : "rowsEstimate", { count });
}

/** "12 rows selected", or "All 5,000 matching rows selected". */
export function selectionLabel({ state, selectedCount, formatter, t }: Grid): string {
  const { isAll, ids } = state.selection;
  if (selectedCount === null) return t("selectedAllUnknown");
  const count = formatter.count(selectedCount);
  return t(isAll && ids.length === 0 ? "selectedAll" : "selected", { count });
}

/** "Sorted by Carrier ascending", or that nothing sorts. */
export function sortLabel(state: Grid["state"], t: Translate): string {
  const words = state.sort.map(
    (item) => `${state.column(item.col)?.label ?? item.col} ${t(item.dir === "asc" ? "ascending" : "descending")}`,
  );
  return words.length ? t("sortedBy", { columns: words.join(", ") }) : t("sortedNone");
}

/** The number of groups, and of all rows in them once they are counted. */
export function groupsLabel({ windows, totals, formatter, t }: Grid): string {
  const { value, is } = windows.count;
  const count = formatter.count(value ?? 0);
  const groups = value === 1 ? t("groupsOne") : t(is === "exact" ? "groupsExact" : "groupsAtLeast", { count });
  if (totals.rows === null) return groups;
  const rows = countLabel({ value: totals.rows, is: "exact" }, formatter, t);
  return `${groups} · ${rows}`;
}

export interface ProblemText {
  readonly title: string;
  readonly detail: string;
  /** The request id to tell the administrator; empty when there is none. */
  readonly reference: string;
}

/** Title, detail and reference of a failure; our words where the server gave none. */
export function problemText(error: unknown, title: string, t: Translate): ProblemText {
  if (!(error instanceof RequestProblem)) return { title, detail: String(error), reference: "" };
  if (error.status === 0) return { title, detail: t("errorNetwork"), reference: "" };
  if (error.status === 401) return { title: t("errorSignedOut"), detail: t("errorSignIn"), reference: "" };
  if (error.code === "csrf-failed") return { title, detail: t("errorOtherSession"), reference: "" };
  if (error.code === "unreadable") return { title, detail: t("errorUnreadable"), reference: "" };
  if (!error.code && !error.document.detail && error.status >= 500)
    return { title, detail: t("errorServer", { status: error.status }), reference: "" };
  const { title: named, detail, errors, requestId } = error.document;
  const fields = (errors ?? []).flatMap((item) =>
    item.detail && item.detail !== detail ? [item.detail] : [],
  );
  return {
    title: named || title,
    detail: [detail ?? "", ...fields].filter(Boolean).join(" ") || `HTTP ${error.status}`,
    reference: requestId ?? "",
  };
}

/** The words for a function that makes figures. */
export function figureLabel(fn: string, t: Translate): string {
  const key = `fn_${fn}`;
  return hasString(key) ? t(key) : fn;
}

/** The name of an export format: ours, or the format in capitals when a plugin added it. */
export function formatLabel(format: string, t: Translate): string {
  const key = `format_${format}`;
  return hasString(key) ? t(key) : format.toUpperCase();
}

/** How far an export is, in words. */
export function jobText(item: FollowedJob, formatter: Formatter, t: Translate): string {
  const { job, error } = item;
  if (error !== null && job?.state !== "failed" && job) return t("jobUnreachable");
  if (error !== null) return problemText(error, t("jobFailed"), t).detail;
  if (!job) return t("jobQueued");
  const rows = job.rows ? t("jobRows", { rows: formatter.count(job.rows) }) : "";
  const state = t(STATES[job.state]);
  if (job.state === "failed") return [state, jobError(job.error)].filter(Boolean).join(": ");
  return [state, rows].filter(Boolean).join(" · ");
}

const STATES = {
  queued: "jobQueued",
  running: "jobRunning",
  finished: "jobFinished",
  failed: "jobFailed",
  cancelled: "jobCancelled",
} as const;

function jobError(error: unknown): string {
  if (typeof error === "string") return error;
  const detail = (error as { detail?: unknown } | null)?.detail;
  return typeof detail === "string" ? detail : "";
}

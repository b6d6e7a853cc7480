/** Pasting a block of cells: from the cell under the focus to the right and down, all of it or nothing. */

import { RequestProblem, requestKey } from "./client.ts";
import type { Grid } from "./grid.ts";
import { parseTable, readText } from "./pasting.ts";
import type { BatchItem, BatchResponse, ColumnSchema, RowRecord, Value } from "./protocol.ts";
import { ReasonWithheld } from "./reasons.ts";
import { problemText } from "./texts.ts";

/** The most rows where the server says nothing of it. */
const MOST = 500;

/** What is wrong with a line of what is pasted. */
class Misfit extends Error {}

/** Pastes text into the cells from the one under the focus on. */
export async function pasteCells(grid: Grid, text: string): Promise<void> {
  const { toast, t } = grid;
  try {
    const plan = await planOf(grid, parseTable(text));
    if (!plan.items.length) return toast.show(t("pasteSame"));
    await send(grid, plan);
  } catch (error) {
    if (error instanceof ReasonWithheld) return;
    if (error instanceof Misfit) return toast.show(`${t("pasteNothing")} ${error.message}`, null, true);
    if (!(error instanceof RequestProblem)) throw error;
    toast.show(`${t("pasteNothing")} ${refusal(grid, error)}`, null, true);
    if (error.code === "batch-rejected") void grid.freshness.ask();
  }
}

interface Plan {
  readonly items: readonly BatchItem[];
  readonly cells: number;
}

async function planOf(grid: Grid, lines: readonly (readonly string[])[]): Promise<Plan> {
  const { windows, focus, schema, formatter, t } = grid;
  const { row, col } = focus.active;
  const most = schema.limits?.batch ?? MOST;
  if (lines.length > most) throw new Misfit(t("pasteTooMany", { count: formatter.count(most) }));
  const columns = grid.columns.slice(col - 1);
  await windows.ensure(row, row + lines.length - 1);
  const items = lines.map((line, at) => {
    const record = windows.row(row + at);
    if (!record || record.g) throw new Misfit(t("pasteEnd", { line: at + 1 }));
    return { op: "update" as const, id: record.id, v: String(record.v), changes: changesOf(grid, line, at, columns, record) };
  });
  const changed = items.filter(({ changes }) => Object.keys(changes).length);
  return { items: changed, cells: changed.reduce((sum, { changes }) => sum + Object.keys(changes).length, 0) };
}

function changesOf(
  grid: Grid,
  line: readonly string[],
  at: number,
  columns: readonly ColumnSchema[],
  record: RowRecord,
): Record<string, Value> {
  const changes: Record<string, Value> = {};
  line.forEach((text, place) => {
    const column = columns[place];
    if (!column) throw misfit(grid, at, "", grid.t("pasteWide"));
    if (text === (grid.textOf(column, record.d[column.id]) ?? "")) return;
    const value = valueOf(grid, column, text, at);
    if (value !== record.d[column.id]) changes[column.id] = value;
  });
  return changes;
}

function valueOf(grid: Grid, column: ColumnSchema, text: string, at: number): Value {
  const { formatter, lookups, t } = grid;
  if (!grid.canEdit(column)) throw misfit(grid, at, column.label, t("pasteFixed"));
  const { locale, timeZone } = formatter;
  const parsed = readText(column, lookups.resolve(column, text), { locale, timeZone, yes: t("yes"), no: t("no") });
  if ("problem" in parsed) throw misfit(grid, at, column.label, t(parsed.problem));
  return parsed.value;
}

function misfit({ t }: Grid, at: number, column: string, what: string): Misfit {
  const place = t("pasteLine", { line: at + 1 });
  return new Misfit(`${column ? `${place}, ${column}` : place}: ${what}`);
}

async function send(grid: Grid, { items, cells }: Plan): Promise<void> {
  const { changes, client, windows, state, formatter, t } = grid;
  const reason = await changes.reason();
  const answer = await client.batch(items, state.rowsQuery, requestKey(), reason);
  const rows = answer.results.flatMap(({ row }) => row ?? []);
  for (const row of rows.slice(1)) windows.replace(row);
  if (rows[0]) grid.replaceRow(rows[0]);
  const count = formatter.count(cells);
  changes.saved(cells === 1 ? t("pastedOne") : t("pasted", { count }), answer);
}

/** Why the server took nothing: the first item that it blames. */
function refusal(grid: Grid, error: RequestProblem): string {
  const { results = [] } = error.document as Partial<BatchResponse>;
  const at = results.findIndex(({ problem }) => problem);
  const problem = results[at]?.problem;
  if (!problem) return problemText(error, "", grid.t).detail;
  const detail = problem.errors?.find((item) => item.detail)?.detail ?? problem.detail ?? "";
  return `${grid.t("pasteLine", { line: at + 1 })}: ${problem.status === 412 ? grid.t("pasteConflict") : detail}`;
}

/** Pivots: the columns that an answer made of the values across, with the bands above them. */

import { groupTerm } from "./grouping.ts";
import type { Aggregate, ColumnSchema, GridQuery, GroupTerm, PivotField, PivotTerms, Value } from "./protocol.ts";

/** A column that a pivot made: one figure, for one combination of the values across. */
export interface MadeColumn {
  readonly column: ColumnSchema;
  /** The column that the figure is computed of; null for a number of rows. */
  readonly source: ColumnSchema | null;
  readonly fn: string;
  /** What people read for the values across, outermost first. */
  readonly labels: readonly string[];
}

/** A stretch of made columns that share the values across down to a level. */
export interface Band {
  readonly label: string;
  /** Place of its first column among the made ones. */
  readonly first: number;
  readonly span: number;
}

export interface PivotWords {
  readonly column: (id: string) => ColumnSchema | undefined;
  /** The words for a value across. */
  readonly keyText: (term: GroupTerm, key: Value, label: string | null) => string;
  /** The words for a figure. */
  readonly figureText: (fn: string, source: ColumnSchema | null) => string;
}

/** The figure that stands for itself when none was chosen: how many rows there are. */
const ROWS: Aggregate = { fn: "count", as: "count" };

/** The pivot of a query: its figures are those of the groups, or else the number of rows. */
export function pivotOf(cols: readonly GroupTerm[], aggregates: readonly Aggregate[]): PivotTerms {
  return { cols, values: aggregates.length ? aggregates : [ROWS] };
}

export function madeColumns(fields: readonly PivotField[], query: GridQuery, words: PivotWords): readonly MadeColumn[] {
  const terms = (query.pivot?.cols ?? []).map(groupTerm);
  const figures = new Map((query.pivot?.values ?? []).map((item) => [item.as, item]));
  return fields.map(({ field, keys, labels, value }) => {
    const { col = null, fn = "" } = figures.get(value) ?? {};
    const source = col ? (words.column(col) ?? null) : null;
    const texts = terms.map((term, level) => words.keyText(term, keys[level], labels[level] ?? null));
    const column: ColumnSchema = {
      id: field,
      label: words.figureText(fn, source),
      description: `${texts.join(", ")}: ${words.figureText(fn, source)}`,
      type: fn === "min" || fn === "max" ? (source?.type ?? "float") : "float",
      sortable: false,
      filterable: false,
    };
    return { column, source, fn, labels: texts };
  });
}

/** The bands of one level, in the order of their columns. */
export function bandsOf(made: readonly MadeColumn[], level: number): readonly Band[] {
  const bands: Band[] = [];
  let before = "";
  for (const [index, { labels }] of made.entries()) {
    const path = JSON.stringify(labels.slice(0, level + 1));
    const last = bands.at(-1);
    if (last && path === before) bands[bands.length - 1] = { ...last, span: last.span + 1 };
    else bands.push({ label: labels[level] ?? "", first: index, span: 1 });
    before = path;
  }
  return bands;
}

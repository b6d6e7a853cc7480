/** Groups and figures: what a query asks of one level, and how sort terms fit it. Pure functions. */

import type { Aggregate, GridQuery, GroupTerm, SortItem, Value } from "./protocol.ts";

/** The name under which the figure of a column is answered. */
export const figureName = (fn: string, col: string): string => `${fn}_${col}`;

/** The figures of a query, from the function that is chosen for each column. */
export function aggregatesOf(figures: Iterable<readonly [string, string]>): readonly Aggregate[] {
  return [...figures].map(([col, fn]) => ({ col, fn, as: figureName(fn, col) }));
}

/** A level of groups, however it was written. */
export function groupTerm(term: string | GroupTerm): GroupTerm {
  return typeof term === "string" ? { col: term } : term.by ? { col: term.col, by: term.by } : { col: term.col };
}

export function isSameTerm(one: GroupTerm, other: GroupTerm): boolean {
  return one.col === other.col && (one.by ?? null) === (other.by ?? null);
}

/** True when the path leads to groups, false when it leads to rows. */
export function isGroupLevel(query: GridQuery, path: readonly Value[]): boolean {
  return path.length < (query.group?.length ?? 0);
}

/** The query for what is inside a group: its groups, or at the innermost level its rows. */
export function levelQuery(query: GridQuery, path: readonly Value[]): GridQuery {
  const { aggregates = [], ...rest } = query;
  const isGroups = isGroupLevel(query, path) || query.pivot !== undefined;
  const sort = isGroups ? groupSort(query, path.length) : query.sort;
  return { ...rest, sort, ...(path.length ? { path } : {}), ...(isGroups && aggregates.length ? { aggregates } : {}) };
}

/** The terms that order groups: by their key, or by the figure of the sorted column. */
function groupSort({ sort, group = [], aggregates = [] }: GridQuery, level: number): readonly SortItem[] {
  const term = group[level];
  const key = term && groupTerm(term).col;
  return sort.flatMap((item) => {
    if (item.col === key) return [item];
    const figure = aggregates.find((found) => found.col === item.col);
    return figure?.as ? [{ ...item, col: figure.as }] : [];
  });
}

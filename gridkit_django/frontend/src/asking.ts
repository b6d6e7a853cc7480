/** Requests for rows with what the element needs beside them: labels, and a group around the one line of a pivot. */

import type { GridClient } from "./client.ts";
import type { Grid } from "./grid.ts";
import type { GridSchema, GroupInfo, RowsResponse } from "./protocol.ts";

export const hasLookups = ({ columns }: GridSchema): boolean => columns.some((column) => column.lookup);

/** Labels cost an SQL query: a request for a count, or for totals, does without. */
export function rowsFetcher({ client, lookups, schema, t }: Grid): GridClient["rows"] {
  return async (request, signal) => {
    const isBare = request.count !== "none" || request.include || !hasLookups(schema);
    const answer = await client.rows(isBare ? request : { ...request, include: ["labels"] }, signal);
    lookups.learn(answer.labels);
    return request.pivot && !request.group?.length ? asGroup(answer, t("allRows")) : answer;
  };
}

function asGroup(answer: RowsResponse, label: string): RowsResponse {
  const g: GroupInfo = { key: null, label, childCount: 0, level: 0, expandable: false };
  return { ...answer, rows: answer.rows.map((row) => ({ ...row, g })) };
}

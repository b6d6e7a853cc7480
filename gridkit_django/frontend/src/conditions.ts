/** How the form of a filter begins with a condition, and becomes one. */

import { type ColumnCondition, filterOf, operatorsOf, takesList, takesPreset, takesValue } from "./filters.ts";
import { readNamed } from "./namedfilters.ts";
import type { ColumnSchema, Value } from "./protocol.ts";
import { instantToWall, isNaive, wallToInstant } from "./timezone.ts";

/** What the editor's form holds: raw text of the inputs. */
export interface ConditionDraft {
  readonly op: string;
  readonly value: string;
  readonly to: string;
  readonly chosen: ReadonlySet<string>;
  /** The members of a value that is an object, of a named filter. */
  readonly parts: Readonly<Record<string, string>>;
}

export type DraftProblem = "filterNeedsValue" | "filterNeedsNumber" | "filterNeedsChoice";

/** Opens the form on a condition that exists, or on the first one offered. */
export function draftOf(
  column: ColumnSchema,
  condition: ColumnCondition | null,
  timeZone: string,
): ConditionDraft {
  const named = condition?.op === "filter" ? `filter:${condition.name}` : undefined;
  const op = named ?? condition?.op ?? operatorsOf(column)[0] ?? "eq";
  const isObject = typeof condition?.value === "object" && !Array.isArray(condition.value);
  const parts = isObject ? Object.entries(condition.value ?? {}).map(([key, part]) => [key, String(part)]) : [];
  const list = Array.isArray(condition?.value) ? condition.value.map(String) : null;
  const text = (value: Value): string => {
    if (value === undefined || value === null) return "";
    const wall = column.type === "datetime" && !isNaive(String(value));
    return wall ? instantToWall(String(value), timeZone) : String(value);
  };
  return {
    op,
    parts: Object.fromEntries(parts),
    value: list ? list.join("\n") : isObject ? "" : text(condition?.value),
    to: text(condition?.to),
    chosen: new Set(list ?? []),
  };
}

/** Reads the form: a condition, or the key of the message that says what is missing. */
export function conditionOf(
  column: ColumnSchema,
  draft: ConditionDraft,
  timeZone: string,
): ColumnCondition | DraftProblem {
  const { op } = draft;
  const named = filterOf(column, op);
  if (named) return readNamed(named, draft);
  if (!takesValue(op)) return { op };
  if (takesPreset(op)) return draft.value ? { op, value: draft.value } : "filterNeedsChoice";
  if (takesList(op)) return listCondition(column, draft);
  const value = parseOperand(column, draft.value, timeZone);
  if (value === undefined) return "filterNeedsValue";
  if (Number.isNaN(value)) return "filterNeedsNumber";
  if (op !== "between") return { op, value };
  const to = parseOperand(column, draft.to, timeZone);
  if (to === undefined) return "filterNeedsValue";
  return Number.isNaN(to) ? "filterNeedsNumber" : { op, value, to };
}

function listCondition(column: ColumnSchema, draft: ConditionDraft): ColumnCondition | DraftProblem {
  if (column.choices?.length) {
    const value = column.choices
      .filter((item) => draft.chosen.has(String(item.value)))
      .map((item) => item.value);
    return value.length ? { op: draft.op, value } : "filterNeedsChoice";
  }
  const value = draft.value
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  return value.length ? { op: draft.op, value } : "filterNeedsValue";
}

/** One operand in wire form; undefined when it is missing, NaN when it is not a number. */
function parseOperand(column: ColumnSchema, text: string, timeZone: string): Value {
  const trimmed = column.type === "text" ? text : text.trim();
  if (trimmed === "") return undefined;
  switch (column.type) {
    case "integer":
    case "float":
      return Number(trimmed);
    case "decimal":
      return Number.isNaN(Number(trimmed)) ? Number.NaN : trimmed;
    case "datetime":
      return wallToInstant(trimmed, timeZone);
    default:
      return trimmed;
  }
}

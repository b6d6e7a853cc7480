/** Column filters: which conditions a type offers, how a form becomes a leaf, how a leaf reads. */

import type { Formatter } from "./format.ts";
import type { ColumnSchema, FilterLeaf, FilterTree, Value } from "./protocol.ts";
import { hasString, type StringKey, type Translate } from "./strings.ts";
import { instantToWall, isNaive, wallToInstant } from "./timezone.ts";

/** One condition of a column as it is kept in the state. */
export interface ColumnCondition {
  readonly op: string;
  readonly value?: Value;
  readonly to?: Value;
}

/** What the editor's form holds: raw text of the inputs. */
export interface ConditionDraft {
  readonly op: string;
  readonly value: string;
  readonly to: string;
  readonly chosen: ReadonlySet<string>;
}

export type DraftProblem = "filterNeedsValue" | "filterNeedsNumber" | "filterNeedsChoice";

const BLANKS = ["blank", "nblank"] as const;
const TEXT_OPS = ["contains", "ncontains", "eq", "ne", "starts", "ends", "in", ...BLANKS] as const;
const ORDERED_OPS = ["eq", "ne", "lt", "lte", "gt", "gte", "between", "relative", ...BLANKS] as const;
const CHOICE_OPS = ["in", "nin", ...BLANKS] as const;
const BOOLEAN_OPS = ["isTrue", "isFalse", ...BLANKS] as const;
const PLAIN_OPS = ["eq", "ne", ...BLANKS] as const;
const ORDERED_TYPES: ReadonlySet<string> = new Set([
  "integer",
  "decimal",
  "float",
  "date",
  "datetime",
  "time",
]);
const DATE_TYPES: ReadonlySet<string> = new Set(["date", "datetime", "time"]);
const NO_VALUE: ReadonlySet<string> = new Set([...BLANKS, "isTrue", "isFalse"]);
const LISTS: ReadonlySet<string> = new Set(["in", "nin"]);

export const takesValue = (op: string): boolean => !NO_VALUE.has(op);
export const takesList = (op: string): boolean => LISTS.has(op);
export const takesPreset = (op: string): boolean => op === "relative";

/** Conditions offered for the column: those of its type that the server also allows, in a fixed order. */
export function operatorsOf(column: ColumnSchema): readonly string[] {
  const canBeBlank = column.nullable !== false || column.type === "text";
  const isAllowed = (op: string): boolean => column.ops?.includes(op) ?? op !== "relative";
  return wantedOperators(column).filter((op) => isAllowed(op) && (canBeBlank || !isBlank(op)));
}

export function canFilter(column: ColumnSchema): boolean {
  return column.filterable !== false && operatorsOf(column).length > 0;
}

/** True for a column whose values can be counted and chosen one by one. */
export function hasValueList(column: ColumnSchema): boolean {
  return column.groupable === true && (column.ops?.includes("in") ?? false);
}

function isBlank(op: string): boolean {
  return op === "blank" || op === "nblank";
}

function wantedOperators(column: ColumnSchema): readonly string[] {
  if (column.choices?.length) return CHOICE_OPS;
  if (column.type === "boolean") return BOOLEAN_OPS;
  if (ORDERED_TYPES.has(column.type)) return ORDERED_OPS;
  return column.type === "text" || column.type === "choice" ? TEXT_OPS : PLAIN_OPS;
}

/** The words for a condition; dates read "before" where numbers read "less than". */
export function operatorLabel(column: ColumnSchema, op: string, t: Translate): string {
  const dated = `op_${op}_date`;
  if (DATE_TYPES.has(column.type) && hasString(dated)) return t(dated);
  const key = `op_${op}`;
  return hasString(key) ? t(key) : op;
}

/** Opens the form on a condition that exists, or on the first one offered. */
export function draftOf(
  column: ColumnSchema,
  condition: ColumnCondition | null,
  timeZone: string,
): ConditionDraft {
  const op = condition?.op ?? operatorsOf(column)[0] ?? "eq";
  const list = Array.isArray(condition?.value) ? condition.value.map(String) : null;
  const text = (value: Value): string => {
    if (value === undefined || value === null) return "";
    const wall = column.type === "datetime" && !isNaive(String(value));
    return wall ? instantToWall(String(value), timeZone) : String(value);
  };
  return {
    op,
    value: list ? list.join("\n") : text(condition?.value),
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

/** The filter tree of the protocol: leaves joined by AND with what no form can show; undefined without any. */
export function filterTree(
  conditions: Iterable<readonly [string, ColumnCondition]>,
  rest: FilterTree | null = null,
): FilterTree | undefined {
  const leaves: FilterTree[] = [...conditions].map(([col, condition]): FilterLeaf => ({ col, ...condition }));
  if (rest) leaves.push(..."and" in rest ? rest.and : [rest]);
  return leaves.length ? { and: leaves } : undefined;
}

/** A tree as one condition for each column, and the part that is too rich for that. */
export interface SplitTree {
  readonly conditions: ReadonlyMap<string, ColumnCondition>;
  readonly rest: FilterTree | null;
}

export function splitTree(tree: FilterTree): SplitTree {
  const conditions = new Map<string, ColumnCondition>();
  const rest: FilterTree[] = [];
  for (const node of "and" in tree ? tree.and : [tree]) {
    if (!("col" in node) || conditions.has(node.col)) rest.push(node);
    else {
      const { col, ...condition } = node;
      conditions.set(col, condition);
    }
  }
  return { conditions, rest: rest.length ? { and: rest } : null };
}

/** Values that a chip names before it counts. */
const NAMED_VALUES = 4;

/** How a chip reads: "Carrier is one of UA, AA"; `nameOf` names values that are rows of another grid. */
export function describeCondition(
  column: ColumnSchema,
  condition: ColumnCondition,
  formatter: Formatter,
  t: Translate,
  nameOf: (value: Value) => string | null = () => null,
): string {
  const words = [column.label, operatorLabel(column, condition.op, t)];
  const text = (value: Value): string => nameOf(value) || formatter.text(column, value) || t("empty");
  if (Array.isArray(condition.value)) words.push(listText(condition.value.map(text), t));
  else if (takesPreset(condition.op)) words.push(presetLabel(String(condition.value), t));
  else if (takesValue(condition.op)) words.push(text(condition.value));
  if (condition.op === "between") words.push(t("filterTo" satisfies StringKey), text(condition.to));
  return words.join(" ");
}

function listText(values: readonly string[], t: Translate): string {
  const named = values.slice(0, NAMED_VALUES).join(", ");
  const more = values.length - NAMED_VALUES;
  return more > 0 ? `${named} ${t("andMore", { count: more })}` : named;
}

/** The words for a span that is relative to today. */
export function presetLabel(preset: string, t: Translate): string {
  const key = `relative_${preset}`;
  return hasString(key) ? t(key) : preset;
}

/** Column filters: which conditions a type offers, how a form becomes a leaf, how a leaf reads. */

import type { Formatter } from "./format.ts";
import type { ColumnSchema, FilterLeaf, FilterTree, NamedFilter, Value } from "./protocol.ts";
import { hasString, type StringKey, type Translate } from "./strings.ts";

/** One condition of a column as it is kept in the state. */
export interface ColumnCondition {
  readonly op: string;
  readonly value?: Value;
  readonly to?: Value;
  /** For the op `filter`: which of the column's named filters. */
  readonly name?: string;
}

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
  const named = column.filters?.map(({ name }) => `filter:${name}`) ?? [];
  return [...wantedOperators(column).filter((op) => isAllowed(op) && (canBeBlank || !isBlank(op))), ...named];
}

/** The named filter that an operator of the form stands for; undefined for a condition of the column's type. */
export function filterOf(column: ColumnSchema, op: string): NamedFilter | undefined {
  return op.startsWith("filter:") ? column.filters?.find(({ name }) => op === `filter:${name}`) : undefined;
}

export function canFilter(column: ColumnSchema): boolean {
  return (column.filterable !== false || Boolean(column.filters?.length)) && operatorsOf(column).length > 0;
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
  const named = filterOf(column, op);
  if (named) return named.label;
  const dated = `op_${op}_date`;
  if (DATE_TYPES.has(column.type) && hasString(dated)) return t(dated);
  const key = `op_${op}`;
  return hasString(key) ? t(key) : op;
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
  if (condition.op === "filter") return describeNamed(column, condition, t);
  const words = [column.label, operatorLabel(column, condition.op, t)];
  const text = (value: Value): string => nameOf(value) || formatter.text(column, value) || t("empty");
  if (Array.isArray(condition.value)) words.push(listText(condition.value.map(text), t));
  else if (takesPreset(condition.op)) words.push(presetLabel(String(condition.value), t));
  else if (takesValue(condition.op)) words.push(text(condition.value));
  if (condition.op === "between") words.push(t("filterTo" satisfies StringKey), text(condition.to));
  return words.join(" ");
}

/** How a named filter reads: "Pages, by size: min 100, max 300". */
function describeNamed(column: ColumnSchema, { name, value }: ColumnCondition, t: Translate): string {
  const named = column.filters?.find((other) => other.name === name);
  const text = (part: Value): string =>
    named?.choices?.find((item) => String(item.value) === String(part))?.label ??
    (typeof part === "boolean" ? t(part ? "yes" : "no") : String(part));
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const texts = isObject
    ? Object.entries(value).map(([key, part]) => `${key} ${text(part)}`)
    : (Array.isArray(value) ? value : [value]).map(text);
  return `${column.label}, ${named?.label ?? name}: ${texts.join(", ")}`;
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

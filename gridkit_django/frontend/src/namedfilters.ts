/** Named filters of a column: what the form holds becomes the value that the filter takes. */

import type { ConditionDraft, DraftProblem } from "./conditions.ts";
import type { ColumnCondition } from "./filters.ts";
import type { NamedFilter, Value } from "./protocol.ts";

/** Reads the form: a condition, or the key of the message that says what is missing. The server judges the values. */
export function readNamed(filter: NamedFilter, draft: ConditionDraft): ColumnCondition | DraftProblem {
  const value = valueOf(filter, draft);
  if (value === undefined) return filter.choices?.length || filter.type === "boolean" ? "filterNeedsChoice" : "filterNeedsValue";
  return { op: "filter", name: filter.name, value };
}

function valueOf({ type, many, parts, choices }: NamedFilter, draft: ConditionDraft): Value {
  const text = draft.value.trim();
  if (parts?.length) {
    const given = parts.flatMap(({ key }) => (draft.parts[key]?.trim() ? [[key, draft.parts[key]?.trim()] as const] : []));
    return given.length ? Object.fromEntries(given) : undefined;
  }
  if (many) {
    const list = choices ? choices.map((item) => item.value).filter((item) => draft.chosen.has(String(item))) : lines(text);
    return list.length ? list : undefined;
  }
  if (text === "") return undefined;
  return type === "boolean" ? text === "true" : text;
}

const lines = (text: string): readonly string[] => text.split("\n").map((line) => line.trim()).filter(Boolean);

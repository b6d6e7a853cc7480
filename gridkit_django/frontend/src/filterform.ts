/** The open filter editor: what the user has chosen and typed so far for one column. */

import { type ConditionDraft, conditionOf, type DraftProblem, draftOf } from "./conditions.ts";
import { type ColumnCondition, hasValueList } from "./filters.ts";
import { type Option, type OptionList, optionKey } from "./options.ts";
import type { ColumnSchema, Value } from "./protocol.ts";

/** Choosing among the values that occur, or stating a condition. */
export type FilterTab = "values" | "condition";

const VALUES_FIRST: ReadonlySet<string> = new Set(["text", "choice", "uuid"]);

export class FilterForm {
  readonly column: ColumnSchema;
  readonly wasActive: boolean;
  /** The values that occur; null when the column has no list of them. */
  readonly values: OptionList | null;
  readonly #timeZone: string;
  #tab: FilterTab;
  #draft: ConditionDraft;
  #picked: ReadonlyMap<string, Option>;
  #problem: DraftProblem | null = null;

  constructor(
    column: ColumnSchema,
    condition: ColumnCondition | null,
    timeZone: string,
    values: OptionList | null = null,
  ) {
    this.column = column;
    this.wasActive = condition !== null;
    this.values = hasValueList(column) ? values : null;
    this.#timeZone = timeZone;
    const isList = this.values !== null && condition?.op === "in" && Array.isArray(condition.value);
    this.#picked = new Map(isList ? (condition.value as Value[]).map((value) => [optionKey(value), { value, label: null }]) : []);
    this.#draft = draftOf(column, isList ? null : condition, timeZone);
    const first = condition ? isList : VALUES_FIRST.has(column.type) || Boolean(column.choices?.length);
    this.#tab = this.values && first ? "values" : "condition";
  }

  get tab(): FilterTab {
    return this.#tab;
  }

  get draft(): ConditionDraft {
    return this.#draft;
  }

  get problem(): DraftProblem | null {
    return this.#problem;
  }

  /** Values that are picked, also those that the list does not hold (any more). */
  get picked(): ReadonlyMap<string, Option> {
    return this.#picked;
  }

  show(tab: FilterTab): void {
    this.#tab = tab;
    this.#problem = null;
  }

  change(changes: Partial<ConditionDraft>): void {
    this.#draft = { ...this.#draft, ...changes };
    this.#problem = null;
  }

  choose(value: string, on: boolean): void {
    const chosen = new Set(this.#draft.chosen);
    if (on) chosen.add(value);
    else chosen.delete(value);
    this.change({ chosen });
  }

  /** Picks a value that occurs, or puts it back. */
  pick(option: Option, on: boolean): void {
    const picked = new Map(this.#picked);
    if (on) picked.set(optionKey(option.value), option);
    else picked.delete(optionKey(option.value));
    this.#picked = picked;
    this.#problem = null;
  }

  /** The condition of the form; null when something is missing, which `problem` then names. */
  read(): ColumnCondition | null {
    const result = this.#tab === "values" ? this.#readPicked() : conditionOf(this.column, this.#draft, this.#timeZone);
    if (typeof result !== "string") return result;
    this.#problem = result;
    return null;
  }

  #readPicked(): ColumnCondition | DraftProblem {
    const value = [...this.#picked.values()].map((option) => option.value);
    return value.length ? { op: "in", value } : "filterNeedsChoice";
  }

  /** Stops asking for values; the editor is closed. */
  close(): void {
    this.values?.close();
  }
}

/** The open filter editor: what the user has chosen and typed so far for one column. */

import {
  type ColumnCondition,
  type ConditionDraft,
  conditionOf,
  type DraftProblem,
  draftOf,
} from "./filters.ts";
import type { ColumnSchema } from "./protocol.ts";

export class FilterForm {
  readonly column: ColumnSchema;
  readonly wasActive: boolean;
  readonly #timeZone: string;
  #draft: ConditionDraft;
  #problem: DraftProblem | null = null;

  constructor(column: ColumnSchema, condition: ColumnCondition | null, timeZone: string) {
    this.column = column;
    this.wasActive = condition !== null;
    this.#timeZone = timeZone;
    this.#draft = draftOf(column, condition, timeZone);
  }

  get draft(): ConditionDraft {
    return this.#draft;
  }

  get problem(): DraftProblem | null {
    return this.#problem;
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

  /** The condition of the form; null when something is missing, which `problem` then names. */
  read(): ColumnCondition | null {
    const result = conditionOf(this.column, this.#draft, this.#timeZone);
    if (typeof result !== "string") return result;
    this.#problem = result;
    return null;
  }
}

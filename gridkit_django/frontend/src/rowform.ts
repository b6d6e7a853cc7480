/** A form over columns: what the user typed for each, what is wrong with it, and the values it stands for. */

import { type RequestProblem, requestKey } from "./client.ts";
import { parseDraft } from "./edit.ts";
import type { Lookups } from "./lookups.ts";
import type { ColumnSchema, Value } from "./protocol.ts";
import type { Translate } from "./strings.ts";

export interface RowFormOptions {
  readonly columns: readonly ColumnSchema[];
  readonly timeZone: string;
  readonly lookups: Pick<Lookups, "resolve">;
  readonly t: Translate;
}

export class RowForm {
  readonly columns: readonly ColumnSchema[];
  /** Names the request, so that sending it twice carries it out once. */
  readonly key = requestKey();
  readonly #options: RowFormOptions;
  readonly #drafts = new Map<string, string>();
  readonly #messages = new Map<string, string>();
  #problem: RequestProblem | null = null;

  constructor(options: RowFormOptions) {
    this.#options = options;
    this.columns = options.columns;
  }

  draft(column: ColumnSchema): string {
    return this.#drafts.get(column.id) ?? "";
  }

  /** What is wrong with the value of a column; empty when nothing is. */
  message(column: ColumnSchema): string {
    return this.#messages.get(column.id) ?? "";
  }

  /** What the server refused as a whole; null when it blamed single values, or nothing. */
  get problem(): RequestProblem | null {
    return this.#problem;
  }

  type(column: ColumnSchema, draft: string): void {
    this.#drafts.set(column.id, draft);
    this.#messages.delete(column.id);
  }

  /** The values of these columns, as far as something was typed; null when one does not fit. */
  read(columns = this.columns.filter((column) => this.#drafts.has(column.id))): Record<string, Value> | null {
    const values: Record<string, Value> = {};
    this.#messages.clear();
    this.#problem = null;
    const { lookups, timeZone, t } = this.#options;
    for (const column of columns) {
      const parsed = parseDraft(column, lookups.resolve(column, this.draft(column)), timeZone);
      if ("problem" in parsed) this.#messages.set(column.id, t(parsed.problem));
      else values[column.id] = parsed.value;
    }
    return this.#messages.size ? null : values;
  }

  /** Puts what the server refused beside the values that it blames. */
  refuse(problem: RequestProblem, member: "values" | "changes"): void {
    for (const column of this.columns) {
      const found = problem.fieldMessages(column.id, member);
      if (found.length) this.#messages.set(column.id, found.join(" "));
    }
    this.#problem = this.#messages.size ? null : problem;
  }
}

/**
 * Editing of one cell: draft, checks, save with the row's version, conflict.
 *
 * The draft is kept through every failure: a wrong value, a veto, a lost connection, and a row that
 * somebody else changed meanwhile. Only the user's Escape or "Keep theirs" throws it away.
 */

import { RequestProblem } from "./client.ts";
import { inputText } from "./format.ts";
import type { ColumnSchema, EditResponse, RowRecord, Value } from "./protocol.ts";
import { ReasonWithheld } from "./reasons.ts";
import type { StringKey } from "./strings.ts";
import { wallToInstant } from "./timezone.ts";

export interface CellEdit {
  readonly row: RowRecord;
  readonly column: ColumnSchema;
  readonly draft: string;
  readonly state: "open" | "saving" | "invalid" | "failed" | "conflict";
  /** Text key of our own check, for state `invalid`. */
  readonly invalid: StringKey | null;
  /** What the server said, for states `invalid`, `failed` and `conflict`. */
  readonly problem: RequestProblem | null;
  /** The row as it is now on the server, for state `conflict`. */
  readonly current: RowRecord | null;
}

export interface CellEditorOptions {
  readonly timeZone: string;
  /** What the user reads for a value that is a row of another grid; null for other values. */
  readonly label: (column: ColumnSchema, value: Value) => string | null;
  /** The value that the user means by what was typed. */
  readonly resolve: (column: ColumnSchema, draft: string) => string;
  readonly save: (row: RowRecord, changes: Readonly<Record<string, Value>>) => Promise<EditResponse>;
  /** The server's answer to a save, or to "Keep theirs" the row as somebody else left it. */
  readonly saved: (row: RowRecord, column: ColumnSchema, answer: EditResponse | null) => void;
  readonly changed: () => void;
}

export class CellEditor {
  readonly #options: CellEditorOptions;
  #edit: CellEdit | null = null;

  constructor(options: CellEditorOptions) {
    this.#options = options;
  }

  get current(): CellEdit | null {
    return this.#edit;
  }

  isEditing(rowId: string | number, columnId: string): boolean {
    return this.#edit?.row.id === rowId && this.#edit.column.id === columnId;
  }

  /** Opens a cell with its value, or with what was typed in its place. */
  open(row: RowRecord, column: ColumnSchema, typed: string | null = null): void {
    const draft = typed ?? this.#text(column, row);
    this.#set({ row, column, draft, state: "open", invalid: null, problem: null, current: null });
  }

  /** Takes what the user typed; a message about the earlier value goes away. */
  type(draft: string): void {
    const edit = this.#edit;
    if (!edit || edit.state === "saving" || edit.state === "conflict") return;
    this.#set({ ...edit, draft, state: "open", invalid: null, problem: null });
  }

  cancel(): void {
    if (this.#edit?.state === "saving") return;
    this.#set(null);
  }

  /** True when the draft differs from what the row holds. */
  get isDirty(): boolean {
    const edit = this.#edit;
    if (!edit) return false;
    return edit.draft !== this.#text(edit.column, edit.row);
  }

  #text(column: ColumnSchema, row: RowRecord): string {
    const value = row.d[column.id];
    return this.#options.label(column, value) ?? inputText(column, value, this.#options.timeZone);
  }

  #parse({ column, draft }: CellEdit): Parsed {
    return parseDraft(column, this.#options.resolve(column, draft), this.#options.timeZone);
  }

  /** Saves the draft; resolves to true when the editor may close. */
  async commit(): Promise<boolean> {
    const edit = this.#edit;
    if (!edit || edit.state === "saving" || edit.state === "conflict") return false;
    if (!this.isDirty) {
      this.#set(null);
      return true;
    }
    const parsed = this.#parse(edit);
    if ("problem" in parsed) {
      this.#set({ ...edit, state: "invalid", invalid: parsed.problem });
      return false;
    }
    return this.#save(edit, edit.row, parsed.value);
  }

  /** Conflict: saves the draft over the row as it is now. */
  async useMine(): Promise<boolean> {
    const edit = this.#edit;
    if (!edit?.current) return false;
    const parsed = this.#parse(edit);
    if ("problem" in parsed) return false;
    return this.#save(edit, edit.current, parsed.value);
  }

  /** Conflict: gives the draft up and shows the row as it is now. */
  keepTheirs(): void {
    const edit = this.#edit;
    if (!edit?.current) return;
    this.#set(null);
    this.#options.saved(edit.current, edit.column, null);
  }

  async #save(edit: CellEdit, row: RowRecord, value: Value): Promise<boolean> {
    this.#set({ ...edit, row, state: "saving", invalid: null, problem: null, current: null });
    try {
      const answer = await this.#options.save(row, { [edit.column.id]: value });
      this.#set(null);
      this.#options.saved(answer.row, edit.column, answer);
      return true;
    } catch (error) {
      if (error instanceof ReasonWithheld) {
        this.#set({ ...edit, row, state: "open", invalid: null, problem: null, current: null });
        return false;
      }
      if (!(error instanceof RequestProblem)) throw error;
      this.#set({ ...edit, row, problem: error, invalid: null, ...failure(error) });
      return false;
    }
  }

  #set(edit: CellEdit | null): void {
    this.#edit = edit;
    this.#options.changed();
  }
}

function failure(problem: RequestProblem): Pick<CellEdit, "state" | "current"> {
  const current = problem.document.current ?? null;
  if (problem.status === 412 && current) return { state: "conflict", current };
  return { state: problem.status === 422 ? "invalid" : "failed", current: null };
}

export type Parsed = { readonly value: Value } | { readonly problem: StringKey };

/** Turns the text of an editor into the value of the wire; empty text means null where that is allowed. */
export function parseDraft(column: ColumnSchema, draft: string, timeZone: string): Parsed {
  const choice = column.choices?.find((item) => String(item.value) === draft);
  if (choice) return { value: choice.value };
  const text = draft.trim();
  if (text === "" && column.type !== "text")
    return column.nullable ? { value: null } : { problem: "required" };
  switch (column.type) {
    case "text":
      return { value: draft === "" && column.nullable ? null : draft };
    case "integer":
      if (/^[+-]?\d+$/.test(text)) return { value: Number(text) };
      return { problem: column.lookup ? "invalidOption" : "invalidInteger" };
    case "float":
      return Number.isFinite(Number(text)) ? { value: Number(text) } : { problem: "invalidNumber" };
    case "decimal":
      return /^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(text) ? { value: text } : { problem: "invalidNumber" };
    case "boolean":
      return { value: text === "true" };
    case "datetime":
      return { value: wallToInstant(text, timeZone) };
    case "json":
      return parseJson(text);
    default:
      return { value: text };
  }
}

function parseJson(text: string): Parsed {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { problem: "invalidJson" };
  }
}

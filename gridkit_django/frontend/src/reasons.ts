/** Why a change is made: asked where the grid wants to know, and kept for the session when the person says so. */

import type { RequestProblem } from "./client.ts";
import type { Notebook } from "./notebook.ts";
import type { GridSchema } from "./protocol.ts";
import type { StringKey } from "./strings.ts";

/** The person was asked for a reason and gave none: the change is not made. */
export class ReasonWithheld extends Error {}

export class Reasons {
  readonly wanted: GridSchema["auditReason"];
  readonly #notebook: Notebook;

  constructor(wanted: GridSchema["auditReason"], notebook: Notebook) {
    this.wanted = wanted ?? null;
    this.#notebook = notebook;
  }

  /** The reason of all further changes; null when each is asked for. Where it is optional it may be empty. */
  get kept(): string | null {
    const text = this.wanted ? this.#notebook.read() : null;
    return text === "" && this.wanted === "required" ? null : text;
  }

  forget(): void {
    this.#notebook.write(null);
  }

  /** A form for the reason of one change; null where nobody wants to know. */
  form(): ReasonForm | null {
    return this.wanted ? new ReasonForm(this.wanted === "required", this.kept, this.#notebook) : null;
  }
}

/** What the person says about one change, and whether it stands for the next ones, too. */
export class ReasonForm {
  readonly isRequired: boolean;
  text: string;
  keeps: boolean;
  /** What the server said about the reason; empty when it said nothing. */
  refusal = "";
  /** Text key of our own check. */
  missing: StringKey | null = null;
  readonly #notebook: Notebook;

  constructor(isRequired: boolean, kept: string | null, notebook: Notebook) {
    this.isRequired = isRequired;
    this.text = kept ?? "";
    this.keeps = kept !== null;
    this.#notebook = notebook;
  }

  type(text: string): void {
    this.text = text;
    this.refusal = "";
    this.missing = null;
  }

  /** The reason, kept or forgotten as the person wishes; null when one is needed and there is none. */
  read(): string | null {
    const text = this.text.trim();
    this.refusal = "";
    this.missing = this.isRequired && !text ? "reasonMissing" : null;
    if (this.missing) return null;
    this.#notebook.write(this.keeps ? text : null);
    return text;
  }

  /** Takes what the server refused, when it blames the reason. */
  refuse(problem: RequestProblem): boolean {
    this.refusal = problem.messagesAt("/reason").join(" ");
    if (this.refusal) this.#notebook.write(null);
    return this.refusal !== "";
  }
}

/** What a person says of an export before it starts: format, which rows, the format's options, and a mail. */

import { formatsOf } from "./jobs.ts";
import type { GridQuery, JsonSchema, MethodSchema } from "./protocol.ts";
import type { RowSelection } from "./selection.ts";

/** One option of a format, as its schema describes it. */
export interface ExportOption {
  readonly name: string;
  readonly label: string;
  readonly kind: "flag" | "choice" | "number" | "text";
  readonly choices: readonly unknown[];
  /** What stands for each choice. */
  readonly names: readonly string[];
  readonly fallback: unknown;
}

export class ExportForm {
  readonly formats: readonly string[];
  readonly #schema: JsonSchema;
  readonly #given = new Map<string, unknown>();
  #format: string;
  /** Export only what is selected. */
  isPicked: boolean;
  notify = false;

  constructor(method: MethodSchema, hasSelection: boolean) {
    this.formats = formatsOf(method);
    this.#schema = method.schema ?? {};
    this.#format = this.formats[0] ?? "";
    this.isPicked = hasSelection;
  }

  get format(): string {
    return this.#format;
  }

  /** What was given for the format before is kept where the other one has the same option. */
  set format(format: string) {
    this.#format = format;
  }

  get canNotify(): boolean {
    return Boolean(this.#schema.properties?.["notify"]);
  }

  get canPick(): boolean {
    return Boolean(this.#schema.properties?.["rows"]);
  }

  get options(): readonly ExportOption[] {
    const rule = this.#schema.allOf?.find((item) => item.if?.properties?.["format"]?.const === this.#format);
    const known = rule?.then?.properties?.["options"]?.properties ?? {};
    return Object.entries(known).map(([name, schema]) => optionOf(name, schema));
  }

  value(option: ExportOption): unknown {
    const given = this.#given.get(option.name);
    return given === undefined || (option.kind === "choice" && !option.choices.includes(given)) ? option.fallback : given;
  }

  set(option: ExportOption, value: unknown): void {
    this.#given.set(option.name, value);
  }

  /** The arguments of the method beside the format; what was left as it is stays unsaid. */
  more(selection: RowSelection, { filter, search }: Pick<GridQuery, "filter" | "search">): Readonly<Record<string, unknown>> {
    const told = this.options.filter((option) => this.value(option) !== option.fallback);
    const options = Object.fromEntries(told.map((option) => [option.name, this.value(option)]));
    const query = { ...(filter ? { filter } : {}), ...(search ? { search } : {}) };
    const rows = selection.isAll ? { query, exclude: selection.ids } : { include: selection.ids };
    return {
      ...(told.length ? { options } : {}),
      ...(this.isPicked && !selection.isEmpty ? { rows } : {}),
      ...(this.notify ? { notify: true } : {}),
    };
  }
}

const KINDS: Readonly<Record<string, ExportOption["kind"]>> = { boolean: "flag", integer: "number", number: "number" };

function optionOf(name: string, schema: JsonSchema): ExportOption {
  const choices = schema.enum ?? [];
  const kind = choices.length ? "choice" : (KINDS[String(schema.type)] ?? "text");
  const start = kind === "flag" ? false : kind === "choice" ? choices[0] : "";
  const names = choices.map((choice, at) => schema.enumNames?.[at] ?? String(choice));
  return { name, label: schema.title ?? name, kind, choices, names, fallback: schema.default ?? start };
}

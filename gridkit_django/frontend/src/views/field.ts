/** The input for a value of a column, in cells and in dialogs alike. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Grid } from "../grid.ts";
import type { Option } from "../options.ts";
import type { ColumnSchema } from "../protocol.ts";

const INPUT_TYPES: Readonly<Record<string, string>> = {
  date: "date",
  datetime: "datetime-local",
  time: "time",
};

export interface Field {
  readonly column: ColumnSchema;
  readonly draft: string;
  readonly kind: "gridkit-editor" | "gridkit-input";
  readonly isInvalid: boolean;
  readonly isFixed?: boolean;
  /** Id of the element that says what is wrong. */
  readonly note: string;
  /** Offers "no value" also where the column needs one: nothing is chosen yet, or a default may stand in. */
  readonly mayBeEmpty?: boolean;
  readonly type: (draft: string) => void;
  readonly keydown?: (event: KeyboardEvent) => void;
  readonly focusout?: (event: FocusEvent) => void;
}

export function fieldView(grid: Grid, field: Field): TemplateResult {
  const { column } = field;
  return column.type === "boolean" || column.choices?.length ? selectField(grid, field) : inputField(grid, field);
}

function inputField(grid: Grid, field: Field): TemplateResult {
  const { column } = field;
  const list = `${grid.uid}-list-${column.id}`;
  const options = grid.lookups.of(column);
  return html`
    <input
      class=${field.kind}
      type=${INPUT_TYPES[column.type] ?? "text"}
      step=${column.type === "datetime" || column.type === "time" ? "1" : nothing}
      inputmode=${options ? nothing : inputMode(column)}
      list=${options ? list : nothing}
      autocomplete="off"
      spellcheck="false"
      aria-label=${label(grid, field)}
      aria-invalid=${field.isInvalid ? "true" : "false"}
      aria-describedby=${field.note}
      ?readonly=${field.isFixed === true}
      .value=${field.draft}
      @input=${(event: Event) => {
        const { value } = event.target as HTMLInputElement;
        options?.searchFor(grid.lookups.label(column, value) ?? value);
        field.type(value);
      }}
      @keydown=${field.keydown ?? nothing}
      @focusout=${field.focusout ?? nothing}
    />
    ${
      options
        ? html`<datalist id=${list}>
          ${options.options.map((option) => html`<option value=${draftOf(option, options.options)}>${option.label}</option>`)}
        </datalist>`
        : nothing
    }
  `;
}

/** What stands in the input for an option: its label, or where two are called alike its key. */
function draftOf({ value, label }: Option, options: readonly Option[]): string {
  const isUnique = options.filter((other) => other.label === label).length === 1;
  return (isUnique && label) || String(value);
}

function selectField(grid: Grid, field: Field): TemplateResult {
  return html`
    <select
      class=${field.kind}
      aria-label=${label(grid, field)}
      aria-invalid=${field.isInvalid ? "true" : "false"}
      aria-describedby=${field.note}
      ?disabled=${field.isFixed === true}
      @change=${(event: Event) => field.type((event.target as HTMLSelectElement).value)}
      @keydown=${field.keydown ?? nothing}
      @focusout=${field.focusout ?? nothing}
    >
      ${optionsOf(grid, field).map(([value, text]) => html`<option value=${value} ?selected=${value === field.draft}>${text}</option>`)}
    </select>
  `;
}

/** In a dialog the label stands above the input. */
function label({ t }: Grid, { column, kind }: Field): string {
  return kind === "gridkit-editor" ? t("edit", { column: column.label }) : column.label;
}

function optionsOf({ t }: Grid, { column, mayBeEmpty }: Field): (readonly [string, string])[] {
  const blank: (readonly [string, string])[] = column.nullable || mayBeEmpty ? [["", t("empty")]] : [];
  if (column.choices?.length)
    return [...blank, ...column.choices.map((item) => [String(item.value), item.label] as const)];
  return [...blank, ["true", t("yes")], ["false", t("no")]];
}

function inputMode(column: ColumnSchema): string | typeof nothing {
  if (column.type === "integer") return "numeric";
  return column.type === "decimal" || column.type === "float" ? "decimal" : nothing;
}

/** The inputs of a named filter: one value, a list, a choice, or the members of an object, each by its type. */

import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import type { FilterForm } from "../filterform.ts";
import type { Grid } from "../grid.ts";
import type { NamedFilter } from "../protocol.ts";

const INPUT_TYPES: Readonly<Record<string, string>> = { date: "date", datetime: "datetime-local", time: "time" };
const NUMBERS: ReadonlySet<string> = new Set(["integer", "decimal", "float"]);

export function namedFilterView(grid: Grid, form: FilterForm, filter: NamedFilter): TemplateResult {
  const { type, many, parts, choices } = filter;
  if (parts?.length) return html`${parts.map(({ key, type: kind }) => partView(grid, form, key, kind))}`;
  if (choices && many) return choicesView(grid, form, choices);
  if (choices) return selectView(grid, form, choices.map(({ value, label }) => [String(value), label] as const));
  if (type === "boolean") return selectView(grid, form, [["true", grid.t("yes")], ["false", grid.t("no")]]);
  if (many) return linesView(grid, form);
  return input(grid, type, grid.t("filterValue"), form.draft.value, (value) => form.change({ value }));
}

function partView(grid: Grid, form: FilterForm, key: string, type: string): TemplateResult {
  const { parts } = form.draft;
  const take = (text: string): void => form.change({ parts: { ...form.draft.parts, [key]: text } });
  return html`<div class="gridkit-field">
    <span class="gridkit-field-label" aria-hidden="true">${key}</span>
    ${input(grid, type, key, parts[key] ?? "", take)}
  </div>`;
}

function input(grid: Grid, type: string, label: string, value: string, take: (text: string) => void): TemplateResult {
  return html`<input
    class="gridkit-input"
    type=${INPUT_TYPES[type] ?? "text"}
    inputmode=${NUMBERS.has(type) ? "decimal" : nothing}
    autocomplete="off"
    aria-label=${label}
    .value=${live(value)}
    @input=${(event: Event) => {
      take((event.target as HTMLInputElement).value);
      grid.requestRender();
    }}
  />`;
}

function selectView(grid: Grid, form: FilterForm, options: readonly (readonly [string, string])[]): TemplateResult {
  return html`<select
    class="gridkit-input"
    aria-label=${grid.t("filterValue")}
    @change=${(event: Event) => {
      form.change({ value: (event.target as HTMLSelectElement).value });
      grid.requestRender();
    }}
  >
    <option value=""></option>
    ${options.map(([value, label]) => html`<option value=${value} ?selected=${value === form.draft.value}>${label}</option>`)}
  </select>`;
}

function choicesView(grid: Grid, form: FilterForm, choices: NonNullable<NamedFilter["choices"]>): TemplateResult {
  return html`<div class="gridkit-choices" role="group" aria-label=${grid.t("filterValue")}>
    ${choices.map(
      ({ value, label }) => html`<label class="gridkit-choice">
        <input
          type="checkbox"
          class="gridkit-check"
          .checked=${live(form.draft.chosen.has(String(value)))}
          @change=${(event: Event) => {
            form.choose(String(value), (event.target as HTMLInputElement).checked);
            grid.requestRender();
          }}
        />
        <span>${label}</span>
      </label>`,
    )}
  </div>`;
}

function linesView(grid: Grid, form: FilterForm): TemplateResult {
  return html`<textarea
    class="gridkit-input"
    rows="4"
    aria-label=${grid.t("filterValue")}
    placeholder=${grid.t("filterList")}
    .value=${live(form.draft.value)}
    @input=${(event: Event) => {
      form.change({ value: (event.target as HTMLTextAreaElement).value });
      grid.requestRender();
    }}
  ></textarea>`;
}

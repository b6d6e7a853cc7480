/** The filter editor of one column: a condition, and inputs that fit the column's type. */

import { html, nothing, type TemplateResult } from "lit-html";
import {
  canFilter,
  describeCondition,
  filterOf,
  operatorLabel,
  operatorsOf,
  presetLabel,
  takesList,
  takesPreset,
  takesValue,
} from "../filters.ts";
import type { FilterForm, FilterTab } from "../filterform.ts";
import type { Grid } from "../grid.ts";
import type { ColumnSchema } from "../protocol.ts";
import { columnSearch, foundColumns, nothingFound } from "./columnsearch.ts";
import { valuesView } from "./facets.ts";
import { namedFilterView } from "./namedfilter.ts";

const INPUT_TYPES: Readonly<Record<string, string>> = {
  date: "date",
  datetime: "datetime-local",
  time: "time",
};
const NUMBERS: ReadonlySet<string> = new Set(["integer", "decimal", "float"]);

export function filterLabel({ filters: { form }, t }: Grid): string {
  return form ? t("filterBy", { column: form.column.label }) : t("filterChoose");
}

export function filterPanel(grid: Grid): TemplateResult {
  const { form } = grid.filters;
  return form ? formView(grid, form) : columnList(grid);
}

/** Every column that can be filtered, hidden ones too; those with a filter say which. */
function columnList(grid: Grid): TemplateResult {
  const { state, formatter, t } = grid;
  const found = foundColumns(grid, state.ordered.filter(canFilter));
  return html`
    <p class="gridkit-form-title">${t("filterChoose")}</p>
    ${columnSearch(grid)}
    <ul class="gridkit-column-list">
      ${found.map((column) => {
        const condition = state.conditions.get(column.id);
        return html`
          <li class="gridkit-column-item">
            <button type="button" class="gridkit-menu-item" @click=${() => choose(grid, column)}>
              ${column.label}
              ${condition ? html`<small>${describeCondition(column, condition, formatter, t, (value) => grid.lookups.label(column, value))}</small>` : nothing}
            </button>
          </li>
        `;
      })}
    </ul>
    ${nothingFound(grid, found)}
  `;
}

/** Goes to the editor of a column, or with null back to the list; the focus goes along. */
function choose(grid: Grid, column: ColumnSchema | null): void {
  grid.filters.choose(column);
  grid.renderNow();
  grid.popovers.reposition();
  grid.root.querySelector<HTMLElement>('[data-popover="filter"] :is(input, select, .gridkit-menu-item)')?.focus();
}

function formView(grid: Grid, form: FilterForm): TemplateResult {
  const { t } = grid;
  const isFromList = grid.popovers.open?.column === null;
  return html`
    <form
      class="gridkit-form"
      novalidate
      @submit=${(event: Event) => {
        event.preventDefault();
        grid.filters.apply();
      }}
    >
      ${
        isFromList
          ? html`<button type="button" class="gridkit-link gridkit-back" @click=${() => choose(grid, null)}>‹ ${t("filterBack")}</button>`
          : nothing
      }
      <p class="gridkit-form-title">${t("filterBy", { column: form.column.label })}</p>
      ${form.values ? tabs(grid, form) : nothing}
      ${form.tab === "values" && form.values ? valuesView(grid, form, form.values) : conditionView(grid, form)}
      ${form.problem ? html`<p class="gridkit-form-error" role="alert" id="${grid.uid}-filter-error">${t(form.problem)}</p>` : nothing}
      <div class="gridkit-form-actions">
        ${
          form.wasActive
            ? html`<button type="button" class="gridkit-link" @click=${() => remove(grid, form)}>${t("filterRemove")}</button>`
            : nothing
        }
        <button type="submit" class="gridkit-button is-primary">${t("filterApply")}</button>
      </div>
    </form>
  `;
}

function tabs(grid: Grid, form: FilterForm): TemplateResult {
  const tab = (name: FilterTab, label: string): TemplateResult => html`
    <button type="button" aria-pressed=${form.tab === name ? "true" : "false"} @click=${() => grid.filters.showTab(name)}>${label}</button>
  `;
  const { t } = grid;
  return html`
    <div class="gridkit-tabs" role="group" aria-label=${t("filterMenu")}>
      ${tab("values", t("filterValues"))} ${tab("condition", t("filterOperator"))}
    </div>
  `;
}

function conditionView(grid: Grid, form: FilterForm): TemplateResult {
  const { t } = grid;
  return html`
      <select class="gridkit-input" aria-label=${t("filterOperator")} @change=${(event: Event) => change(grid, form, { op: textOf(event) })}>
        ${operatorsOf(form.column).map(
          (op) =>
            html`<option value=${op} ?selected=${op === form.draft.op}>${operatorLabel(form.column, op, t)}</option>`,
        )}
      </select>
      ${operands(grid, form)}
  `;
}

function operands(grid: Grid, form: FilterForm): TemplateResult | typeof nothing {
  const { op } = form.draft;
  const named = filterOf(form.column, op);
  if (named) return namedFilterView(grid, form, named);
  if (!takesValue(op)) return nothing;
  if (takesPreset(op)) return presetSelect(grid, form);
  if (takesList(op)) return form.column.choices?.length ? choiceList(grid, form) : listBox(grid, form);
  if (op !== "between") return operand(grid, form, "value");
  return html`
    <div class="gridkit-between">
      ${operand(grid, form, "value")}<span>${grid.t("filterTo")}</span>${operand(grid, form, "to")}
    </div>
  `;
}

function operand(grid: Grid, form: FilterForm, key: "value" | "to"): TemplateResult {
  const { type } = form.column;
  return html`
    <input
      class="gridkit-input"
      type=${INPUT_TYPES[type] ?? "text"}
      inputmode=${NUMBERS.has(type) ? "decimal" : nothing}
      autocomplete="off"
      aria-label=${grid.t(key === "to" ? "filterTo" : "filterValue")}
      aria-invalid=${form.problem ? "true" : "false"}
      aria-describedby=${form.problem ? `${grid.uid}-filter-error` : nothing}
      .value=${form.draft[key]}
      @input=${(event: Event) => change(grid, form, { [key]: textOf(event) })}
    />
  `;
}

/** Spans that are relative to today, as the server knows them. */
function presetSelect(grid: Grid, form: FilterForm): TemplateResult {
  const { t, schema } = grid;
  const { value } = form.draft;
  return html`
    <select class="gridkit-input" aria-label=${t("filterValue")} @change=${(event: Event) => change(grid, form, { value: textOf(event) })}>
      <option value=""></option>
      ${schema.relative?.map((name) => html`<option value=${name} ?selected=${name === value}>${presetLabel(name, t)}</option>`)}
    </select>
  `;
}

function listBox(grid: Grid, form: FilterForm): TemplateResult {
  return html`
    <textarea
      class="gridkit-input"
      rows="4"
      aria-label=${grid.t("filterValue")}
      placeholder=${grid.t("filterList")}
      .value=${form.draft.value}
      @input=${(event: Event) => change(grid, form, { value: textOf(event) })}
    ></textarea>
  `;
}

function choiceList(grid: Grid, form: FilterForm): TemplateResult {
  return html`
    <div class="gridkit-choices" role="group" aria-label=${grid.t("filterValue")}>
      ${form.column.choices?.map((item) => {
        const value = String(item.value);
        return html`
          <label class="gridkit-choice">
            <input
              type="checkbox"
              class="gridkit-check"
              .checked=${form.draft.chosen.has(value)}
              @change=${(event: Event) => {
                form.choose(value, (event.target as HTMLInputElement).checked);
                grid.requestRender();
              }}
            />
            <span>${item.label}</span>
          </label>
        `;
      })}
    </div>
  `;
}

function textOf(event: Event): string {
  return (event.target as HTMLInputElement).value;
}

function change(grid: Grid, form: FilterForm, changes: Parameters<FilterForm["change"]>[0]): void {
  form.change(changes);
  grid.renderNow();
  grid.popovers.reposition();
}

function remove(grid: Grid, form: FilterForm): void {
  grid.popovers.finish();
  grid.state.setCondition(form.column.id, null);
}

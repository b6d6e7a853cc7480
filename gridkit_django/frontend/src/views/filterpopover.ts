/** The filter editor of one column: a condition, and inputs that fit the column's type. */

import { html, nothing, type TemplateResult } from "lit-html";
import { operatorLabel, operatorsOf, takesList, takesValue } from "../filters.ts";
import type { FilterForm } from "../filterform.ts";
import type { Grid } from "../grid.ts";

const INPUT_TYPES: Readonly<Record<string, string>> = {
  date: "date",
  datetime: "datetime-local",
  time: "time",
};
const NUMBERS: ReadonlySet<string> = new Set(["integer", "decimal", "float"]);

export function filterPopover(grid: Grid): TemplateResult {
  const form = grid.popovers.open?.name === "filter" ? grid.filterForm : null;
  const label = form ? grid.t("filterBy", { column: form.column.label }) : nothing;
  return html`
    <div
      class="gridkit-popover"
      popover="auto"
      data-popover="filter"
      role="dialog"
      aria-label=${label}
      @toggle=${(event: Event) => grid.popovers.toggled(event)}
    >
      ${form ? formView(grid, form) : nothing}
    </div>
  `;
}

function formView(grid: Grid, form: FilterForm): TemplateResult {
  const { t } = grid;
  return html`
    <form
      class="gridkit-form"
      novalidate
      @submit=${(event: Event) => {
        event.preventDefault();
        grid.applyFilter();
      }}
    >
      <p class="gridkit-form-title">${t("filterBy", { column: form.column.label })}</p>
      <select class="gridkit-input" aria-label=${t("filterOperator")} @change=${(event: Event) => change(grid, form, { op: textOf(event) })}>
        ${operatorsOf(form.column).map(
          (op) =>
            html`<option value=${op} ?selected=${op === form.draft.op}>${operatorLabel(form.column, op, t)}</option>`,
        )}
      </select>
      ${operands(grid, form)}
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

function operands(grid: Grid, form: FilterForm): TemplateResult | typeof nothing {
  const { op } = form.draft;
  if (!takesValue(op)) return nothing;
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

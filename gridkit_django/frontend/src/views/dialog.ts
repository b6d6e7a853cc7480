/** The dialog: a new row, one value for many rows, or whether rows may be deleted. */

import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import type { Task } from "../changes.ts";
import type { Grid } from "../grid.ts";
import type { ColumnSchema } from "../protocol.ts";
import type { ReasonForm } from "../reasons.ts";
import type { RowForm } from "../rowform.ts";
import { problemText } from "../texts.ts";
import { signInLink } from "./banner.ts";
import { fieldView } from "./field.ts";

export function dialogForm(grid: Grid, task: Task): TemplateResult {
  const { changes } = grid;
  return html`
    <form
      class="gridkit-form"
      method="dialog"
      novalidate
      @submit=${(event: Event) => {
        event.preventDefault();
        void changes.submit(changes.problem?.code === "delete-cascades");
      }}
    >
      ${contentOf(grid, task)} ${task.reason ? reasonView(grid, task.reason) : nothing} ${problemView(grid)} ${actions(grid, task)}
    </form>
  `;
}

function contentOf(grid: Grid, task: Task): TemplateResult {
  const { t, changes, formatter, uid } = grid;
  const { rows } = changes;
  const count = rows === null ? "…" : formatter.count(rows);
  const title = (text: string): TemplateResult => html`<h2 class="gridkit-dialog-title" id="${uid}-dialog">${text}</h2>`;
  switch (task.kind) {
    case "create":
      return html`${title(t("createTitle", { grid: grid.schema.label }))} ${task.form.columns.map((column) => fieldRow(grid, task.form, column))}`;
    case "edit":
      return html`${title(t("bulkEdit", { count }))} ${columnSelect(grid, task)} ${fieldRow(grid, task.form, task.column)}`;
    case "reason":
      return title(t("reasonTitle"));
    default:
      return html`${title(t(rows === 1 ? "deleteOne" : "bulkDelete", { count }))}<p class="gridkit-dialog-text">${t("deleteText")}</p>`;
  }
}

function fieldRow(grid: Grid, form: RowForm, column: ColumnSchema): TemplateResult {
  const note = `${grid.uid}-field-${column.id}`;
  const message = form.message(column);
  const draft = form.draft(column);
  const label = grid.lookups.label(column, draft);
  return html`
    <div class="gridkit-field">
      <span class="gridkit-field-label" aria-hidden="true">${column.label}</span>
      ${fieldView(grid, {
        column,
        draft,
        kind: "gridkit-input",
        isInvalid: message !== "",
        note,
        mayBeEmpty: true,
        type: (text) => {
          form.type(column, text);
          grid.requestRender();
        },
      })}
      <span id=${note} class=${message ? "gridkit-form-error" : "gridkit-muted"} role=${message ? "alert" : nothing}>${message || label || nothing}</span>
    </div>
  `;
}

function columnSelect(grid: Grid, task: Extract<Task, { kind: "edit" }>): TemplateResult {
  return html`
    <select
      class="gridkit-input"
      aria-label=${grid.t("bulkColumn")}
      @change=${(event: Event) => {
        const id = (event.target as HTMLSelectElement).value;
        task.column = grid.state.column(id) ?? task.column;
        grid.requestRender();
      }}
    >
      ${task.form.columns.map((column) => html`<option value=${column.id} ?selected=${column === task.column}>${column.label}</option>`)}
    </select>
  `;
}

/** Asks why, and whether the answer stands for the next changes, too. */
function reasonView(grid: Grid, form: ReasonForm): TemplateResult {
  const { t, uid } = grid;
  const message = form.missing ? t(form.missing) : form.refusal;
  const label = t(form.isRequired ? "reason" : "reasonOptional");
  return html`
    <div class="gridkit-field">
      <span class="gridkit-field-label" aria-hidden="true">${label}</span>
      <input
        class="gridkit-input"
        name="reason"
        maxlength="1000"
        autocomplete="off"
        aria-label=${label}
        aria-required=${form.isRequired ? "true" : "false"}
        aria-invalid=${message ? "true" : "false"}
        aria-describedby="${uid}-reason"
        .value=${live(form.text)}
        @input=${(event: Event) => {
          form.type((event.target as HTMLInputElement).value);
          grid.requestRender();
        }}
      />
      <span id="${uid}-reason" class="gridkit-form-error" role=${message ? "alert" : nothing}>${message || nothing}</span>
    </div>
    <label class="gridkit-choice">
      <input
        type="checkbox"
        class="gridkit-check"
        .checked=${live(form.keeps)}
        @change=${(event: Event) => (form.keeps = (event.target as HTMLInputElement).checked)}
      />
      <span>${t("reasonKeep")}</span>
    </label>
  `;
}

/** Why it did not work; before a deletion that would take other rows along, which. */
function problemView({ changes, t, formatter, loginUrl }: Grid): TemplateResult | typeof nothing {
  const { problem } = changes;
  if (!problem) return nothing;
  const { cascades } = problem.document;
  const others = cascades?.map(({ label, count }) => `${label}: ${formatter.count(count)}`).join(", ");
  const text = others ? t("deleteCascades", { others }) : problemText(problem, t("editFailed"), t).detail;
  return html`<p class="gridkit-form-error" role="alert">${text}</p>${signInLink(problem, loginUrl, t)}`;
}

function actions({ changes, t, selectedCount }: Grid, task: Task): TemplateResult {
  const isDelete = task.kind === "delete";
  const label = isDelete ? (changes.problem?.code === "delete-cascades" ? "deleteAll" : "delete") : "save";
  const isCounted = task.kind === "create" || task.kind === "reason" || changes.rows !== null || selectedCount !== null;
  return html`
    <div class="gridkit-form-actions">
      <button type="button" class="gridkit-button" @click=${() => changes.close()}>${t("cancel")}</button>
      <button type="submit" class="gridkit-button is-primary ${isDelete ? "is-danger" : ""}" ?disabled=${changes.isBusy || !isCounted}>${t(label)}</button>
    </div>
  `;
}

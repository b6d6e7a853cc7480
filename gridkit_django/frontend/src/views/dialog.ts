/** The dialog: a new row, one value for many rows, or whether rows may be deleted. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Task } from "../changes.ts";
import type { Grid } from "../grid.ts";
import type { ColumnSchema } from "../protocol.ts";
import type { RowForm } from "../rowform.ts";
import { problemText } from "../texts.ts";
import { fieldView } from "./field.ts";

export function dialogView(grid: Grid): TemplateResult {
  const { changes, uid } = grid;
  const { task } = changes;
  return html`
    <dialog class="gridkit-dialog" aria-labelledby="${uid}-dialog" @close=${() => task && changes.close()}>
      ${
        task
          ? html`<form
            class="gridkit-form"
            method="dialog"
            novalidate
            @submit=${(event: Event) => {
              event.preventDefault();
              void changes.submit(changes.problem?.code === "delete-cascades");
            }}
          >
            ${contentOf(grid, task)} ${problemView(grid)} ${actions(grid, task)}
          </form>`
          : nothing
      }
    </dialog>
  `;
}

/** Closes the browser's side of the dialog once there is nothing left to ask. */
export function closeDialog({ root, changes }: Grid): void {
  const dialog = root.querySelector<HTMLDialogElement>(".gridkit-dialog");
  if (!changes.task && dialog?.open) dialog.close();
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

/** Why it did not work; before a deletion that would take other rows along, which. */
function problemView({ changes, t, formatter }: Grid): TemplateResult | typeof nothing {
  const { problem } = changes;
  if (!problem) return nothing;
  const { cascades } = problem.document;
  const others = cascades?.map(({ label, count }) => `${label}: ${formatter.count(count)}`).join(", ");
  const text = others ? t("deleteCascades", { others }) : problemText(problem, t("editFailed"), t).detail;
  return html`<p class="gridkit-form-error" role="alert">${text}</p>`;
}

function actions({ changes, t, selectedCount }: Grid, task: Task): TemplateResult {
  const isDelete = task.kind === "delete";
  const label = isDelete ? (changes.problem?.code === "delete-cascades" ? "deleteAll" : "delete") : "save";
  const waits = changes.isBusy || (task.kind !== "create" && changes.rows === null && selectedCount === null);
  return html`
    <div class="gridkit-form-actions">
      <button type="button" class="gridkit-button" @click=${() => changes.close()}>${t("cancel")}</button>
      <button type="submit" class="gridkit-button is-primary ${isDelete ? "is-danger" : ""}" ?disabled=${waits}>${t(label)}</button>
    </div>
  `;
}

/** The input inside a cell, and the note below it: what is wrong, or what somebody else wrote. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { CellEdit } from "../edit.ts";
import type { Grid } from "../grid.ts";
import { placeBeside } from "../popover.ts";
import { problemText } from "../texts.ts";
import { signInLink } from "./banner.ts";
import { fieldView } from "./field.ts";
import { warningIcon } from "./icons.ts";

export function editorView(grid: Grid, edit: CellEdit): TemplateResult {
  const { column, draft, state } = edit;
  const field = fieldView(grid, {
    column,
    draft,
    kind: "gridkit-editor",
    isInvalid: state === "invalid",
    isFixed: state === "saving" || state === "conflict",
    note: `${grid.uid}-note`,
    type: (text) => grid.editor.type(text),
    keydown: (event) => onEditorKey(grid, event),
    focusout: (event) => onEditorLeave(grid, event),
  });
  return html`${field} ${savingMark(edit)}`;
}

function savingMark(edit: CellEdit): TemplateResult | typeof nothing {
  return edit.state === "saving" ? html`<span class="gridkit-saving" aria-hidden="true"></span>` : nothing;
}

/** Enter saves and goes down, Tab saves and goes on, Escape gives up. */
function onEditorKey(grid: Grid, event: KeyboardEvent): void {
  event.stopPropagation();
  if (event.isComposing) return;
  const back = event.shiftKey ? -1 : 1;
  if (event.key === "Enter") void grid.edits.commit({ rows: back, cols: 0 });
  else if (event.key === "Tab") void grid.edits.commit({ rows: 0, cols: back });
  else if (event.key === "Escape") grid.edits.cancel();
  else return;
  event.preventDefault();
}

/** Leaving the cell saves, as in a spreadsheet; a draft with an error waits for the user instead. */
function onEditorLeave(grid: Grid, event: FocusEvent): void {
  const to = event.relatedTarget;
  const staysInNote = to instanceof Element && to.closest(".gridkit-note") !== null;
  if (staysInNote || !document.hasFocus() || grid.editor.current?.state !== "open") return;
  void grid.edits.commit(null);
}

export function noteView(grid: Grid): TemplateResult {
  const edit = grid.editor.current;
  const hasText = edit !== null && (edit.problem !== null || edit.invalid !== null);
  return html`
    <div id="${grid.uid}-note" class="gridkit-note" popover="manual" data-note role=${hasText ? "alert" : nothing}>
      ${hasText ? (edit.state === "conflict" ? conflictNote(grid, edit) : errorNote(grid, edit)) : nothing}
    </div>
  `;
}

function errorNote(grid: Grid, edit: CellEdit): TemplateResult {
  const { t } = grid;
  if (edit.invalid)
    return html`<p class="gridkit-note-error">${warningIcon}<span>${t(edit.invalid)}</span></p>`;
  const own = edit.problem?.fieldMessages(edit.column.id) ?? [];
  if (own.length) return html`<p class="gridkit-note-error">${warningIcon}<span>${own.join(" ")}</span></p>`;
  const text = problemText(edit.problem, t("editFailed"), t);
  return html`
    <p class="gridkit-note-error">
      ${warningIcon}<span><strong>${text.title}.</strong> ${text.detail}</span>
    </p>
    <div class="gridkit-note-actions">
      ${signInLink(edit.problem, grid.loginUrl, t)}
      <button type="button" class="gridkit-button is-primary" @click=${() => void grid.edits.commit({ rows: 0, cols: 0 })}>${t("retry")}</button>
      <button type="button" class="gridkit-button" @click=${() => grid.edits.cancel()}>${t("cancel")}</button>
    </div>
  `;
}

function conflictNote(grid: Grid, edit: CellEdit): TemplateResult {
  const { t } = grid;
  const theirs = grid.textOf(edit.column, edit.current?.d[edit.column.id]) ?? t("empty");
  return html`
    <p class="gridkit-note-title">${t("conflictTitle")}</p>
    <dl class="gridkit-conflict">
      <dt>${t("conflictTheirs")}</dt>
      <dd>${theirs}</dd>
      <dt>${t("conflictYours")}</dt>
      <dd>${edit.draft === "" ? t("empty") : edit.draft}</dd>
    </dl>
    <div class="gridkit-note-actions" @keydown=${(event: KeyboardEvent) => event.key === "Escape" && grid.edits.keepTheirs()}>
      <button type="button" class="gridkit-button" @click=${() => grid.edits.keepTheirs()}>${t("conflictKeepTheirs")}</button>
      <button type="button" class="gridkit-button is-primary" @click=${() => void grid.edits.useMine()}>${t("conflictUseYours")}</button>
    </div>
  `;
}

/** Shows the note beside the edited cell, and hides it with the cell. */
export function placeNote({ root, editor }: Grid): void {
  const note = root.querySelector<HTMLElement>("[data-note]");
  if (!note) return;
  const cell = root.querySelector<HTMLElement>(".gridkit-cell.is-editing");
  const wanted = cell !== null && (editor.current?.problem != null || editor.current?.invalid != null);
  const isShown = note.matches(":popover-open");
  if (!wanted) {
    if (isShown) note.hidePopover();
    return;
  }
  if (!isShown) note.showPopover();
  placeBeside(note, cell.getBoundingClientRect());
}

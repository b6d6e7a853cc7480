/** The rows in view. A row is drawn again only when something it shows has changed. */

import { html, nothing, type TemplateResult } from "lit-html";
import { guard } from "lit-html/directives/guard.js";
import { live } from "lit-html/directives/live.js";
import { repeat } from "lit-html/directives/repeat.js";
import { isNumeric } from "../format.ts";
import type { Grid } from "../grid.ts";
import type { ColumnSchema, RowRecord } from "../protocol.ts";
import type { PlacedRow } from "../scroll.ts";
import { GROUPS } from "../state.ts";
import { editorView } from "./editor.ts";
import { barView, figureView, groupLabelView } from "./groups.ts";
import type { PinPlan } from "./pins.ts";

const FIRST_SCREEN = 12;

export function bodyView(grid: Grid, columns: readonly ColumnSchema[], pins: PinPlan): TemplateResult {
  const { scroller, windows, shares } = grid;
  shares.measure();
  const placed = windows.hasAnswer ? scroller.place(rowsToKeep(grid)) : firstScreen(scroller.rowHeight);
  const height = windows.hasAnswer ? scroller.height : FIRST_SCREEN * scroller.rowHeight;
  return html`
    <div class="gridkit-body" role="rowgroup" .style=${`height: ${height}px`}>
      ${repeat(
        placed,
        (item) => item.index,
        (item) => rowView(grid, columns, pins, item),
      )}
    </div>
  `;
}

/** Placeholders before anything has arrived. */
function firstScreen(rowHeight: number): PlacedRow[] {
  return Array.from({ length: FIRST_SCREEN }, (_, index) => ({ index, top: index * rowHeight }));
}

/** The focused row and the edited row stay in the document when they scroll out of view. */
function rowsToKeep({ focus, editor, windows }: Grid): number[] {
  const keep = [focus.active.row];
  if (editor.current) keep.push(windows.indexOf(editor.current.row.id));
  return keep;
}

function rowView(grid: Grid, columns: readonly ColumnSchema[], pins: PinPlan, item: PlacedRow): unknown {
  const { windows, state, focus, editor, lookups, freshness, shares } = grid;
  const row = windows.row(item.index);
  const fresh = freshness.changedIn(row);
  const active = focus.active.row === item.index ? focus.active.col : -1;
  const selected = row ? state.isSelected(row.id) : false;
  const edit = row && editor.current?.row.id === row.id ? editor.current : null;
  const options = edit && lookups.of(edit.column)?.options;
  const isStray = row !== undefined && grid.strayRow === row.id;
  const layout = columns.map((column) => column.id + (state.figures.get(column.id) ?? "")).join() + pins.key + (row?.g ? shares.key : "");
  const names = ["gridkit-row"];
  if (item.index % 2) names.push("is-odd");
  if (selected) names.push("is-selected");
  if (isStray) names.push("is-stray");
  if (!row) names.push("is-waiting");
  if (row?.g) names.push("is-group");
  const expanded = row ? windows.isExpanded(row) : false;
  const level = windows.hasAnswer ? windows.level(item.index) : 0;
  return guard([row, item.index, item.top, active, selected, edit, options, isStray, layout, expanded, level, fresh], () =>
    rowTemplate(grid, columns, pins, item, row, names.join(" ")),
  );
}

/** One template for rows that are here and rows that are coming, so that focus survives the arrival. */
function rowTemplate(
  grid: Grid,
  columns: readonly ColumnSchema[],
  pins: PinPlan,
  item: PlacedRow,
  row: RowRecord | undefined,
  names: string,
): TemplateResult {
  const selected = row ? grid.state.isSelected(row.id) : false;
  return html`
    <div
      class=${names}
      role="row"
      aria-rowindex=${item.index + 2}
      aria-level=${grid.windows.isGrouped ? grid.windows.level(item.index) + 1 : nothing}
      aria-expanded=${row?.g && (row.g.expandable || !grid.windows.pivotFields) ? (grid.windows.isExpanded(row) ? "true" : "false") : nothing}
      aria-selected=${row?.g ? nothing : selected ? "true" : "false"}
      .style=${`top: ${item.top}px`}
    >
      <div
        class="gridkit-cell gridkit-select"
        role="gridcell"
        aria-colindex="1"
        data-row=${item.index}
        data-col="0"
        tabindex=${grid.focus.isActive(item.index, 0) ? 0 : -1}
      >
        ${row && !row.g ? selectionBox(grid, item.index, selected) : nothing}
      </div>
      ${columns.map((column, index) => cellView(grid, pins, column, row, item.index, index + 1))}
    </div>
  `;
}

function selectionBox(grid: Grid, row: number, selected: boolean): TemplateResult {
  return html`<input
    type="checkbox"
    class="gridkit-check"
    tabindex="-1"
    aria-label=${grid.t("selectRow")}
    .checked=${live(selected)}
    @click=${(event: MouseEvent) => grid.toggleRow(row, event.shiftKey)}
  />`;
}

function cellView(
  grid: Grid,
  pins: PinPlan,
  column: ColumnSchema,
  record: RowRecord | undefined,
  row: number,
  col: number,
): TemplateResult {
  const { editor, focus } = grid;
  const isEditing = record !== undefined && editor.isEditing(record.id, column.id);
  const editable = grid.canEdit(column) && !record?.g;
  const names = ["gridkit-cell", pins.names(column.id), record?.s?.[column.id] ?? ""];
  if (isNumeric(column)) names.push("is-numeric");
  if (editable) names.push("is-editable");
  if (isEditing) names.push("is-editing");
  if (grid.freshness.changedIn(record)?.has(column.id)) names.push("is-fresh");
  return html`
    <div
      class=${names.join(" ")}
      role="gridcell"
      aria-colindex=${col + 1}
      aria-readonly=${grid.mayEdit && !editable ? "true" : nothing}
      data-row=${row}
      data-col=${col}
      .style=${pins.style(column.id)}
      tabindex=${focus.isActive(row, col) ? 0 : -1}
    >
      ${isEditing && editor.current ? editorView(grid, editor.current) : contentView(grid, column, record, row)}
    </div>
  `;
}

function contentView(
  grid: Grid,
  column: ColumnSchema,
  record: RowRecord | undefined,
  row: number,
): TemplateResult | typeof nothing {
  if (!record) return html`<span class="gridkit-skeleton"></span>`;
  if (column.id === GROUPS) return record.g ? groupLabelView(grid, record, record.g, row) : nothing;
  if (record.g) return html`${barView(grid.shares.of(column, record))}${figureView(grid, column, record.d)}`;
  const text = grid.textOf(column, record.d[column.id]);
  if (text !== null)
    return html`<span class="gridkit-text" title=${text.length > 12 ? text : nothing}>${text}</span>`;
  return html`<span class="gridkit-null"><span aria-hidden="true">–</span><span class="gridkit-hidden">${grid.t("empty")}</span></span>`;
}

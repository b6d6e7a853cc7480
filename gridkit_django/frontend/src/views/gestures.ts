/** Keys, double clicks and copying inside the table. */

import { placeOf } from "../focus.ts";
import type { Grid } from "../grid.ts";
import type { ColumnSchema, RowRecord } from "../protocol.ts";
import { openColumnMenu, toggleAll } from "./header.ts";

const RESIZE_STEP = 16;

export function onGridKey(grid: Grid, event: KeyboardEvent): void {
  const { row, col } = grid.focus.active;
  const column = grid.columns[col - 1];
  const side = undoKey(event);
  if (side) {
    event.preventDefault();
    void grid.changes.undo(side);
    return;
  }
  const isHandled = row === -1 ? headerKey(grid, event, column) : cellKey(grid, event, row, column);
  if (isHandled) event.preventDefault();
  else grid.focus.moveBy(event);
}

/** Ctrl+Z takes back, Ctrl+Y and Ctrl+Shift+Z do again. */
function undoKey(event: KeyboardEvent): "undo" | "redo" | null {
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || (key !== "z" && key !== "y")) return null;
  return key === "y" || event.shiftKey ? "redo" : "undo";
}

/** Header: Enter sorts, Alt+Down filters, the menu key opens the column's menu, Shift+arrow resizes, Ctrl+Shift+arrow moves the column. */
function headerKey(grid: Grid, event: KeyboardEvent, column: ColumnSchema | undefined): boolean {
  if (!column) return selectionHeaderKey(grid, event);
  const forward = grid.isRtl() ? -1 : 1;
  const step = event.key === "ArrowRight" ? forward : event.key === "ArrowLeft" ? -forward : 0;
  if (event.key === "Enter" || event.key === " ") grid.sortBy(column, event.shiftKey);
  else if (event.altKey && event.key === "ArrowDown") openFilterAt(grid, column);
  else if (isMenuKey(event)) openColumnMenu(grid, column, event);
  else if (step && event.shiftKey && (event.ctrlKey || event.metaKey))
    moveHeader(grid, column, step as 1 | -1);
  else if (step && event.shiftKey)
    grid.state.setWidth(column.id, grid.state.width(column.id) + step * RESIZE_STEP);
  else return false;
  return true;
}

function selectionHeaderKey(grid: Grid, event: KeyboardEvent): boolean {
  if (event.key !== " ") return false;
  toggleAll(grid);
  return true;
}

const isMenuKey = (event: KeyboardEvent): boolean =>
  event.key === "ContextMenu" || (event.shiftKey && event.key === "F10");

function openFilterAt(grid: Grid, column: ColumnSchema): void {
  const button = grid.focus.element(grid.focus.active)?.querySelector<HTMLElement>(".gridkit-filter-button");
  if (button) grid.filters.open(column, button);
}

function moveHeader(grid: Grid, column: ColumnSchema, step: 1 | -1): void {
  grid.moveColumn(column, step, grid.state.visible.filter(({ id }) => grid.state.pin(id) === grid.state.pin(column.id)));
  const col = grid.columns.indexOf(column) + 1;
  grid.focus.moveTo({ row: -1, col });
}

/** Cell: Enter and F2 edit, a letter writes over what is there, Space selects the row; in a group all three open or close it. */
function cellKey(grid: Grid, event: KeyboardEvent, row: number, column: ColumnSchema | undefined): boolean {
  const record = grid.windows.row(row);
  if (isSelectAll(event)) grid.selectAll();
  else if (record?.g) return groupKey(grid, event, row, record);
  else if (event.key === " " && !event.ctrlKey && !event.altKey) grid.toggleRow(row, event.shiftKey);
  else if ((event.key === "Enter" || event.key === "F2") && column && grid.canEdit(column))
    grid.edits.start(row, column);
  else if (column && grid.canEdit(column) && record && typedKey(event) !== null)
    grid.edits.start(row, column, typedKey(event));
  else if (event.key === "Delete" && record && grid.changes.canDelete)
    grid.changes.askDelete(grid.state.isSelected(record.id) ? null : record);
  else if (event.altKey && event.key === "ArrowLeft" && grid.windows.level(row) > 0) leaveGroup(grid, row);
  else return false;
  return true;
}

/** The letter that begins to write over a cell, as in a spreadsheet; Backspace begins with nothing. */
function typedKey(event: KeyboardEvent): string | null {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  if (event.key === "Backspace") return "";
  return [...event.key].length === 1 && event.key !== " " ? event.key : null;
}

const isSelectAll = (event: KeyboardEvent): boolean =>
  event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;

/** Group: Enter and Space open and close; Alt with an arrow too, as in the treegrid pattern of WAI-ARIA. */
function groupKey(grid: Grid, event: KeyboardEvent, row: number, record: RowRecord): boolean {
  const isOpen = grid.windows.isExpanded(record);
  const forward = grid.isRtl() ? "ArrowLeft" : "ArrowRight";
  const isArrow = event.altKey && (event.key === "ArrowLeft" || event.key === "ArrowRight");
  if (event.key === "Enter" || event.key === " ") grid.setExpanded(row, !isOpen);
  else if (isArrow && event.key !== forward && !isOpen && grid.windows.level(row) > 0) leaveGroup(grid, row);
  else if (isArrow) grid.setExpanded(row, event.key === forward);
  else return false;
  return true;
}

function leaveGroup(grid: Grid, row: number): void {
  grid.focus.moveTo({ row: grid.windows.parentOf(row), col: grid.focus.active.col });
}

export function onGridDoubleClick(grid: Grid, event: MouseEvent): void {
  const place = placeOf(event.target);
  const column = place && grid.columns[place.col - 1];
  if (!place || place.row < 0 || !column) return;
  const record = grid.windows.row(place.row);
  if (record && grid.editor.isEditing(record.id, column.id)) return;
  grid.edits.start(place.row, column);
}

/** Copies the selected rows that are here as tab-separated text, or else the focused cell. */
export function onGridCopy(grid: Grid, event: ClipboardEvent): void {
  const isElsewhere = event.target instanceof HTMLInputElement || !document.getSelection()?.isCollapsed;
  const text = isElsewhere ? "" : copyText(grid);
  if (!text) return;
  event.clipboardData?.setData("text/plain", text);
  event.preventDefault();
  grid.announce(grid.t("copied"));
}

/** Pastes into the cells from the focused one on. */
export function onGridPaste(grid: Grid, event: ClipboardEvent): void {
  const isElsewhere = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  const text = event.clipboardData?.getData("text/plain") ?? "";
  const { row, col } = grid.focus.active;
  if (isElsewhere || !text || !grid.mayEdit || row < 0 || col < 1 || grid.windows.row(row)?.g) return;
  event.preventDefault();
  grid.panels.use((views) => void views.pasteCells(grid, text));
}

function copyText(grid: Grid): string {
  const { windows, state, focus } = grid;
  const columns = state.visible;
  const line = (row: RowRecord, shown: readonly ColumnSchema[]): string =>
    shown
      .map((column) => (grid.textOf(column, row.d[column.id]) ?? "").replace(/[\t\n]/g, " "))
      .join("\t");
  const selected = windows.loaded().filter((row) => state.isSelected(row.id));
  if (selected.length) return selected.map((row) => line(row, columns)).join("\n");
  const row = windows.row(focus.active.row);
  const column = grid.columns[focus.active.col - 1];
  if (row?.g) return row.g.label ?? "";
  return row && column ? line(row, [column]) : "";
}

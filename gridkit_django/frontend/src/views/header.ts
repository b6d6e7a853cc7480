/** The header row: sort by click, filter button, edge to resize, label to drag. */

import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { repeat } from "lit-html/directives/repeat.js";
import { canFilter } from "../filters.ts";
import { isNumeric } from "../format.ts";
import type { Grid } from "../grid.ts";
import type { ColumnSchema } from "../protocol.ts";
import { GROUPS, type SortMark } from "../state.ts";
import { figureLabel } from "../texts.ts";
import { bandsView } from "./bands.ts";
import { filterIcon, moreIcon, upIcon } from "./icons.ts";
import type { PinPlan } from "./pins.ts";

export function headerView(grid: Grid, columns: readonly ColumnSchema[], pins: PinPlan): TemplateResult {
  return html`
    <div class="gridkit-head" role="rowgroup">
      ${bandsView(grid)}
      <div class="gridkit-row gridkit-header-row" role="row" aria-rowindex="1">
        ${selectionHeader(grid)}
        ${repeat(
          columns,
          (column) => column.id,
          (column, index) => headerCell(grid, columns, pins, column, index + 1),
        )}
      </div>
    </div>
  `;
}

function selectionHeader(grid: Grid): TemplateResult {
  const { t, state, focus } = grid;
  const { selection } = state;
  const any = !selection.isEmpty;
  const all = selection.isAll && selection.ids.length === 0;
  return html`
    <div
      class="gridkit-header gridkit-select"
      role="columnheader"
      aria-colindex="1"
      aria-label=${t("selectColumn")}
      data-row="-1"
      data-col="0"
      tabindex=${focus.isActive(-1, 0) ? 0 : -1}
    >
      <input
        type="checkbox"
        class="gridkit-check"
        tabindex="-1"
        aria-label=${t(any ? "selectionClear" : "selectAll")}
        .indeterminate=${live(any && !all)}
        .checked=${live(all)}
        @click=${(event: Event) => {
          event.preventDefault();
          toggleAll(grid);
        }}
      />
    </div>
  `;
}

/** Selects all rows, or none when there is a selection. */
export function toggleAll(grid: Grid): void {
  if (grid.state.selection.isEmpty) grid.selectAll();
  else grid.clearSelection();
}

function headerCell(
  grid: Grid,
  columns: readonly ColumnSchema[],
  pins: PinPlan,
  column: ColumnSchema,
  index: number,
): TemplateResult {
  const { state, focus, drag, t } = grid;
  const mark = state.sortMark(column.id === GROUPS ? (state.grouping[0]?.col ?? "") : column.id);
  const fn = state.figures.get(column.id);
  return html`
    <div
      class="${headerClass(grid, columns, column)} ${pins.names(column.id)}"
      .style=${pins.style(column.id)}
      role="columnheader"
      aria-colindex=${index + 1}
      aria-sort=${ariaSort(column, mark)}
      data-row="-1"
      data-col=${index}
      data-header=${column.id}
      tabindex=${focus.isActive(-1, index) ? 0 : -1}
      @contextmenu=${(event: MouseEvent) => openColumnMenu(grid, column, event)}
      aria-label=${grid.made.get(column.id) ? column.description : nothing}
      title=${column.description || (column.sortable === false ? column.label : t("sortHint"))}
    >
      <button
        type="button"
        class="gridkit-header-label"
        tabindex="-1"
        ?disabled=${column.sortable === false}
        @pointerdown=${(event: PointerEvent) => state.column(column.id) && drag.startReorder(event, column.id)}
        @click=${(event: MouseEvent) => sortClick(grid, column, event)}
      >
        <span class="gridkit-header-texts">
          <span class="gridkit-header-text">${column.label}</span> ${fn ? html`<small>${figureLabel(fn, t)}</small>` : nothing}
        </span>
        ${sortMarkView(grid, mark)}
      </button>
      ${filterButton(grid, column)} ${menuButton(grid, column)}
      <span
        class="gridkit-resize"
        aria-hidden="true"
        @pointerdown=${(event: PointerEvent) => drag.startResize(event, column.id)}
        @dblclick=${(event: Event) => fitColumn(grid, column, index, event)}
      ></span>
    </div>
  `;
}

function headerClass({ drag }: Grid, columns: readonly ColumnSchema[], column: ColumnSchema): string {
  const names = ["gridkit-header"];
  if (isNumeric(column)) names.push("is-numeric");
  const { drop } = drag;
  if (drop?.dragged === column.id) names.push("is-dragged");
  else if (drop?.target === column.id) {
    const ids = columns.map((item) => item.id);
    names.push(ids.indexOf(drop.dragged) < ids.indexOf(column.id) ? "is-drop-after" : "is-drop-before");
  }
  return names.join(" ");
}

function ariaSort(column: ColumnSchema, mark: SortMark | null): string | typeof nothing {
  if (column.sortable === false) return nothing;
  if (!mark) return "none";
  return mark.dir === "asc" ? "ascending" : "descending";
}

function sortClick(grid: Grid, column: ColumnSchema, event: MouseEvent): void {
  if (grid.drag.takeSuppressedClick()) return;
  (event.currentTarget as HTMLElement).closest<HTMLElement>("[data-row]")?.focus();
  grid.sortBy(column, event.shiftKey);
}

function sortMarkView({ state }: Grid, mark: SortMark | null): TemplateResult | typeof nothing {
  if (!mark) return nothing;
  const rank = state.sort.length > 1 ? html`<span class="gridkit-rank">${mark.rank}</span>` : nothing;
  return html`<span class="gridkit-sort-mark is-${mark.dir}" aria-hidden="true">${upIcon}${rank}</span>`;
}

function filterButton(grid: Grid, column: ColumnSchema): TemplateResult | typeof nothing {
  if (!canFilter(column)) return nothing;
  const { state, popovers, t } = grid;
  const active = state.conditions.has(column.id);
  const open = popovers.isOpen("filter", column.id);
  return html`
    <button
      type="button"
      class="gridkit-header-button gridkit-filter-button ${active ? "is-active" : ""} ${open ? "is-open" : ""}"
      tabindex="-1"
      aria-haspopup="dialog"
      aria-expanded=${open ? "true" : "false"}
      aria-label=${t(active ? "filterActive" : "filterBy", { column: column.label })}
      @pointerdown=${() => popovers.press("filter", column.id)}
      @click=${(event: Event) => grid.filters.open(column, event.currentTarget as HTMLElement)}
    >
      ${filterIcon}
    </button>
  `;
}

function menuButton(grid: Grid, column: ColumnSchema): TemplateResult | typeof nothing {
  if (!grid.state.column(column.id)) return nothing;
  const { popovers, t } = grid;
  const open = popovers.isOpen("column", column.id);
  return html`
    <button
      type="button"
      class="gridkit-header-button gridkit-menu-button ${open ? "is-open" : ""}"
      tabindex="-1"
      aria-haspopup="menu"
      aria-expanded=${open ? "true" : "false"}
      aria-label=${t("columnMenu", { column: column.label })}
      @pointerdown=${() => popovers.press("column", column.id)}
      @click=${(event: Event) => popovers.toggle("column", event.currentTarget as HTMLElement, column.id)}
    >
      ${moreIcon}
    </button>
  `;
}

/** Opens the menu of a column below its header: right click, the menu key, or Shift+F10. */
export function openColumnMenu({ popovers, root, state }: Grid, column: ColumnSchema, event: Event): void {
  if (!state.column(column.id)) return;
  event.preventDefault();
  const header = root.querySelector<HTMLElement>(`[data-header="${CSS.escape(column.id)}"]`);
  if (header && !popovers.isOpen("column", column.id)) popovers.toggle("column", header, column.id);
}

/** Double click on the edge: as wide as the widest cell on show. */
function fitColumn({ root, state }: Grid, column: ColumnSchema, index: number, event: Event): void {
  event.stopPropagation();
  let widest = 0;
  for (const text of root.querySelectorAll<HTMLElement>(
    `[data-col="${index}"] .gridkit-text, [data-col="${index}"] .gridkit-header-text`,
  )) {
    const range = document.createRange();
    range.selectNodeContents(text);
    const isHeader = text.classList.contains("gridkit-header-text");
    widest = Math.max(widest, range.getBoundingClientRect().width + (isHeader ? 60 : 26));
  }
  if (widest > 0) state.setWidth(column.id, Math.ceil(widest));
}

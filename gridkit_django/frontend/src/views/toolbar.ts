/** Search box and buttons above the table; the active filters as removable chips below them. */

import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { repeat } from "lit-html/directives/repeat.js";
import { canFilter, type ColumnCondition, describeCondition } from "../filters.ts";
import type { Grid } from "../grid.ts";
import { formatsOf } from "../jobs.ts";
import type { PopoverName } from "../popover.ts";
import type { ViewsPanel } from "../viewspanel.ts";
import {
  chevronIcon,
  closeIcon,
  columnsIcon,
  exportIcon,
  filterIcon,
  groupIcon,
  plusIcon,
  searchIcon,
  viewsIcon,
} from "./icons.ts";

const SEARCH_DELAY_MS = 300;
const timers = new WeakMap<Grid, ReturnType<typeof setTimeout>>();

export function toolbarView(grid: Grid): TemplateResult {
  const { t, state } = grid;
  const hasSearch = grid.state.columns.some((column) => column.searchable);
  const hasExport = formatsOf(grid.exportMethod).length > 0;
  return html`
    <div class="gridkit-toolbar" role="toolbar" aria-label=${grid.schema.label}>
      ${grid.views ? viewsButton(grid, grid.views) : nothing} ${hasSearch ? searchBox(grid) : nothing}
      <span class="gridkit-spring"></span>
      ${
        grid.changes.canCreate
          ? html`<button type="button" class="gridkit-button" @click=${() => grid.changes.askCreate()}>${plusIcon}<span>${t("create")}</span></button>`
          : nothing
      }
      ${state.columns.some(canFilter) ? filterButton(grid) : nothing}
      ${state.columns.some((column) => column.groupable) ? menuButton(grid, "pivot", pivotLabel(grid), groupIcon) : nothing}
      ${menuButton(grid, "columns", t("columns"), columnsIcon)}
      ${hasExport ? menuButton(grid, "export", t("export"), exportIcon) : nothing}
    </div>
  `;
}

function searchBox(grid: Grid): TemplateResult {
  const { t } = grid;
  return html`
    <label class="gridkit-search">
      ${searchIcon}
      <input
        type="search"
        class="gridkit-input"
        placeholder=${t("search")}
        aria-label=${t("search")}
        maxlength=${grid.schema.limits?.searchLength ?? 200}
        autocomplete="off"
        spellcheck="false"
        .value=${live(shownSearch(grid))}
        @input=${(event: Event) => searchLater(grid, inputOf(event).value)}
        @change=${(event: Event) => searchNow(grid, inputOf(event).value)}
      />
    </label>
  `;
}

const inputOf = (event: Event): HTMLInputElement => event.target as HTMLInputElement;

/** What the user is typing while the box has the focus; else the search that is in force. */
function shownSearch({ root, state }: Grid): string {
  const input = root.querySelector<HTMLInputElement>(".gridkit-search input");
  return input && input === document.activeElement ? input.value : state.search;
}

/** Searches when the user has paused typing, so that not every letter asks the server. */
function searchLater(grid: Grid, text: string): void {
  clearTimeout(timers.get(grid));
  timers.set(
    grid,
    setTimeout(() => searchNow(grid, text), SEARCH_DELAY_MS),
  );
}

/** Enter, or leaving the box: a search that still waits is done at once. */
function searchNow(grid: Grid, text: string): void {
  const isWaiting = timers.has(grid);
  clearTimeout(timers.get(grid));
  timers.delete(grid);
  if (isWaiting) grid.state.setSearch(text.trim());
}

/** Opens the saved views; a dot says that what is on show differs from the view. */
function viewsButton(grid: Grid, views: ViewsPanel): TemplateResult {
  const { t } = grid;
  const changed = views.saved.isDirty ? html`<span class="gridkit-dot" role="img" aria-label=${t("viewChanged")}></span>` : nothing;
  const label = html`<span class="gridkit-view-name">${views.saved.open?.name ?? t("viewDeclared")}</span>${changed}`;
  return menuButton(grid, "views", label, viewsIcon, () => {
    views.saved.forgetProblem();
    views.form = null;
  });
}

/** Opens the list of columns to filter by. */
function filterButton(grid: Grid): TemplateResult {
  const { t, state } = grid;
  const count = state.conditions.size + (state.hasRest ? 1 : 0);
  const label = html`${t("filterMenu")}${count ? html` <span class="gridkit-badge">${count}</span>` : nothing}`;
  return menuButton(grid, "filter", label, filterIcon, () => grid.filters.choose(null));
}

function pivotLabel({ t, state }: Grid): TemplateResult {
  const count = state.pivoting.length + state.grouping.length;
  return html`${t("pivot")}${count ? html` <span class="gridkit-badge">${count}</span>` : nothing}`;
}

function menuButton(
  grid: Grid,
  name: PopoverName,
  label: TemplateResult | string,
  icon: TemplateResult,
  prepare: () => void = () => undefined,
): TemplateResult {
  return html`
    <button
      type="button"
      class="gridkit-button"
      aria-haspopup="dialog"
      aria-expanded=${grid.popovers.isOpen(name) ? "true" : "false"}
      @pointerdown=${() => grid.popovers.press(name)}
      @click=${(event: Event) => {
        prepare();
        grid.popovers.toggle(name, event.currentTarget as HTMLElement);
      }}
    >
      ${icon}<span>${label}</span>${chevronIcon}
    </button>
  `;
}

export function chipsView(grid: Grid): TemplateResult | typeof nothing {
  const { state, t } = grid;
  const conditions = [...state.conditions];
  const isFiltered = conditions.length > 0 || state.hasRest;
  if (!isFiltered && !state.grouping.length) return nothing;
  return html`
    <div class="gridkit-chips" role="group" aria-label=${t("filters")}>
      ${groupChips(grid)}
      ${repeat(
        conditions,
        ([id]) => id,
        ([id, condition]) => conditionChip(grid, id, condition),
      )}
      ${state.hasRest ? chip(html`${t("filterAdvanced")}`, t("filterRemoveOf", { column: t("filterAdvanced") }), () => state.dropRest()) : nothing}
      ${isFiltered ? html`<button type="button" class="gridkit-link" @click=${() => state.clearFilters()}>${t("clearAll")}</button>` : nothing}
    </div>
  `;
}

function groupChips(grid: Grid): unknown {
  const { state, windows, t } = grid;
  if (!state.grouping.length) return nothing;
  return html`
    <span class="gridkit-muted">${t("groupedBy")}</span>
    ${state.grouping.map((term) => {
      const label = grid.groupLabel(term);
      return chip(html`${groupIcon} ${label}`, t("groupRemove", { column: label }), () => grid.toggleGroup(term), "is-group");
    })}
    <button type="button" class="gridkit-link" @click=${() => windows.collapseAll()}>${t("groupsCollapse")}</button>
  `;
}

function conditionChip(grid: Grid, id: string, condition: ColumnCondition): TemplateResult | typeof nothing {
  const { state, formatter, t } = grid;
  const column = state.column(id);
  if (!column) return nothing;
  grid.lookups.of(column);
  const text = describeCondition(column, condition, formatter, t, (value) => grid.lookups.label(column, value));
  const open = html`
    <button type="button" class="gridkit-chip-text" title=${text} @click=${(event: Event) => grid.filters.open(column, event.currentTarget as HTMLElement)}>
      ${text}
    </button>
  `;
  return chip(open, t("filterRemoveOf", { column: column.label }), () => state.setCondition(id, null), "is-open");
}

function chip(content: TemplateResult, removeLabel: string, remove: () => void, kind = ""): TemplateResult {
  return html`
    <span class="gridkit-chip ${kind}">
      ${kind === "is-open" ? content : html`<span class="gridkit-chip-text">${content}</span>`}
      <button type="button" class="gridkit-chip-remove" aria-label=${removeLabel} @click=${remove}>${closeIcon}</button>
    </span>
  `;
}

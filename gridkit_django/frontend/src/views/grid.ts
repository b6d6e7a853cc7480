/** The whole grid: toolbar, chips, banner, table, export tray, status bar and popovers. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Grid } from "../grid.ts";
import { GROUPS, MIN_WIDTH } from "../state.ts";
import { bannerView } from "./banner.ts";
import { bodyView } from "./body.ts";
import { noteView } from "./editor.ts";
import { headerView } from "./header.ts";
import { onGridCopy, onGridDoubleClick, onGridKey, onGridPaste } from "./gestures.ts";
import { jobsView } from "./jobs.ts";
import { totalsView } from "./totals.ts";
import { shellsView } from "./shells.ts";
import { pinPlan } from "./pins.ts";
import { statusView } from "./status.ts";
import { chipsView, toolbarView } from "./toolbar.ts";
import { toastView } from "./toast.ts";

export function gridView(grid: Grid): TemplateResult {
  return html`
    ${toolbarView(grid)} ${chipsView(grid)} ${bannerView(grid)}
    <div class="gridkit-frame">
      ${grid.windows.isLoading ? html`<div class="gridkit-busy" aria-hidden="true"></div>` : nothing}
      ${tableView(grid)} ${emptyView(grid)} ${toastView(grid)}
    </div>
    ${jobsView(grid)} ${statusView(grid)} ${shellsView(grid)} ${noteView(grid)}
  `;
}

function tableView(grid: Grid): TemplateResult {
  const { windows, columns } = grid;
  const pins = pinPlan(grid, columns, (id) => shownWidth(grid, id));
  const { template, total, start, end } = pins;
  const rowCount = windows.count.is === "exact" ? windows.length + 1 : -1;
  return html`
    <div class="gridkit-viewport" tabindex="-1" .style=${`scroll-padding-inline: ${44 + start}px ${end}px`}>
      <div
        class="gridkit-table ${windows.isRefreshing && windows.hasAnswer ? "is-stale" : ""}"
        role=${windows.isGrouped ? "treegrid" : "grid"}
        aria-label=${grid.schema.label}
        aria-rowcount=${rowCount}
        aria-colcount=${columns.length + 1}
        aria-multiselectable="true"
        aria-readonly=${grid.mayEdit ? "false" : "true"}
        aria-busy=${windows.isLoading ? "true" : "false"}
        .style=${`--gridkit-template: ${template}; --gridkit-total: ${total}px; --gridkit-start: ${start}px`}
        @keydown=${(event: KeyboardEvent) => onGridKey(grid, event)}
        @focusin=${(event: FocusEvent) => grid.focus.focused(event)}
        @dblclick=${(event: MouseEvent) => onGridDoubleClick(grid, event)}
        @paste=${(event: ClipboardEvent) => onGridPaste(grid, event)}
        @copy=${(event: ClipboardEvent) => onGridCopy(grid, event)}
      >
        ${headerView(grid, columns, pins)} ${bodyView(grid, columns, pins)} ${totalsView(grid, columns, pins)}
      </div>
    </div>
  `;
}

/** In a narrow window the groups take at most half of it. */
function shownWidth({ state, root }: Grid, id: string): number {
  const width = state.width(id);
  return id === GROUPS ? Math.min(width, Math.max(MIN_WIDTH, Math.round(root.clientWidth / 2))) : width;
}

function emptyView({ windows, state, t }: Grid): TemplateResult | typeof nothing {
  if (!windows.hasAnswer || windows.length > 0) return nothing;
  return html`
    <div class="gridkit-empty">
      <p class="gridkit-empty-title">${t("emptyTitle")}</p>
      <p>${t(state.isNarrowed ? "emptyFiltered" : "emptyText")}</p>
      ${
        state.isNarrowed
          ? html`<button type="button" class="gridkit-button" @click=${() => state.clearFilters()}>${t("clearFilters")}</button>`
          : nothing
      }
    </div>
  `;
}

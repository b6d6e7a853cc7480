/** The line below the table, and the region that screen readers listen to. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Grid } from "../grid.ts";
import { refreshIcon } from "./icons.ts";
import { countLabel, groupsLabel, selectionLabel } from "../texts.ts";

export function statusView(grid: Grid): TemplateResult {
  const { windows, state, formatter, t } = grid;
  const selected = !state.selection.isEmpty;
  return html`
    <div class="gridkit-status">
      <span class="gridkit-count">
        ${windows.hasAnswer ? (windows.isGrouped ? groupsLabel(grid) : countLabel(windows.count, formatter, t)) : t("loading")}
        ${countAction(grid)}
      </span>
      ${selected ? selectionView(grid) : nothing}
      ${reasonView(grid)}
      <span class="gridkit-spring"></span>
      ${rangeView(grid)} ${refreshButton(grid)}
    </div>
    <div class="gridkit-hidden" role="status" aria-live="polite">${grid.announcement}</div>
  `;
}

/** What is selected, and what can be done with it. */
function selectionView(grid: Grid): TemplateResult {
  const { state, windows, changes, matching, formatter, schema, t } = grid;
  const act = (label: string, run: () => void): TemplateResult =>
    html`<button type="button" class="gridkit-link" @click=${run}>${label}</button>`;
  const canBulk = Boolean(schema.limits?.bulkRows);
  const rest = !state.selection.isAll && windows.length > 1 && canBulk;
  return html`<span class="gridkit-selected">
    ${selectionLabel(grid)}
    ${canBulk && grid.mayEdit ? act(t("bulkEditStart"), () => changes.askEdit()) : nothing}
    ${canBulk && changes.canDelete ? act(t("deleteStart"), () => changes.askDelete()) : nothing}
    ${rest ? act(matching === null ? t("selectAll") : t("selectAllCount", { count: formatter.count(matching) }), () => grid.selectAll()) : nothing}
    ${act(t("selectionClear"), () => grid.clearSelection())}
  </span>`;
}

/** The reason that stands for all changes, with a way to be asked again. */
function reasonView(grid: Grid): TemplateResult | typeof nothing {
  const { reasons, t } = grid;
  const reason = reasons.kept;
  if (reason === null || !grid.mayChange) return nothing;
  const forget = (): void => {
    reasons.forget();
    grid.requestRender();
  };
  return html`<span class="gridkit-reason">
    <span class="gridkit-text" title=${reason || nothing}>${reason ? t("reasonKept", { reason }) : t("reasonNone")}</span>
    <button type="button" class="gridkit-link" @click=${forget}>${t("reasonForget")}</button>
  </span>`;
}

function countAction({ windows, t }: Grid): TemplateResult | typeof nothing {
  if (windows.isCounting) return html`<span class="gridkit-muted">${t("rowsCounting")}…</span>`;
  if (!windows.hasAnswer || windows.count.is === "exact" || windows.isGrouped) return nothing;
  return html`<button type="button" class="gridkit-link" @click=${() => void windows.countExactly()}>${t("countExactly")}</button>`;
}

function refreshButton({ freshness, windows, t }: Grid): TemplateResult | typeof nothing {
  if (!windows.hasAnswer) return nothing;
  return html`<button type="button" class="gridkit-icon-button" aria-label=${t("refresh")} title=${t("refresh")} @click=${() => void freshness.ask()}>
    ${refreshIcon}
  </button>`;
}

function rangeView({ scroller, windows, formatter, t }: Grid): TemplateResult | typeof nothing {
  const range = windows.hasAnswer ? scroller.visibleRange() : null;
  if (!range) return nothing;
  const [first, last] = range;
  const text = t("rowsShown", { first: formatter.count(first + 1), last: formatter.count(last + 1) });
  return html`<span class="gridkit-range">${text}</span>`;
}

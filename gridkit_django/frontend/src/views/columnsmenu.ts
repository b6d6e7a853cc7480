/** The columns menu: show, hide and arrange, for mouse, keyboard and touch alike. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { live } from "lit-html/directives/live.js";
import type { Grid } from "../grid.ts";
import type { ColumnSchema } from "../protocol.ts";
import { columnSearch, foundColumns, nothingFound } from "./columnsearch.ts";
import { downIcon, upIcon } from "./icons.ts";

export function columnsPanel(grid: Grid): TemplateResult {
  const { state, t } = grid;
  const columns = state.ordered;
  const found = foundColumns(grid, columns);
  return html`
    <div class="gridkit-menu-head">
      <p class="gridkit-form-title">${t("columnsTitle")}</p>
      <button type="button" class="gridkit-link" @click=${() => state.resetLayout()}>${t("columnsReset")}</button>
    </div>
    ${columnSearch(grid)}
    <ul class="gridkit-column-list">
      ${found.length > 1 ? allItem(grid, found) : nothing}
      ${repeat(
        found,
        (column) => column.id,
        (column) => item(grid, columns, column, columns.indexOf(column)),
      )}
    </ul>
    ${nothingFound(grid, found)}
  `;
}

/** Shows all columns that are listed, or hides them; one column always stays. */
function allItem({ state, t }: Grid, columns: readonly ColumnSchema[]): TemplateResult {
  const shown = columns.filter(({ id }) => state.isVisible(id)).length;
  const isAll = shown === columns.length;
  return html`
    <li class="gridkit-column-item gridkit-column-all">
      <label class="gridkit-choice">
        <input
          type="checkbox"
          class="gridkit-check"
          .checked=${live(isAll)}
          .indeterminate=${live(shown > 0 && !isAll)}
          @change=${() => state.setAllVisible(columns.map(({ id }) => id), !isAll)}
        />
        <span>${t("columnsAll")}</span>
      </label>
    </li>
  `;
}

function item(
  grid: Grid,
  columns: readonly ColumnSchema[],
  column: ColumnSchema,
  index: number,
): TemplateResult {
  const { state, t } = grid;
  return html`
    <li class="gridkit-column-item">
      <label class="gridkit-choice">
        <input
          type="checkbox"
          class="gridkit-check"
          .checked=${live(state.isVisible(column.id))}
          @change=${(event: Event) => state.setVisible(column.id, (event.target as HTMLInputElement).checked)}
        />
        <span>${column.label}</span>
      </label>
      <button
        type="button"
        class="gridkit-icon-button"
        aria-label=${t("moveUp", { column: column.label })}
        ?disabled=${index === 0}
        @click=${() => grid.moveColumn(column, -1, columns)}
      >
        ${upIcon}
      </button>
      <button
        type="button"
        class="gridkit-icon-button"
        aria-label=${t("moveDown", { column: column.label })}
        ?disabled=${index === columns.length - 1}
        @click=${() => grid.moveColumn(column, 1, columns)}
      >
        ${downIcon}
      </button>
    </li>
  `;
}

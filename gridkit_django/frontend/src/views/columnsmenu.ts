/** The columns menu: show, hide and arrange, for mouse, keyboard and touch alike. */

import { html, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { live } from "lit-html/directives/live.js";
import type { Grid } from "../grid.ts";
import type { ColumnSchema } from "../protocol.ts";
import { downIcon, upIcon } from "./icons.ts";

export function columnsPanel(grid: Grid): TemplateResult {
  const { state, t } = grid;
  const columns = state.ordered;
  return html`
    <div class="gridkit-menu-head">
      <p class="gridkit-form-title">${t("columnsTitle")}</p>
      <button type="button" class="gridkit-link" @click=${() => state.resetLayout()}>${t("columnsReset")}</button>
    </div>
    <ul class="gridkit-column-list">
      ${repeat(
        columns,
        (column) => column.id,
        (column, index) => item(grid, columns, column, index),
      )}
    </ul>
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

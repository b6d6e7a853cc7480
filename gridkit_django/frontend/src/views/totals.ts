/** The line below the rows: the figures over all rows that the filters leave. */

import { html, nothing, type TemplateResult } from "lit-html";
import { isNumeric } from "../format.ts";
import type { Grid } from "../grid.ts";
import type { ColumnSchema } from "../protocol.ts";
import { figureView } from "./groups.ts";
import type { PinPlan } from "./pins.ts";

export function totalsView(
  grid: Grid,
  columns: readonly ColumnSchema[],
  pins: PinPlan,
): TemplateResult | typeof nothing {
  const { state, totals, windows, t } = grid;
  if (!state.figures.size || !windows.hasAnswer || windows.length === 0) return nothing;
  const { values } = totals;
  return html`
    <div class="gridkit-foot" role="rowgroup">
      <div class="gridkit-row gridkit-totals" role="row" aria-label=${t("totals")} aria-busy=${totals.isLoading ? "true" : "false"}>
        <div class="gridkit-cell gridkit-select" role="gridcell"><span aria-hidden="true">Σ</span></div>
        ${columns.map(
          (column) => html`
            <div
              class="gridkit-cell ${isNumeric(column) ? "is-numeric" : ""} ${pins.names(column.id)}"
              role="gridcell"
              .style=${pins.style(column.id)}
            >
              ${values ? figureView(grid, column, values) : nothing}
            </div>
          `,
        )}
      </div>
    </div>
  `;
}

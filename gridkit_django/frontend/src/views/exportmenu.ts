/** The export menu: one button for each format that the server's method offers. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Grid } from "../grid.ts";
import { formatsOf } from "../jobs.ts";
import { formatLabel } from "../texts.ts";

export function exportMenu(grid: Grid): TemplateResult {
  const { t } = grid;
  return html`
    <div
      class="gridkit-popover gridkit-menu"
      popover="auto"
      data-popover="export"
      role="dialog"
      aria-label=${t("exportAs")}
      @toggle=${(event: Event) => grid.popovers.toggled(event)}
    >
      ${
        grid.popovers.isOpen("export")
          ? html`
            <p class="gridkit-form-title">${t("exportAs")}</p>
            ${formatsOf(grid.exportMethod).map(
              (format) => html`
                <button type="button" class="gridkit-menu-item" @click=${() => grid.startExport(format)}>${formatLabel(format, t)}</button>
              `,
            )}
          `
          : nothing
      }
    </div>
  `;
}

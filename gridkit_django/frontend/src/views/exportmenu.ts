/** The export menu: one item for each format that the server's method offers. */

import { html, type TemplateResult } from "lit-html";
import type { Grid } from "../grid.ts";
import { formatsOf } from "../jobs.ts";
import { formatLabel } from "../texts.ts";
import { menuItem, menuTitle, popoverView } from "./menu.ts";

export function exportMenu(grid: Grid): TemplateResult {
  const { t } = grid;
  const items = (): TemplateResult => html`
    ${menuTitle(t("exportAs"))}
    ${formatsOf(grid.exportMethod).map((format) => menuItem(formatLabel(format, t), () => grid.startExport(format)))}
  `;
  return popoverView(grid, "export", t("exportAs"), items, "gridkit-menu");
}

/** The export menu: one item for each format that the server's method offers. */

import { html, type TemplateResult } from "lit-html";
import type { Grid } from "../grid.ts";
import { formatsOf } from "../jobs.ts";
import { formatLabel } from "../texts.ts";
import { menuItem, menuTitle } from "./menu.ts";

export function exportItems(grid: Grid): TemplateResult {
  const { t } = grid;
  return html`
    ${menuTitle(t("exportAs"))}
    ${formatsOf(grid.exportMethod).map((format) => menuItem(formatLabel(format, t), () => grid.startExport(format)))}
  `;
}

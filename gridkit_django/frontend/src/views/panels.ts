/** The panels that are loaded when they are needed: what each popover holds, and the dialog. */

import type { TemplateResult } from "lit-html";
import type { Grid } from "../grid.ts";
import type { PopoverName } from "../popover.ts";
import { columnItems, columnLabel } from "./columnmenu.ts";
import { columnsPanel } from "./columnsmenu.ts";
import { exportPanel } from "./exportmenu.ts";
import { filterLabel, filterPanel } from "./filterpopover.ts";
import { pivotPanel } from "./pivotpanel.ts";
import { viewsPanel } from "./viewsmenu.ts";

export { FilterForm } from "../filterform.ts";
export { pasteCells } from "../paste.ts";
export { RowForm } from "../rowform.ts";
export { PANEL_ENGLISH } from "../panelstrings.ts";
export { dialogForm } from "./dialog.ts";
export { exportText, retryButton } from "./exportmenu.ts";

export interface Panel {
  readonly label: (grid: Grid) => string;
  readonly content: (grid: Grid) => TemplateResult;
}

export const POPOVERS: Readonly<Record<PopoverName, Panel>> = {
  filter: { label: filterLabel, content: filterPanel },
  column: { label: columnLabel, content: columnItems },
  columns: { label: ({ t }) => t("columnsTitle"), content: columnsPanel },
  export: { label: ({ t }) => t("exportTitle"), content: exportPanel },
  pivot: { label: ({ t }) => t("pivotTitle"), content: pivotPanel },
  views: { label: ({ t }) => t("views"), content: viewsPanel },
};

/** Where the panels will stand: the popovers and the dialog, empty until one is opened. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Grid } from "../grid.ts";
import type { PopoverName } from "../popover.ts";
import { onMenuKey } from "./menu.ts";

const MENUS: ReadonlySet<PopoverName> = new Set(["column"]);
const NAMES: readonly PopoverName[] = ["filter", "column", "columns", "export", "views", "pivot"];

export function shellsView(grid: Grid): TemplateResult {
  const { changes, panels, uid } = grid;
  const { task } = changes;
  return html`
    ${NAMES.map((name) => popoverView(grid, name))}
    <dialog class="gridkit-dialog" aria-labelledby="${uid}-dialog" @close=${() => task && changes.close()}>
      ${(task && panels.views?.dialogForm(grid, task)) ?? nothing}
    </dialog>
  `;
}

/** A popover holds something only while it is open. */
function popoverView(grid: Grid, name: PopoverName): TemplateResult {
  const { popovers, panels, t } = grid;
  const isMenu = MENUS.has(name);
  const isOpen = popovers.open?.name === name;
  const panel = isOpen ? panels.views?.POPOVERS[name] : undefined;
  const waiting = isOpen ? html`<p class="gridkit-picked">${t("panelLoading")}…</p>` : nothing;
  return html`
    <div
      class="gridkit-popover ${isMenu ? "gridkit-menu" : ""}"
      popover="auto"
      data-popover=${name}
      role=${isMenu ? "menu" : "dialog"}
      aria-label=${panel?.label(grid) ?? nothing}
      @keydown=${isMenu ? onMenuKey : nothing}
      @toggle=${(event: Event) => popovers.toggled(event)}
    >
      ${panel?.content(grid) ?? waiting}
    </div>
  `;
}

/** Closes the browser's side of the dialog once there is nothing left to ask. */
export function closeDialog({ root, changes }: Grid): void {
  const dialog = root.querySelector<HTMLDialogElement>(".gridkit-dialog");
  if (!changes.task && dialog?.open) dialog.close();
}

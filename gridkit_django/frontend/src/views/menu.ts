/** The parts that menus are made of: a popover, items, and the arrow keys between them. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Grid } from "../grid.ts";
import type { PopoverName } from "../popover.ts";

/** A popover that draws its content only while it is open. */
export function popoverView(
  grid: Grid,
  name: PopoverName,
  label: string | typeof nothing,
  content: () => TemplateResult,
  kind = "",
): TemplateResult {
  const isOpen = grid.popovers.open?.name === name;
  return html`
    <div
      class="gridkit-popover ${kind}"
      popover="auto"
      data-popover=${name}
      role=${kind ? "menu" : "dialog"}
      aria-label=${label}
      @keydown=${kind ? onMenuKey : nothing}
      @toggle=${(event: Event) => grid.popovers.toggled(event)}
    >
      ${isOpen ? content() : nothing}
    </div>
  `;
}

export function menuItem(label: string, act: () => void, checked: boolean | null = null): TemplateResult {
  return html`
    <button
      type="button"
      class="gridkit-menu-item"
      role=${checked === null ? "menuitem" : "menuitemradio"}
      aria-checked=${checked === null ? nothing : checked ? "true" : "false"}
      @click=${act}
    >
      ${label}
    </button>
  `;
}

export function menuTitle(label: string): TemplateResult {
  return html`<p class="gridkit-form-title" role="presentation">${label}</p>`;
}

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };

/** Arrow keys, Home and End go from item to item (WAI-ARIA menu pattern). */
function onMenuKey(event: KeyboardEvent): void {
  const menu = event.currentTarget as HTMLElement;
  const items = [...menu.querySelectorAll<HTMLElement>(".gridkit-menu-item")];
  const at = items.indexOf(document.activeElement as HTMLElement);
  const step = STEPS[event.key];
  const to = event.key === "Home" ? 0 : event.key === "End" ? items.length - 1 : step ? at + step : null;
  if (to === null || !items.length) return;
  event.preventDefault();
  items[(to + items.length) % items.length]?.focus();
}

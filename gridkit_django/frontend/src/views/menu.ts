/** The parts that menus are made of: items, and the arrow keys between them. */

import { html, nothing, type TemplateResult } from "lit-html";

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
export function onMenuKey(event: KeyboardEvent): void {
  const menu = event.currentTarget as HTMLElement;
  const items = [...menu.querySelectorAll<HTMLElement>(".gridkit-menu-item")];
  const at = items.indexOf(document.activeElement as HTMLElement);
  const step = STEPS[event.key];
  const to = event.key === "Home" ? 0 : event.key === "End" ? items.length - 1 : step ? at + step : null;
  if (to === null || !items.length) return;
  event.preventDefault();
  items[(to + items.length) % items.length]?.focus();
}

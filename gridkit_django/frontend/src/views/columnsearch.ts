/** A search over the names of columns, for menus that list many of them. */

import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import type { Grid } from "../grid.ts";
import type { ColumnSchema } from "../protocol.ts";

/** With fewer columns than these a look is quicker than a word. */
const MANY = 9;

export function columnSearch({ state, popovers, t }: Grid): TemplateResult | typeof nothing {
  if (state.columns.length < MANY) return nothing;
  return html`<input
    type="search"
    class="gridkit-input"
    placeholder=${t("columnSearch")}
    aria-label=${t("columnSearch")}
    autocomplete="off"
    spellcheck="false"
    .value=${live(popovers.search)}
    @input=${(event: Event) => {
      popovers.search = (event.target as HTMLInputElement).value;
      popovers.changed();
    }}
  />`;
}

/** Those of the columns whose names hold what is searched for. */
export function foundColumns({ popovers }: Grid, columns: readonly ColumnSchema[]): readonly ColumnSchema[] {
  const text = popovers.search.trim().toLowerCase();
  return columns.filter(({ label }) => label.toLowerCase().includes(text));
}

/** Says that nothing was found. */
export function nothingFound({ t }: Grid, columns: readonly ColumnSchema[]): TemplateResult | typeof nothing {
  return columns.length ? nothing : html`<p class="gridkit-picked" role="status">${t("columnNone")}</p>`;
}

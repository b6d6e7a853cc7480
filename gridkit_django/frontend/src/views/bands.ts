/** The rows above the header of a pivot: the values across, each over the columns that were made of it. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Grid } from "../grid.ts";
import { bandsOf } from "../pivot.ts";

/** Screen readers hear the values across in the names of the columns below. */
export function bandsView(grid: Grid): readonly TemplateResult[] | typeof nothing {
  const made = grid.made.columns;
  const levels = made[0]?.labels.length ?? 0;
  if (!levels) return nothing;
  const row = (level: number): TemplateResult => html`
    <div class="gridkit-row gridkit-bands" aria-hidden="true">
      <div class="gridkit-header is-pinned" .style=${"grid-column: 1 / span 2; inset-inline-start: 0"}></div>
      ${bandsOf(made, level).map(
        ({ label, first, span }) => html`
          <div class="gridkit-band" title=${label} .style=${`grid-column: ${first + 3} / span ${span}`}>
            <span>${label}</span>
          </div>
        `,
      )}
    </div>
  `;
  return Array.from({ length: levels }, (_, level) => row(level));
}

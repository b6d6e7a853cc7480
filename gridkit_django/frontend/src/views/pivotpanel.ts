/** The panel of groups and pivots: what stands in the rows, what goes across, and which figures are computed. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Grid } from "../grid.ts";
import { isSameTerm } from "../grouping.ts";
import type { ColumnSchema, GroupTerm } from "../protocol.ts";
import { figureLabel } from "../texts.ts";
import { closeIcon } from "./icons.ts";

interface Choice {
  readonly label: string;
  readonly act: () => void;
}

export function pivotPanel(grid: Grid): TemplateResult {
  const { state, t, schema } = grid;
  const { grouping, pivoting } = state;
  const isFull = grouping.length >= (schema.limits?.groups ?? 5);
  const free = terms(grid).filter((term) => ![...grouping, ...pivoting].some((other) => isSameTerm(other, term)));
  const offer = (add: (term: GroupTerm) => void): readonly Choice[] =>
    free.map((term) => ({ label: grid.groupLabel(term), act: () => add(term) }));
  return html`
    <div class="gridkit-menu-head">
      <p class="gridkit-form-title">${t("pivotTitle")}</p>
      ${
        pivoting.length
          ? html`<button type="button" class="gridkit-link" @click=${() => state.setPivoting([])}>${t("pivotEnd")}</button>`
          : nothing
      }
    </div>
    ${section(
      t("pivotRows"),
      grouping.map((term) => ({ label: grid.groupLabel(term), act: () => state.toggleGroup(term) })),
      isFull ? [] : offer((term) => state.toggleGroup(term)),
      grid,
    )}
    ${section(
      t("pivotAcross"),
      pivoting.map((term) => ({
        label: grid.groupLabel(term),
        act: () => state.setPivoting(pivoting.filter((other) => other !== term)),
      })),
      offer((term) => state.setPivoting([...pivoting, term])),
      grid,
    )}
    ${section(t("pivotFigures"), chosenFigures(grid), offeredFigures(grid), grid)}
  `;
}

/** What the rows can be grouped by: columns, and days by their periods. */
function terms({ state }: Grid): readonly GroupTerm[] {
  return state.ordered
    .filter((column) => column.groupable)
    .flatMap(({ id, periods }): GroupTerm[] => (periods?.length ? periods.map((by) => ({ col: id, by })) : [{ col: id }]));
}

const figureWords = (grid: Grid, column: ColumnSchema, fn: string): string =>
  grid.t("figureOf", { figure: figureLabel(fn, grid.t), column: column.label });

function chosenFigures(grid: Grid): readonly Choice[] {
  const { state } = grid;
  return [...state.figures].flatMap(([id, fn]) => {
    const column = state.column(id);
    return column ? { label: figureWords(grid, column, fn), act: () => state.setFigure(id, null) } : [];
  });
}

function offeredFigures(grid: Grid): readonly Choice[] {
  const { state } = grid;
  return state.ordered.flatMap((column) =>
    (column.aggregates ?? [])
      .filter((fn) => state.figures.get(column.id) !== fn)
      .map((fn) => ({ label: figureWords(grid, column, fn), act: () => state.setFigure(column.id, fn) })),
  );
}

/** What is chosen, each with a way to take it out, and a list to add from. */
function section(
  title: string,
  chosen: readonly Choice[],
  offered: readonly Choice[],
  { t }: Grid,
): TemplateResult {
  return html`
    <div class="gridkit-pivot-part" role="group" aria-label=${title}>
      <p class="gridkit-form-title gridkit-section">${title}</p>
      ${chosen.map(
        ({ label, act }) => html`<span class="gridkit-chip">
          <span class="gridkit-chip-text">${label}</span>
          <button type="button" class="gridkit-chip-remove" aria-label=${t("pivotRemove", { what: label })} @click=${act}>${closeIcon}</button>
        </span>`,
      )}
      ${
        offered.length
          ? html`<select
            class="gridkit-input"
            aria-label=${t("pivotAdd", { part: title })}
            @change=${(event: Event) => {
              const select = event.target as HTMLSelectElement;
              const choice = offered[Number(select.value)];
              select.value = "";
              choice?.act();
            }}
          >
            <option value="">${t("pivotAddStart")}</option>
            ${offered.map(({ label }, index) => html`<option value=${index}>${label}</option>`)}
          </select>`
          : nothing
      }
    </div>
  `;
}

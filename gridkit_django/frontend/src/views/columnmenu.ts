/** The menu of one column: sort, filter, groups, its figure, and out of sight. */

import { html, nothing, type TemplateResult } from "lit-html";
import { canFilter } from "../filters.ts";
import type { Grid } from "../grid.ts";
import { isSameTerm } from "../grouping.ts";
import type { ColumnSchema, GroupTerm, PinSide } from "../protocol.ts";
import { hasString } from "../strings.ts";
import { figureLabel } from "../texts.ts";
import { menuItem, menuTitle } from "./menu.ts";

const columnOf = ({ popovers, state }: Grid): ColumnSchema | undefined => state.column(popovers.open?.column ?? "");

export const columnLabel = (grid: Grid): string => grid.t("columnMenu", { column: columnOf(grid)?.label ?? "" });

export function columnItems(grid: Grid): TemplateResult {
  const column = columnOf(grid);
  return column ? items(grid, column) : html``;
}

function items(grid: Grid, column: ColumnSchema): TemplateResult {
  const { t, state } = grid;
  return html`
    ${menuTitle(column.label)} ${column.sortable === false ? nothing : sortItems(grid, column)}
    ${canFilter(column) ? menuItem(`${t("filterMenu")}…`, () => filterFrom(grid, column)) : nothing}
    ${groupItems(grid, column)} ${figureItems(grid, column)}
    <hr class="gridkit-rule" />
    ${pinItems(grid, column)}
    ${menuItem(t("hideColumn"), () => {
      grid.popovers.finish();
      state.setVisible(column.id, false);
    })}
  `;
}

function sortItems(grid: Grid, column: ColumnSchema): TemplateResult {
  const { t } = grid;
  const mark = grid.state.sortMark(column.id);
  return html`
    ${menuItem(t("sortUp"), () => grid.sortTo(column, "asc"), mark?.dir === "asc")}
    ${menuItem(t("sortDown"), () => grid.sortTo(column, "desc"), mark?.dir === "desc")}
    ${mark ? menuItem(t("sortNot"), () => grid.sortTo(column, null)) : nothing}
  `;
}

function pinItems(grid: Grid, column: ColumnSchema): readonly TemplateResult[] {
  const side = grid.state.pin(column.id);
  const item = (to: PinSide | null, key: "pinLeft" | "pinRight" | "pinNot"): TemplateResult =>
    menuItem(grid.t(key), () => grid.pinColumn(column, to), side === to);
  return [item("left", "pinLeft"), item("right", "pinRight"), item(null, "pinNot")];
}

/** Opens the filter editor where the menu was opened from. */
function filterFrom(grid: Grid, column: ColumnSchema): void {
  const header = grid.root.querySelector<HTMLElement>(`[data-header="${CSS.escape(column.id)}"]`);
  grid.popovers.finish();
  if (header) grid.filters.open(column, header);
}

function groupItems(grid: Grid, column: ColumnSchema): TemplateResult | typeof nothing {
  const { state, schema } = grid;
  if (!column.groupable) return nothing;
  const isGrouped = (term: GroupTerm): boolean =>
    state.grouping.some((other) => isSameTerm(other, term));
  const periods = (column.periods ?? []).map((by): GroupTerm => ({ col: column.id, by }));
  const terms: readonly GroupTerm[] = periods.length ? periods : [{ col: column.id }];
  const isFull = state.grouping.length >= (schema.limits?.groups ?? 5);
  const offered = terms.filter((term) => isGrouped(term) || !isFull);
  return html`
    <hr class="gridkit-rule" />
    ${offered.map((term) => menuItem(groupWords(grid, term), () => grid.toggleGroup(term), isGrouped(term)))}
  `;
}

function groupWords({ t }: Grid, { by }: GroupTerm): string {
  const key = `period_${by}`;
  return by ? t("groupByPeriod", { period: hasString(key) ? t(key) : by }) : t("groupBy");
}

function figureItems(grid: Grid, column: ColumnSchema): TemplateResult | typeof nothing {
  const { t, state, popovers } = grid;
  if (!column.aggregates?.length) return nothing;
  const chosen = state.figures.get(column.id) ?? null;
  const choose = (fn: string | null) => (): void => {
    popovers.finish();
    state.setFigure(column.id, fn);
  };
  return html`
    <hr class="gridkit-rule" />
    ${menuTitle(t("figure"))} ${menuItem(t("figureNone"), choose(null), chosen === null)}
    ${column.aggregates.map((fn) => menuItem(figureLabel(fn, t), choose(fn), chosen === fn))}
  `;
}

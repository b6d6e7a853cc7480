/** A group in the table: its label with the number of rows, and the figures of its columns. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Grid } from "../grid.ts";
import type { ColumnSchema, GroupInfo, GroupTerm, RowRecord, Value } from "../protocol.ts";
import { chevronIcon } from "./icons.ts";

export function groupLabelView(grid: Grid, record: RowRecord, group: GroupInfo, row: number): TemplateResult {
  const { t, windows, formatter } = grid;
  const isOpen = windows.isExpanded(record);
  const term = grid.state.grouping[group.level];
  const label = (term ? keyText(grid, term, group.key, group.label) : group.label) || t("valueNone");
  const holds = group.expandable || !windows.pivotFields;
  return html`
    <span class="gridkit-group is-level-${Math.min(group.level, 5)}">
      ${
        holds
          ? html`<button
            type="button"
            class="gridkit-icon-button gridkit-expand ${isOpen ? "is-open" : ""}"
            tabindex="-1"
            aria-label=${t(isOpen ? "groupClose" : "groupOpen", { label })}
            @click=${() => grid.setExpanded(row, !isOpen)}
          >
            ${chevronIcon}
          </button>`
          : html`<span class="gridkit-expand"></span>`
      }
      <span class="gridkit-text" title=${label.length > 12 ? label : nothing}>${label}</span>
      ${group.childCount ? html`<span class="gridkit-badge">${formatter.count(group.childCount)}</span>` : nothing}
    </span>
  `;
}

/** The label that the server gave for a key of groups, or the key in the words of its column. */
export function keyText(grid: Grid, term: GroupTerm, key: Value, label: string | null): string | null {
  const { state, formatter } = grid;
  const column = state.column(term.col);
  if (!column || label === null || column.choices?.length) return label;
  if (term.by) return periodText(String(key), term.by, formatter.locale) ?? label;
  return grid.textOf(column, key);
}

const MONTHLY = { month: "long", year: "numeric", timeZone: "UTC" } as const;

/** "January 2013" for the month that begins on a day; null where the server's words are as good. */
function periodText(day: string, by: string, locale: string | undefined): string | null {
  const first = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(first.getTime())) return null;
  if (by === "month") return first.toLocaleDateString(locale, MONTHLY);
  if (by === "year") return String(first.getUTCFullYear());
  if (by === "quarter") return `${first.getUTCFullYear()} Q${Math.floor(first.getUTCMonth() / 3) + 1}`;
  return first.toLocaleDateString(locale, { dateStyle: "medium", timeZone: "UTC" });
}

/** The figure of a column among figures by name; nothing when none was chosen. */
export function figureView(
  { state, formatter, t, made: columns }: Grid,
  column: ColumnSchema,
  figures: Readonly<Record<string, Value>>,
): TemplateResult | typeof nothing {
  const made = columns.get(column.id);
  const fn = made?.fn ?? state.figures.get(column.id);
  if (!fn) return nothing;
  const text = formatter.figure(made?.source ?? column, fn, figures[made ? column.id : `${fn}_${column.id}`]);
  return html`<span class="gridkit-text">${text ?? html`<span class="gridkit-null" aria-label=${t("empty")}>–</span>`}</span>`;
}

/** How large a figure is beside the largest of its kind. */
export function barView(share: number | null): TemplateResult | typeof nothing {
  if (!share) return nothing;
  const width = `inline-size: calc(${(Math.abs(share) * 100).toFixed(1)}% - 8px)`;
  return html`<span class="gridkit-figure-bar ${share < 0 ? "is-negative" : ""}" aria-hidden="true" .style=${width}></span>`;
}

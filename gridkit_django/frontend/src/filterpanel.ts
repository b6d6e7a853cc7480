/** The filter editor on the page: opens it, fetches the values of its column, puts its condition in force. */

import type { FilterForm, FilterTab } from "./filterform.ts";
import type { Grid } from "./grid.ts";
import type { GridClient } from "./client.ts";
import { OptionList, type OptionListSettings, type OptionsPage, optionKey } from "./options.ts";
import type { PanelViews } from "./panels.ts";
import type { ColumnSchema } from "./protocol.ts";

export class FilterPanel {
  readonly #grid: Grid;
  /** The editor of one column; null while the list of columns is on show. */
  form: FilterForm | null = null;

  constructor(grid: Grid) {
    this.#grid = grid;
  }

  close(): void {
    this.form?.close();
  }

  /** Opens the editor of a column at its anchor. */
  open(column: ColumnSchema, anchor: HTMLElement): void {
    const { panels, popovers } = this.#grid;
    panels.use((views) => {
      this.#edit(views, column);
      popovers.toggle("filter", anchor, column.id);
      this.#loadValues();
    });
  }

  /** Shows the filter editor of another column in the popover that is open; null for the list of columns. */
  choose(column: ColumnSchema | null): void {
    const { panels, popovers } = this.#grid;
    this.form?.close();
    this.form = null;
    if (column)
      panels.use((views) => {
        this.#edit(views, column);
        if (popovers.open) this.#loadValues();
      });
    this.#grid.requestRender();
  }

  #edit({ FilterForm: Form }: PanelViews, column: ColumnSchema): void {
    const { state, formatter } = this.#grid;
    const condition = state.conditions.get(column.id) ?? null;
    this.form?.close();
    this.form = new Form(column, condition, formatter.timeZone, this.#valuesOf(column));
  }

  /** Shows the other side of the filter editor. */
  showTab(tab: FilterTab): void {
    this.form?.show(tab);
    this.#loadValues();
    this.#grid.renderNow();
    this.#grid.popovers.reposition();
  }

  #loadValues(): void {
    const form = this.form;
    if (form?.tab === "values" && form.values?.options.length === 0) void form.values.load();
  }

  /** The values of a column with their counts, under all filters but its own. */
  #valuesOf(column: ColumnSchema): OptionList {
    const { state, client, popovers } = this.#grid;
    const facet = async (q: string, after: string | null, signal: AbortSignal): Promise<OptionsPage> => {
      const { filter, search } = state.rowsQuery;
      const answer = await client.facet(column.id, { filter, search, ...(q ? { q } : {}), after }, signal);
      return { options: answer.values, next: answer.next };
    };
    return new OptionList({
      fetchPage: column.lookup ? namedValues(column, client, facet) : facet,
      changed: () => {
        this.#grid.renderNow();
        popovers.reposition();
      },
    });
  }

  /** Puts the condition of the form in force, when it is complete. */
  apply(): void {
    const form = this.form;
    const condition = form?.read();
    if (form && condition) {
      this.#grid.lookups.remember(form.column, form.picked.values());
      this.#grid.popovers.finish();
      this.#grid.state.setCondition(form.column.id, condition);
    }
    this.#grid.requestRender();
  }
}

type FetchPage = OptionListSettings["fetchPage"];

/** The values of a column whose values are rows of another grid: named and searched as there, counted here. */
function namedValues(column: ColumnSchema, client: GridClient, facet: FetchPage): FetchPage {
  return async (q, after, signal) => {
    const [named, counted] = await Promise.all([
      client.lookup(column.id, { ...(q ? { q } : {}), after }, signal),
      facet("", null, signal),
    ]);
    const counts = new Map(counted.options.map((option) => [optionKey(option.value), option]));
    const none = !q && after === null ? counts.get(optionKey(null)) : undefined;
    const options = named.options.map((option) => ({ ...counts.get(optionKey(option.value)), ...option }));
    return { options: none ? [none, ...options] : options, next: named.next };
  };
}

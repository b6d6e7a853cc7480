/** The values that occur in a column, each with how many rows have it, to be chosen with a tick. */

import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { repeat } from "lit-html/directives/repeat.js";
import type { FilterForm } from "../filterform.ts";
import type { Grid } from "../grid.ts";
import { type Option, type OptionList, optionKey } from "../options.ts";
import { problemText } from "../texts.ts";

export function valuesView(grid: Grid, form: FilterForm, values: OptionList): TemplateResult {
  const { t, formatter } = grid;
  const picked = form.picked.size;
  const options = shownOptions(form, values);
  const largest = Math.max(1, ...options.map(({ count = 0 }) => count));
  return html`
    <input
      type="search"
      class="gridkit-input"
      placeholder=${t("filterSearch")}
      aria-label=${t("filterSearch")}
      autocomplete="off"
      .value=${live(values.search)}
      @input=${(event: Event) => values.searchFor((event.target as HTMLInputElement).value)}
    />
    <div class="gridkit-choices" role="group" aria-label=${t("filterValues")} aria-busy=${values.isLoading ? "true" : "false"}>
      ${repeat(
        options,
        (option) => optionKey(option.value),
        (option) => choice(grid, form, option, largest),
      )}
      ${tail(grid, values)}
    </div>
    ${
      picked
        ? html`<p class="gridkit-picked">
          ${t("filterPicked", { count: formatter.count(picked) })}
          <button type="button" class="gridkit-link" @click=${() => pickNone(grid, form)}>${t("filterPickNone")}</button>
        </p>`
        : nothing
    }
  `;
}

/** The picked values that the list does not hold come first; so they can be put back. */
function shownOptions(form: FilterForm, values: OptionList): readonly Option[] {
  if (values.search) return values.options;
  const listed = new Set(values.options.map((option) => optionKey(option.value)));
  const others = [...form.picked.values()].filter((option) => !listed.has(optionKey(option.value)));
  return [...others, ...values.options];
}

function choice(grid: Grid, form: FilterForm, option: Option, largest: number): TemplateResult {
  const { t, formatter } = grid;
  const named = option.label ?? grid.lookups.label(form.column, option.value);
  const text = (named ?? formatter.text(form.column, option.value)) || t("valueNone");
  return html`
    <label class="gridkit-choice">
      <input
        type="checkbox"
        class="gridkit-check"
        .checked=${live(form.picked.has(optionKey(option.value)))}
        @change=${(event: Event) => {
          form.pick(option, (event.target as HTMLInputElement).checked);
          grid.renderNow();
        }}
      />
      <span class=${option.value === null || option.value === "" ? "gridkit-muted" : ""}>${text}</span>
      ${option.count === undefined ? nothing : countView(formatter.count(option.count), option.count / largest)}
    </label>
  `;
}

/** How often a value occurs, as a number and beside the most frequent one. */
function countView(text: string, share: number): TemplateResult {
  const width = `inline-size: ${(share * 100).toFixed(1)}%`;
  return html`<span class="gridkit-share" aria-hidden="true"><i .style=${width}></i></span><small>${text}</small>`;
}

/** What comes after the values: that more are coming, that there are none, or why there are none. */
function tail(grid: Grid, values: OptionList): TemplateResult | typeof nothing {
  const { t } = grid;
  if (values.error !== null) {
    const { detail } = problemText(values.error, t("valuesFailed"), t);
    return html`
      <p class="gridkit-form-error" role="alert">${t("valuesFailed")} ${detail}</p>
      <button type="button" class="gridkit-link" @click=${() => void values.load()}>${t("retry")}</button>
    `;
  }
  if (values.isLoading) return html`<p class="gridkit-picked">${t("loadingValues")}…</p>`;
  if (!values.options.length) return html`<p class="gridkit-picked">${t("valuesNone")}</p>`;
  if (!values.hasMore) return nothing;
  return html`<button type="button" class="gridkit-link" @click=${() => void values.more()}>${t("valuesMore")}</button>`;
}

function pickNone(grid: Grid, form: FilterForm): void {
  for (const option of form.picked.values()) form.pick(option, false);
  grid.renderNow();
}

/** The export panel: format, rows and options, then the export starts; and how far one is, in words. */

import { html, nothing, type TemplateResult } from "lit-html";
import { ExportForm, type ExportOption } from "../exportform.ts";
import type { Grid } from "../grid.ts";
import type { FollowedJob } from "../jobs.ts";
import { formatLabel, jobText } from "../texts.ts";

const forms = new WeakMap<Grid, ExportForm>();

export function exportPanel(grid: Grid): TemplateResult {
  const method = grid.exportMethod;
  if (!method) return html``;
  const form = forms.get(grid) ?? new ExportForm(method, !grid.state.selection.isEmpty);
  forms.set(grid, form);
  const { t } = grid;
  return html`
    <form
      class="gridkit-form"
      @submit=${(event: Event) => {
        event.preventDefault();
        forms.delete(grid);
        grid.startExport(form.format, form.more(grid.state.selection, grid.state.rowsQuery));
      }}
    >
      <p class="gridkit-form-title">${t("exportTitle")}</p>
      <label class="gridkit-between"
        ><span>${t("exportFormat")}</span>
        <select
          class="gridkit-input"
          @change=${(event: Event) => {
            form.format = (event.target as HTMLSelectElement).value;
            grid.renderNow();
            grid.popovers.reposition();
          }}
        >
          ${form.formats.map((format) => html`<option value=${format} ?selected=${format === form.format}>${formatLabel(format, t)}</option>`)}
        </select>
      </label>
      ${rowsView(grid, form)} ${optionsView(grid, form)}
      ${form.canNotify ? flag(t("exportNotify"), form.notify, (on) => (form.notify = on)) : nothing}
      <div class="gridkit-form-actions">
        <button type="submit" class="gridkit-button is-primary">${t("exportStart")}</button>
      </div>
    </form>
  `;
}

/** The options of the format; they have fitting defaults, so they come into sight only when somebody asks for them. */
function optionsView(grid: Grid, form: ExportForm): TemplateResult | typeof nothing {
  const { options } = form;
  if (!options.length) return nothing;
  return html`
    <details class="gridkit-more" @toggle=${() => grid.popovers.reposition()}>
      <summary>${grid.t("exportOptions")}</summary>
      <div class="gridkit-form">${options.map((option) => optionView(grid, form, option))}</div>
    </details>
  `;
}

/** Which rows, where some are selected. */
function rowsView(grid: Grid, form: ExportForm): TemplateResult {
  const { t, matching, selectedCount, formatter } = grid;
  const count = (rows: number | null): string => (rows === null ? "" : ` (${formatter.count(rows)})`);
  if (grid.state.selection.isEmpty || !form.canPick) {
    return html`<p class="gridkit-picked">${t("exportAll")}${count(matching)}</p>`;
  }
  const choice = (label: string, isPicked: boolean): TemplateResult => html`
    <label class="gridkit-choice">
      <input type="radio" name="${grid.uid}-rows" .checked=${form.isPicked === isPicked} @change=${() => (form.isPicked = isPicked)} />
      <span>${label}</span>
    </label>
  `;
  return html`<div role="radiogroup" aria-label=${t("exportRows")}>
    ${choice(t("exportPicked") + count(selectedCount), true)} ${choice(t("exportAll") + count(matching), false)}
  </div>`;
}

function flag(label: string, on: boolean, put: (on: boolean) => void): TemplateResult {
  return html`
    <label class="gridkit-choice">
      <input type="checkbox" class="gridkit-check" .checked=${on} @change=${(event: Event) => put((event.target as HTMLInputElement).checked)} />
      <span>${label}</span>
    </label>
  `;
}

function optionView(grid: Grid, form: ExportForm, option: ExportOption): TemplateResult {
  const value = form.value(option);
  const words = grid.t;
  if (option.kind === "flag") return flag(option.label, value === true, (on) => form.set(option, on));
  if (option.kind === "choice") {
    return html`
      <label class="gridkit-between"
        ><span>${option.label}</span>
        <select class="gridkit-input" @change=${(event: Event) => form.set(option, option.choices[(event.target as HTMLSelectElement).selectedIndex])}>
          ${option.choices.map((choice, at) => html`<option ?selected=${choice === value}>${option.names[at] === "\t" ? words("exportTab") : option.names[at]}</option>`)}
        </select>
      </label>
    `;
  }
  const isNumber = option.kind === "number";
  return html`
    <label class="gridkit-between"
      ><span>${option.label}</span>
      <input
        class="gridkit-input"
        type=${isNumber ? "number" : "text"}
        autocomplete="off"
        .value=${String(value ?? "")}
        @input=${(event: Event) => {
          const { value: typed } = event.target as HTMLInputElement;
          form.set(option, typed === "" ? option.fallback : isNumber ? Number(typed) : typed);
        }}
      />
    </label>
  `;
}

/** How far an export is: its place among those that wait, or rows, rate and the time that is left. */
export function exportText(grid: Grid, item: FollowedJob): string {
  const { t, formatter } = grid;
  const { job } = item;
  const plain = jobText(item, formatter, t);
  if (item.error !== null || !job) return plain;
  if (job.state === "queued" && job.queuePosition) {
    return `${plain} · ${t("jobPlace", { place: formatter.count(job.queuePosition) })}`;
  }
  if (job.state !== "running") return plain;
  const total = job.rowsTotal;
  const rows = total ? t("jobOf", { rows: formatter.count(job.rows ?? 0), total: formatter.count(total) }) : plain;
  const rate = job.rate ? t("jobRate", { rate: formatter.count(Math.round(job.rate)) }) : "";
  const left = typeof job.secondsLeft === "number" ? t("jobLeft", { time: clock(job.secondsLeft) }) : "";
  return [rows, rate, left].filter(Boolean).join(" · ");
}

export function retryButton({ jobs, t }: Grid, item: FollowedJob): TemplateResult {
  return html`<button type="button" class="gridkit-button" @click=${() => void jobs.retry(item.key)}>${t("jobRetry")}</button>`;
}

/** Seconds as minutes and seconds, or hours, minutes and seconds. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const two = (part: number): string => String(part).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

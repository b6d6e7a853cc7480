/** The export tray: one line for each export, with its progress and what can be done about it. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { Grid } from "../grid.ts";
import { type FollowedJob, hasEnded } from "../jobs.ts";
import { formatLabel, jobText } from "../texts.ts";
import { closeIcon } from "./icons.ts";

export function jobsView(grid: Grid): TemplateResult | typeof nothing {
  if (!grid.jobs.items.length) return nothing;
  return html`
    <ul class="gridkit-jobs" aria-label=${grid.t("jobs")}>
      ${repeat(
        grid.jobs.items,
        (item) => item.key,
        (item) => jobView(grid, item),
      )}
    </ul>
  `;
}

function jobView(grid: Grid, item: FollowedJob): TemplateResult {
  const { t, formatter, panels } = grid;
  const name = item.title || t("exportOf", { format: formatLabel(item.format, t) });
  const state = item.error !== null && !item.job ? "failed" : (item.job?.state ?? "queued");
  return html`
    <li class="gridkit-job is-${state}">
      <span class="gridkit-job-name">${name}</span>
      ${hasEnded(item) ? nothing : progressBar(item, name)}
      <span class="gridkit-job-text">${panels.views?.exportText(grid, item) ?? jobText(item, formatter, t)}</span>
      <span class="gridkit-spring"></span>
      ${actions(grid, item)}
    </li>
  `;
}

/** Without a number the bar shows only that work goes on. */
function progressBar(item: FollowedJob, name: string): TemplateResult {
  const done = item.job?.state === "running" ? (item.job.progress ?? null) : null;
  if (done === null) return html`<progress class="gridkit-progress" aria-label=${name}></progress>`;
  return html`<progress class="gridkit-progress" aria-label=${name} max="1" .value=${done}></progress>`;
}

function actions(grid: Grid, item: FollowedJob): TemplateResult {
  const { jobs, t, panels } = grid;
  if (!hasEnded(item)) {
    return html`<button type="button" class="gridkit-link" ?disabled=${!item.job} @click=${() => void jobs.cancel(item.key)}>${t("cancel")}</button>`;
  }
  const download = item.resultUrl
    ? html`<a class="gridkit-button is-primary" href=${item.resultUrl} download>${t("download")}</a>`
    : nothing;
  return html`
    ${download} ${item.format && item.job?.state === "failed" ? (panels.views?.retryButton(grid, item) ?? nothing) : nothing}
    <button type="button" class="gridkit-icon-button" aria-label=${t("dismiss")} @click=${() => jobs.dismiss(item.key)}>${closeIcon}</button>
  `;
}

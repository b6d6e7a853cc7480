/** A failure, said plainly, with the way out beside it. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Grid } from "../grid.ts";
import type { Translate } from "../strings.ts";
import { type ProblemText, problemText } from "../texts.ts";
import { warningIcon } from "./icons.ts";

export function bannerView(grid: Grid): TemplateResult | typeof nothing {
  const { windows, state, t } = grid;
  if (windows.error === null) return nothing;
  const clear = state.isNarrowed
    ? html`<button type="button" class="gridkit-button" @click=${() => state.clearFilters()}>${t("clearFilters")}</button>`
    : nothing;
  const more = html`${signInLink(windows.error, grid.loginUrl, t)}${clear}`;
  return alertView(problemText(windows.error, t("errorTitle"), t), t, () => grid.retry(), more);
}

/** The way to sign in again, in another tab, so that what is on this page stays; only when somebody is signed out. */
export function signInLink(error: unknown, url: string | null, t: Translate): TemplateResult | typeof nothing {
  if (!url || (error as { status?: unknown } | null)?.status !== 401) return nothing;
  return html`<a class="gridkit-button is-primary" href=${url} target="_blank">${t("signIn")}</a>`;
}

export function alertView(
  text: ProblemText,
  t: Translate,
  retry: () => void,
  more: TemplateResult | typeof nothing = nothing,
): TemplateResult {
  return html`
    <div class="gridkit-alert" role="alert">
      ${warningIcon}
      <div class="gridkit-alert-text">
        <strong>${text.title}</strong>
        <span>${text.detail}</span>
        ${text.reference ? html`<small>${t("errorReference", { id: text.reference })}</small>` : nothing}
      </div>
      <div class="gridkit-alert-actions">
        <button type="button" class="gridkit-button" @click=${retry}>${t("retry")}</button>
        ${more}
      </div>
    </div>
  `;
}

/** What was done last, with a button to take it back. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Grid } from "../grid.ts";
import { closeIcon } from "./icons.ts";

export function toastView({ toast, t }: Grid): TemplateResult {
  const { message } = toast;
  return html`
    <div class="gridkit-toasts" role="status" aria-live="polite">
      ${
        message
          ? html`<div
            class="gridkit-toast ${message.isError ? "is-error" : ""}"
            @pointerenter=${() => toast.pause()}
            @pointerleave=${() => toast.resume()}
            @focusin=${() => toast.pause()}
            @focusout=${() => toast.resume()}
          >
            <span>${message.text}</span>
            ${message.action ? html`<button type="button" class="gridkit-link" @click=${message.action.act}>${message.action.label}</button>` : nothing}
            <button type="button" class="gridkit-icon-button" aria-label=${t("dismiss")} @click=${() => toast.hide()}>${closeIcon}</button>
          </div>`
          : nothing
      }
    </div>
  `;
}

/** Icons as inline SVG in the colour of the text; decorative, so hidden from screen readers. */

import { html, svg, type SVGTemplateResult, type TemplateResult } from "lit-html";

function icon(shape: SVGTemplateResult): TemplateResult {
  return html`<svg class="gridkit-icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">${shape}</svg>`;
}

export const searchIcon = icon(svg`<circle cx="7" cy="7" r="4.25"/><path d="m10.2 10.2 3.3 3.3"/>`);
export const columnsIcon = icon(
  svg`<rect x="2.25" y="2.75" width="11.5" height="10.5" rx="1.5"/><path d="M6.2 2.75v10.5M9.9 2.75v10.5"/>`,
);
export const exportIcon = icon(
  svg`<path d="M8 2.5v7.2M5.2 7 8 9.8 10.8 7M2.75 11v1.25c0 .7.55 1.25 1.25 1.25h8c.7 0 1.25-.55 1.25-1.25V11"/>`,
);
export const filterIcon = icon(svg`<path d="M2.5 3.5h11L9.4 8.6v4l-2.8 1v-5z"/>`);
export const closeIcon = icon(svg`<path d="m4 4 8 8M12 4l-8 8"/>`);
export const upIcon = icon(svg`<path d="M8 13V3.5M4.2 7.2 8 3.4l3.8 3.8"/>`);
export const downIcon = icon(svg`<path d="M8 3v9.5M4.2 8.8 8 12.6l3.8-3.8"/>`);
export const warningIcon = icon(svg`<path d="M8 2.4 14.2 13H1.8zM8 6.4v3.2M8 11.4v.1"/>`);
export const chevronIcon = icon(svg`<path d="m4.5 6.25 3.5 3.5 3.5-3.5"/>`);
export const moreIcon = icon(
  svg`<path d="M8 3.6v.1M8 8v.1M8 12.3v.1" stroke-width="2.2"/>`,
);
export const groupIcon = icon(svg`<path d="M2.5 3.5h11M5.5 8h8M8.5 12.5h5"/>`);
export const refreshIcon = icon(svg`<path d="M13 8a5 5 0 1 1-1.5-3.6M13 2.5v3h-3"/>`);
export const plusIcon = icon(svg`<path d="M8 3v10M3 8h10"/>`);
export const viewsIcon = icon(svg`<path d="M3 4h10M3 8h10M3 12h6"/>`);

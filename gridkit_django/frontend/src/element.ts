/** `<gridkit-grid>`: reads its attributes, fetches the schema, and takes the server's table over. */

import { html, render } from "lit-html";
import { GridClient, readCookie, RequestProblem } from "./client.ts";
import { Grid } from "./grid.ts";
import { leftState } from "./memory.ts";
import type { GridSchema, ViewList, ViewState } from "./protocol.ts";
import { notebook } from "./notebook.ts";
import { viewList } from "./savedviews.ts";
import { translator } from "./strings.ts";
import { problemText } from "./texts.ts";
import { visitHeader } from "./visits.ts";
import { alertView, signInLink } from "./views/banner.ts";

const REFRESH_SECONDS = 15;

/**
 * Attributes, read when the element enters the page:
 *
 * - `grid`: id of the grid; `src`: its address, by default `/gridkit/api/grids/{grid}/`.
 * - `csrf-cookie`: name of the CSRF cookie; `csrf-token`: the token, where no such cookie can be read.
 * - `login-url`: where to sign in again when the session has ended.
 * - `strings`: JSON object of texts that replace the English ones.
 * - `count="ask"`: count exactly only when the user asks.
 * - `refresh`: the shortest time in seconds between two looks whether rows have changed, 15 by default; `off` for none.
 * - `remember="off"`: open as declared, and keep nothing of how the user leaves the grid.
 *
 * What the server rendered inside stays on show until the schema is here, and when it cannot be loaded.
 */
export class GridkitGrid extends HTMLElement {
  static #instances = 0;
  readonly #uid = `gridkit-${++GridkitGrid.#instances}`;
  #grid: Grid | null = null;
  #loading: AbortController | null = null;

  connectedCallback(): void {
    void this.#load();
  }

  disconnectedCallback(): void {
    this.#loading?.abort();
    this.#grid?.stop();
    this.#grid = null;
  }

  get #src(): string {
    return (
      this.getAttribute("src") ?? `/gridkit/api/grids/${encodeURIComponent(this.getAttribute("grid") ?? "")}/`
    );
  }

  #csrfToken(): string | null {
    // The cookie first: it changes when somebody signs in anew while the page is open.
    const cookie = readCookie(document.cookie, this.getAttribute("csrf-cookie") ?? "csrftoken");
    return cookie || this.getAttribute("csrf-token");
  }

  async #load(): Promise<void> {
    this.#loading?.abort();
    const controller = new AbortController();
    this.#loading = controller;
    this.setAttribute("aria-busy", "true");
    const client = new GridClient({ src: this.#src, csrfToken: () => this.#csrfToken() });
    try {
      const { signal } = controller;
      const [schema, left, views] = await Promise.all([
        client.schema(signal),
        this.#remembers ? leftState(client, signal) : null,
        viewList(client, signal),
      ]);
      if (!signal.aborted) this.#start(client, schema, left, schema.limits?.views ? views : null);
    } catch (error) {
      if (!controller.signal.aborted) this.#showFailure(error);
    } finally {
      if (this.#loading === controller) this.removeAttribute("aria-busy");
    }
  }

  get #remembers(): boolean {
    return this.getAttribute("remember") !== "off";
  }

  get #refreshSeconds(): number {
    return Number(this.getAttribute("refresh") ?? REFRESH_SECONDS) || 0;
  }

  #start(client: GridClient, schema: GridSchema, left: ViewState | null, views: ViewList | null): void {
    client.visit = visitHeader(schema.rememberDevices === true);
    const root = document.createElement("div");
    root.className = "gridkit";
    this.replaceChildren(root);
    this.#grid = new Grid({
      root,
      schema,
      client,
      ...translator(this.getAttribute("strings")),
      locale: this.closest("[lang]")?.getAttribute("lang") || undefined,
      countsByItself: this.getAttribute("count") !== "ask",
      left,
      remembers: this.#remembers,
      refreshSeconds: this.#refreshSeconds,
      views,
      marker: notebook(`gridkit-view:${this.#src}`),
      reasons: notebook(`gridkit-reason:${this.#src}`, () => sessionStorage),
      loginUrl: this.getAttribute("login-url"),
      uid: this.#uid,
    });
    void this.#grid.start();
    this.dispatchEvent(new CustomEvent("gridkit:ready", { bubbles: true }));
  }

  /** Keeps the server's table on show below the message. */
  #showFailure(error: unknown): void {
    if (!(error instanceof RequestProblem))
      console.error("gridkit-grid: the grid could not be opened.", error);
    const { t } = translator(this.getAttribute("strings"));
    let box = this.querySelector<HTMLElement>(":scope > .gridkit-failure");
    if (!box) {
      box = document.createElement("div");
      box.className = "gridkit gridkit-failure";
      this.prepend(box);
    }
    const text = problemText(error, t("errorSchema"), t);
    const signIn = signInLink(error, this.getAttribute("login-url"), t);
    render(html`${alertView(text, t, () => void this.#load(), signIn)}`, box);
  }
}

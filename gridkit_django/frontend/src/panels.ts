/** The panels that are opened now and then: a second file, loaded when somebody opens the first of them. */

import type { Texts } from "./strings.ts";

export type PanelViews = typeof import("./views/panels.ts");

export class Panels {
  readonly #learn: (texts: Texts) => void;
  readonly #failed: (error: unknown) => void;
  #views: PanelViews | null = null;

  constructor(learn: (texts: Texts) => void, failed: (error: unknown) => void) {
    this.#learn = learn;
    this.#failed = failed;
  }

  /** How the panels are drawn; null until they were needed for the first time. */
  get views(): PanelViews | null {
    return this.#views;
  }

  /** Calls back at once when the panels are here, else when they have come; never when they can't be loaded. */
  use(act: (views: PanelViews) => void): void {
    if (this.#views) act(this.#views);
    else void this.#load(act);
  }

  async #load(act: (views: PanelViews) => void): Promise<void> {
    try {
      this.#views = await import("./views/panels.ts");
    } catch (error) {
      this.#failed(error);
      return;
    }
    this.#learn(this.#views.PANEL_ENGLISH);
    act(this.#views);
  }
}

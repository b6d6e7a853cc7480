/** The saved views of a grid: which there are, which one is open, and whether what is on show differs from it. */

import { type GridClient, RequestProblem, type TaggedView } from "./client.ts";
import type { GridSchema, ViewDraft, ViewEntry, ViewGroup, ViewList, ViewState } from "./protocol.ts";
import type { Notebook } from "./notebook.ts";
import { GridState } from "./state.ts";

/** Remembers which view is open, on this device; the state itself is on the server. */
export type ViewMarker = Notebook;

export interface SavedViewsOptions {
  readonly client: GridClient;
  readonly schema: GridSchema;
  readonly state: GridState;
  readonly list: ViewList;
  readonly marker: ViewMarker;
  readonly changed: () => void;
}

export class SavedViews {
  readonly #options: SavedViewsOptions;
  #list: ViewList;
  #open: TaggedView | null = null;
  #base: string;
  #problem: RequestProblem | null = null;
  #isBusy = false;

  constructor(options: SavedViewsOptions) {
    this.#options = options;
    this.#list = options.list;
    this.#base = this.#canonical(options.state.declared);
  }

  get entries(): readonly ViewEntry[] {
    return this.#list.results;
  }

  /** The groups that the user may share views with. */
  get groups(): readonly ViewGroup[] {
    return this.#list.groups ?? [];
  }

  /** The view that is open; null for the grid as it was declared. */
  get open(): ViewEntry | null {
    return this.#open?.view ?? null;
  }

  /** True when what is on show is not what the open view, or the declaration, says. */
  get isDirty(): boolean {
    return JSON.stringify(this.#options.state.saved) !== this.#base;
  }

  /** The failure of the last act; null again when another begins. */
  get problem(): RequestProblem | null {
    return this.#problem;
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /**
   * At the start: the view that a link asks for; else the one that was open on this device; at a first visit the default
   * view. The state of the first and the last is taken over.
   */
  async start(isFirstVisit: boolean, linked: string | null = null): Promise<void> {
    const isLinked = linked !== null && this.has(linked);
    const marked = isLinked ? linked : isFirstVisit ? this.#list.default : this.#options.marker.read();
    if (marked === null || !this.has(marked)) return;
    await this.#act(async () => this.#take(await this.#options.client.view(marked), isFirstVisit || isLinked));
  }

  /** Whether there is such a view, for this user. */
  has(id: string): boolean {
    return this.entries.some((entry) => entry.id === id);
  }

  /** Opens a view, or with null the grid as it was declared. */
  async show(id: string | null): Promise<boolean> {
    return this.#act(async () => {
      if (id !== null) return this.#take(await this.#options.client.view(id), true);
      this.#open = null;
      this.#options.marker.write(null);
      this.#base = this.#canonical(this.#options.state.declared);
      this.#options.state.restore(this.#options.state.declared);
    });
  }

  /** Back to what the open view, or the declaration, says. */
  reset(): void {
    this.#options.state.restore(this.#open?.view.state ?? this.#options.state.declared);
  }

  /** Saves what is on show into the open view; `anyway` also when somebody changed it meanwhile. */
  async save(anyway = false): Promise<boolean> {
    const open = this.#open;
    if (!open) return false;
    const { client, state } = this.#options;
    const tag = anyway ? "*" : open.tag;
    return this.#act(async () => this.#take(await client.changeView(open.view.id, { state: state.saved }, tag), false));
  }

  /** Saves what is on show as a new view, which is then the open one. */
  async saveAs(draft: ViewDraft): Promise<boolean> {
    const { client, state } = this.#options;
    return this.#act(async () => {
      this.#take(await client.saveView({ ...draft, state: state.saved }), false);
      await this.#refresh();
    });
  }

  /** Changes name, audience or default of a view; its state stays. */
  async change(id: string, draft: ViewDraft): Promise<boolean> {
    return this.#act(async () => {
      const changed = await this.#options.client.changeView(id, draft, "*");
      if (this.open?.id === id) this.#open = changed;
      await this.#refresh();
    });
  }

  async remove(id: string): Promise<boolean> {
    return this.#act(async () => {
      await this.#options.client.deleteView(id);
      if (this.open?.id === id) {
        this.#open = null;
        this.#options.marker.write(null);
        this.#base = this.#canonical(this.#options.state.declared);
      }
      await this.#refresh();
    });
  }

  forgetProblem(): void {
    this.#problem = null;
  }

  #take(opened: TaggedView, restore: boolean): void {
    this.#open = opened;
    this.#base = this.#canonical(opened.view.state);
    this.#options.marker.write(opened.view.id);
    if (restore) this.#options.state.restore(opened.view.state);
  }

  async #refresh(): Promise<void> {
    this.#list = await this.#options.client.views();
  }

  /** A state as the element itself would write it, so that two of them can be compared. */
  #canonical(state: ViewState): string {
    const scratch = new GridState(this.#options.schema);
    scratch.restore(state);
    return JSON.stringify(scratch.saved);
  }

  async #act(act: () => Promise<void>): Promise<boolean> {
    this.#isBusy = true;
    this.#problem = null;
    this.#options.changed();
    try {
      await act();
      return true;
    } catch (error) {
      if (!(error instanceof RequestProblem)) throw error;
      this.#problem = error;
      return false;
    } finally {
      this.#isBusy = false;
      this.#options.changed();
    }
  }
}

/** The views of a grid; null when the server does not tell. */
export async function viewList(client: GridClient, signal: AbortSignal): Promise<ViewList | null> {
  try {
    return await client.views(signal);
  } catch (error) {
    if (!(error instanceof RequestProblem)) throw error;
    if (error.status !== 404) console.warn("gridkit-grid: the saved views could not be listed.", error);
    return null;
  }
}

/** The menu of saved views on the page: what its buttons do, and what is said afterwards. */

import type { Grid } from "./grid.ts";
import type { ViewEntry } from "./protocol.ts";
import type { SavedViews } from "./savedviews.ts";
import type { ViewForm } from "./viewform.ts";

const PARAMETER = "view";

/** The address of this page with a view. */
function viewLink(id: string): string {
  const url = new URL(location.href);
  url.hash = "";
  url.searchParams.set(PARAMETER, id);
  return url.href;
}

/** Takes the view out of the address, so that a reload opens the grid as it was left. */
function takeLinked(): string | null {
  const url = new URL(location.href);
  const id = url.searchParams.get(PARAMETER);
  if (id === null) return null;
  url.searchParams.delete(PARAMETER);
  history.replaceState(history.state, "", url);
  return id;
}

export class ViewsPanel {
  readonly saved: SavedViews;
  readonly #grid: Grid;
  /** The form of a view; null while the list is on show. */
  form: ViewForm | null = null;

  constructor(grid: Grid, saved: SavedViews) {
    this.#grid = grid;
    this.saved = saved;
  }

  /** Opens a saved view, or with null the grid as it was declared. */
  async open(id: string | null): Promise<void> {
    if (!(await this.saved.show(id))) return;
    this.#grid.popovers.finish("views");
    this.#grid.announce(this.#grid.t("viewOpened", { name: this.saved.open?.name ?? this.#grid.t("viewDeclared") }));
  }

  /** At the start: the view that the address asks for, or the one that belongs here. */
  async start(isFirstVisit: boolean): Promise<void> {
    const linked = takeLinked();
    await this.saved.start(isFirstVisit, linked);
    const isAlone = document.querySelectorAll("gridkit-grid").length === 1;
    if (linked !== null && isAlone && !this.saved.has(linked)) this.#grid.toast.show(this.#grid.t("viewLinkLost"), null, true);
  }

  /** Copies a link to the view that is open; where the browser lets no script copy, shows it. */
  async copyLink(id: string): Promise<void> {
    const { t, toast, popovers } = this.#grid;
    const link = viewLink(id);
    popovers.finish("views");
    try {
      await navigator.clipboard.writeText(link);
      toast.show(t("viewLinkCopied"));
    } catch {
      toast.show(link); // no clipboard without https, nor where the site forbids it
    }
  }

  /** Saves what is on show into the view that is open. */
  async save(anyway = false): Promise<void> {
    if (await this.saved.save(anyway)) this.#done();
  }

  async submit(form: ViewForm): Promise<void> {
    const { saved } = this;
    const done = form.entry ? await saved.change(form.entry.id, form.draft) : await saved.saveAs(form.draft);
    if (done) this.#done(this.form === form);
  }

  async remove(entry: ViewEntry): Promise<void> {
    if (!(await this.saved.remove(entry.id))) return;
    this.edit(null);
    this.#grid.announce(this.#grid.t("viewDeleted", { name: entry.name }));
  }

  reset(): void {
    this.saved.reset();
    this.#grid.popovers.finish("views");
  }

  /** Shows the form of a view in the menu; null for the list. The focus goes along. */
  edit(form: ViewForm | null): void {
    this.saved.forgetProblem();
    this.form = form;
    this.#grid.renderNow();
    this.#grid.popovers.reposition();
    this.#grid.root.querySelector<HTMLElement>('[data-popover="views"] :is(input, button)')?.focus();
  }

  /** Closes the menu, unless it was closed and opened again meanwhile. */
  #done(closes = true): void {
    if (closes) {
      this.form = null;
      this.#grid.popovers.finish("views");
    }
    this.#grid.announce(this.#grid.t("viewSaved", { name: this.saved.open?.name ?? "" }));
  }
}

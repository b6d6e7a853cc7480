/** What can be taken back, and done again: the tokens that the server gave, newest last. */

const MOST = 50;

export interface Done {
  readonly token: string;
  /** What was done, in words. */
  readonly text: string;
}

export class UndoHistory {
  #done: readonly Done[] = [];
  #undone: readonly Done[] = [];

  /** Notes something that was done; what was taken back before can't be done again then. */
  add(done: Done): void {
    this.#done = [...this.#done, done].slice(-MOST);
    this.#undone = [];
  }

  /** Takes the newest thing of a side out, to be carried out the other way round. */
  take(side: "undo" | "redo"): Done | null {
    const list = side === "undo" ? this.#done : this.#undone;
    const last = list.at(-1) ?? null;
    if (side === "undo") this.#done = list.slice(0, -1);
    else this.#undone = list.slice(0, -1);
    return last;
  }

  /** Puts the token that the server gave for a thing taken out on the other side. */
  put(side: "undo" | "redo", done: Done): void {
    if (side === "undo") this.#done = [...this.#done, done];
    else this.#undone = [...this.#undone, done];
  }
}

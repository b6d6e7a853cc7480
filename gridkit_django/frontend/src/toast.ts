/** The last thing that was done, said for a while, with a way to take it back. */

const SECONDS = 12;

export interface ToastMessage {
  readonly text: string;
  readonly isError: boolean;
  /** What the button does, and its words; null for no button. */
  readonly action: { readonly label: string; readonly act: () => void } | null;
}

export class Toast {
  readonly #changed: () => void;
  #message: ToastMessage | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get message(): ToastMessage | null {
    return this.#message;
  }

  show(text: string, action: ToastMessage["action"] = null, isError = false): void {
    this.#message = { text, action, isError };
    this.resume();
    this.#changed();
  }

  /** Stays as long as somebody points at it or has the focus in it. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  resume(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.hide(), SECONDS * 1000);
  }

  hide(): void {
    clearTimeout(this.#timer);
    if (!this.#message) return;
    this.#message = null;
    this.#changed();
  }
}

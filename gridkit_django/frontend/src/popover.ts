/** Places native popovers beside their anchor and closes them; the browser gives Escape and light dismiss. */

const GAP = 6;
const EDGE = 8;

export type PopoverName = "filter" | "columns" | "column" | "export" | "views" | "pivot";

export interface OpenPopover {
  readonly name: PopoverName;
  /** The column that a filter editor or a column menu was opened for. */
  readonly column: string | null;
}

/** Puts a popover below its anchor, or above when there is no room, inside the window. */
export function placeBeside(popover: HTMLElement, anchor: DOMRect): void {
  popover.style.left = "0px"; // else the window's far edge would squeeze it
  const { width, height } = popover.getBoundingClientRect();
  const isRtl = getComputedStyle(popover).direction === "rtl";
  const start = isRtl ? anchor.right - width : anchor.left;
  const left = Math.max(EDGE, Math.min(start, window.innerWidth - width - EDGE));
  const below = anchor.bottom + GAP;
  const hasRoomBelow = below + height + EDGE <= window.innerHeight || anchor.top < height + EDGE;
  const top = hasRoomBelow
    ? Math.min(below, Math.max(EDGE, window.innerHeight - height - EDGE))
    : anchor.top - GAP - height;
  popover.style.left = `${left}px`;
  popover.style.top = `${top}px`;
}

export interface PopoversOptions {
  readonly root: HTMLElement;
  /** Draws the content of the popover that is open now, at once. */
  readonly renderNow: () => void;
  /** Calls back once there is content to draw. */
  readonly whenLoaded: (act: () => void) => void;
}

/** At most one of the grid's popovers is open at a time. */
export class Popovers {
  readonly #options: PopoversOptions;
  /** What is searched for in the list of the popover that is open. */
  search = "";
  #open: OpenPopover | null = null;
  #anchor: HTMLElement | null = null;
  #returnTo: HTMLElement | null = null;
  #pressedOpen = false;

  constructor(options: PopoversOptions) {
    this.#options = options;
  }

  get open(): OpenPopover | null {
    return this.#open;
  }

  isOpen(name: PopoverName, column: string | null = null): boolean {
    return this.#open?.name === name && this.#open.column === column;
  }

  /** Notes a press on an anchor: the browser closes an open popover before the click arrives. */
  press(name: PopoverName, column: string | null = null): void {
    this.#pressedOpen = this.isOpen(name, column);
  }

  /** Opens a popover at its anchor; the anchor of an open one closes it. */
  toggle(name: PopoverName, anchor: HTMLElement, column: string | null = null): void {
    const isSame = this.#pressedOpen || this.isOpen(name, column);
    this.#pressedOpen = false;
    this.close();
    if (isSame) return;
    this.#open = { name, column };
    this.search = "";
    this.#anchor = anchor;
    this.#returnTo = anchor.closest<HTMLElement>("[data-row]") ?? anchor;
    this.#options.renderNow();
    const element = this.#element(name);
    element?.showPopover();
    this.reposition();
    this.#options.whenLoaded(() => this.#enter(element));
  }

  /** Goes to the first field, or button, of a popover that is still open. */
  #enter(element: HTMLElement | null): void {
    if (!element?.matches(":popover-open")) return;
    this.#options.renderNow();
    this.reposition();
    const first = ["select, input", "button"].map((kind) => element.querySelector<HTMLElement>(kind));
    first.find(Boolean)?.focus();
  }

  /** Draws what is open anew. */
  changed(): void {
    this.#options.renderNow();
  }

  close(): void {
    const element = this.#open && this.#element(this.#open.name);
    if (element?.matches(":popover-open")) element.hidePopover();
    this.#open = null;
  }

  /** Handles the popover's own toggle event: Escape and clicks outside arrive here. */
  toggled(event: Event): void {
    const { newState, target } = event as ToggleEvent;
    if (newState !== "closed" || this.#open?.name !== (target as HTMLElement).dataset["popover"]) return;
    const focused = document.activeElement;
    const hadFocus = (target as HTMLElement).contains(focused) || focused === document.body;
    this.#open = null;
    this.#options.renderNow();
    if (hadFocus || this.#returnTo?.contains(focused)) this.#returnTo?.focus();
  }

  /** Closes and gives the focus back to where the popover was opened from; with a name, no other one. */
  finish(name = this.#open?.name): void {
    if (name !== this.#open?.name) return;
    const back = this.#returnTo;
    this.close();
    this.#options.renderNow();
    back?.focus();
  }

  reposition(): void {
    const element = this.#open && this.#element(this.#open.name);
    if (element && this.#anchor?.isConnected) placeBeside(element, this.#anchor.getBoundingClientRect());
  }

  #element(name: PopoverName): HTMLElement | null {
    return this.#options.root.querySelector<HTMLElement>(`[data-popover="${name}"]`);
  }
}

/** What a grid on the page is made of. */

import type { GridClient } from "./client.ts";
import type { Notebook } from "./notebook.ts";
import type { GridSchema, ViewList, ViewState } from "./protocol.ts";
import type { ViewMarker } from "./savedviews.ts";
import type { Texts, Translate } from "./strings.ts";

export interface GridOptions {
  readonly root: HTMLElement;
  readonly schema: GridSchema;
  readonly client: GridClient;
  readonly t: Translate;
  /** Takes in the words of the panels. */
  readonly learn: (texts: Texts) => void;
  readonly locale: string | undefined;
  /** Asks for the exact count without being told to, once the first rows are here. */
  readonly countsByItself: boolean;
  /** The state that the user left the grid in, or null. */
  readonly left: ViewState | null;
  /** The shortest time between two looks whether rows have changed; 0 for none but those asked for. */
  readonly refreshSeconds: number;
  /** Keeps the state for the next visit. */
  readonly remembers: boolean;
  /** The saved views, or null when the server keeps none. */
  readonly views: ViewList | null;
  readonly marker: ViewMarker;
  /** Keeps the reason that stands for all changes of the session. */
  readonly reasons: Notebook;
  /** Where to sign in again; null when nobody knows. */
  readonly loginUrl: string | null;
  /** Prefix of element ids, unique on the page. */
  readonly uid: string;
}

/** What ties together the requests of one person at one browser: random ids, unless the person wants not to be followed. */

import { requestKey } from "./client.ts";
import { type Notebook, notebook } from "./notebook.ts";

/** What a browser says about being followed; not all of them know both. */
export interface Wishes {
  readonly doNotTrack?: string | null;
  readonly globalPrivacyControl?: boolean;
}

const THIS_PAGE = requestKey();
const SESSION = notebook("gridkit-session", () => sessionStorage);
const DEVICE = notebook("gridkit-device");

/**
 * The value of the header `X-GridKit-Visit`; empty for none.
 *
 * Unless the site remembers devices, nothing is kept in the browser: the session is that of the page.
 */
export function visitHeader(
  remembers: boolean,
  wishes: Wishes = navigator as Wishes,
  session: Notebook = SESSION,
  device: Notebook = DEVICE,
): string {
  if (wishes.doNotTrack === "1" || wishes.globalPrivacyControl) {
    for (const book of [session, device]) if (book.read() !== null) book.write(null);
    return "";
  }
  return remembers ? `${kept(session)}.${kept(device)}` : THIS_PAGE;
}

function kept(book: Notebook): string {
  const found = book.read() ?? requestKey();
  book.write(found);
  return found;
}

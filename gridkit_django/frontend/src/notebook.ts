/** A text that the browser keeps between visits, where the page may use its storage. */

export interface Notebook {
  readonly read: () => string | null;
  readonly write: (text: string | null) => void;
}

/** Keeps a text in the browser's storage: for good, or with `sessionStorage` until the tab is closed. */
export function notebook(key: string, storage: () => Storage = () => localStorage): Notebook {
  const quietly = <T>(act: () => T): T | null => {
    try {
      return act();
    } catch {
      return null; // no storage for this page: what was noted is simply gone
    }
  };
  let noted: string | null | undefined;
  return {
    read: () => (noted === undefined ? quietly(() => storage().getItem(key)) : noted),
    write: (text) => {
      noted = text;
      quietly(() => (text === null ? storage().removeItem(key) : storage().setItem(key, text)));
    },
  };
}

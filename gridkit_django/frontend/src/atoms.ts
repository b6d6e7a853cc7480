/**
 * Plain atoms for TanStack's table-core, in place of its reactive ones: the grid draws itself when its state
 * says so, so nothing needs to follow single values, and the bundle stays smaller.
 */

import type { TableReactivityBindings } from "@tanstack/table-core/reactivity";

const NEVER = { unsubscribe: (): void => undefined };
const subscribe = (): typeof NEVER => NEVER;

export function plainAtoms(): TableReactivityBindings {
  return {
    createOptionsStore: false,
    wrapExternalAtoms: false,
    addSubscription: () => undefined,
    batch: (act) => act(),
    schedule: (act) => queueMicrotask(act),
    untrack: (read) => read(),
    createReadonlyAtom: (get) => ({ get, subscribe }),
    createWritableAtom: <T>(initial: T) => {
      let value = initial;
      const set = (next: T | ((old: T) => T)): void => {
        value = typeof next === "function" ? (next as (old: T) => T)(value) : next;
      };
      return { get: () => value, set, subscribe };
    },
  };
}

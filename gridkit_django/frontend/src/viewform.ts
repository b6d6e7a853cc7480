/** The form of a saved view: its name, who sees it, whether the grid opens with it. */

import type { ViewDraft, ViewEntry, ViewScope } from "./protocol.ts";

export class ViewForm {
  /** The view that is changed; null for a new one. */
  readonly entry: ViewEntry | null;
  name: string;
  /** `private`, `public`, or `group:` with the group's id. */
  audience: string;
  isDefault: boolean;
  /** True once the user asked to delete the view, until they say that they mean it. */
  asksToDelete = false;

  constructor(entry: ViewEntry | null) {
    this.entry = entry;
    this.name = entry?.name ?? "";
    this.audience = entry ? audienceOf(entry) : "private";
    this.isDefault = entry?.isDefault ?? false;
  }

  get draft(): ViewDraft {
    const [scope, group] = this.audience.split(":");
    return {
      name: this.name.trim(),
      scope: scope as ViewScope,
      ...(group ? { group: Number(group) } : {}),
      isDefault: this.isDefault,
    };
  }
}

function audienceOf({ scope, group }: ViewEntry): string {
  return scope === "group" && group ? `group:${group.id}` : scope;
}

/** The menu of saved views: open, save, save as, rename, share, default, delete. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Grid } from "../grid.ts";
import type { ViewEntry, ViewScope } from "../protocol.ts";
import type { ViewsPanel } from "../viewspanel.ts";
import { problemText } from "../texts.ts";
import { ViewForm } from "../viewform.ts";
import { moreIcon } from "./icons.ts";

export function viewsPanel(grid: Grid): TemplateResult {
  const { views } = grid;
  if (!views) return html``;
  return views.form ? formView(grid, views, views.form) : listView(grid, views);
}

function listView(grid: Grid, views: ViewsPanel): TemplateResult {
  const { t } = grid;
  const section = (title: string, entries: readonly ViewEntry[]): TemplateResult | typeof nothing =>
    entries.length
      ? html`<p class="gridkit-form-title gridkit-section">${title}</p>
          <ul class="gridkit-column-list">
            ${entries.map((entry) => item(grid, views, entry))}
          </ul>`
      : nothing;
  const of = (scope: ViewScope): readonly ViewEntry[] => views.saved.entries.filter((entry) => entry.scope === scope);
  return html`
    <div class="gridkit-views" aria-busy=${views.saved.isBusy ? "true" : "false"}>
      <button
        type="button"
        class="gridkit-menu-item"
        aria-current=${views.saved.open ? nothing : "true"}
        @click=${() => void views.open(null)}
      >
        ${t("viewDeclared")}
      </button>
      ${section(t("viewsMine"), of("private"))} ${section(t("viewsGroup"), of("group"))} ${section(t("viewsPublic"), of("public"))}
      ${problemView(grid, views)} ${actions(grid, views)}
    </div>
  `;
}

function item(grid: Grid, views: ViewsPanel, entry: ViewEntry): TemplateResult {
  const { t } = grid;
  const about = [entry.group?.name, entry.mine ? "" : entry.owner].filter(Boolean).join(" · ");
  return html`
    <li class="gridkit-column-item">
      <button
        type="button"
        class="gridkit-menu-item"
        aria-current=${views.saved.open?.id === entry.id ? "true" : nothing}
        @click=${() => void views.open(entry.id)}
      >
        ${entry.name} ${entry.isDefault ? html`<span class="gridkit-badge">${t("viewIsDefault")}</span>` : nothing}
        ${about ? html`<small>${about}</small>` : nothing}
      </button>
      ${
        entry.mine
          ? html`<button
            type="button"
            class="gridkit-icon-button"
            aria-label=${t("viewChange", { name: entry.name })}
            @click=${() => views.edit(new ViewForm(entry))}
          >
            ${moreIcon}
          </button>`
          : nothing
      }
    </li>
  `;
}

function actions(grid: Grid, views: ViewsPanel): TemplateResult {
  const { t } = grid;
  const { open, isDirty } = views.saved;
  return html`
    <hr class="gridkit-rule" />
    ${
      open?.mine && isDirty
        ? html`<button type="button" class="gridkit-menu-item" @click=${() => void views.save()}>${t("viewSave", { name: open.name })}</button>`
        : nothing
    }
    <button type="button" class="gridkit-menu-item" @click=${() => views.edit(new ViewForm(null))}>${t("viewSaveAs")}…</button>
    ${
      open
        ? html`<button type="button" class="gridkit-menu-item" @click=${() => void views.copyLink(open.id)}>${t("viewCopyLink", { name: open.name })}</button>`
        : nothing
    }
    ${
      isDirty
        ? html`<button type="button" class="gridkit-menu-item" @click=${() => views.reset()}>${t("viewReset")}</button>`
        : nothing
    }
  `;
}

/** What went wrong; after a conflict the user may save over what somebody else saved. */
function problemView(grid: Grid, views: ViewsPanel): TemplateResult | typeof nothing {
  const { t } = grid;
  if (!views.saved.problem) return nothing;
  const isConflict = views.saved.problem.status === 412;
  return html`
    <p class="gridkit-form-error" role="alert">
      ${isConflict ? t("viewConflict") : problemText(views.saved.problem, "", t).detail}
      ${
        isConflict
          ? html`<button type="button" class="gridkit-link" @click=${() => void views.save(true)}>${t("viewSaveAnyway")}</button>`
          : nothing
      }
    </p>
  `;
}

function formView(grid: Grid, views: ViewsPanel, form: ViewForm): TemplateResult {
  const { t, schema } = grid;
  const { entry } = form;
  const audiences: (readonly [string, string])[] = [
    ["private", t("viewForMe")],
    ...views.saved.groups.map((group) => [`group:${group.id}`, t("viewForGroup", { group: group.name })] as const),
  ];
  if (schema.permissions?.share || entry?.scope === "public") audiences.push(["public", t("viewForAll")]);
  return html`
    <form
      class="gridkit-form"
      @submit=${(event: Event) => {
        event.preventDefault();
        void views.submit(form);
      }}
    >
      <p class="gridkit-form-title">${entry ? t("viewChange", { name: entry.name }) : t("viewSaveAs")}</p>
      <input
        class="gridkit-input"
        aria-label=${t("viewName")}
        placeholder=${t("viewName")}
        required
        maxlength="100"
        autocomplete="off"
        .value=${form.name}
        @input=${(event: Event) => (form.name = (event.target as HTMLInputElement).value)}
      />
      <select
        class="gridkit-input"
        aria-label=${t("viewAudience")}
        @change=${(event: Event) => (form.audience = (event.target as HTMLSelectElement).value)}
      >
        ${audiences.map(([value, label]) => html`<option value=${value} ?selected=${value === form.audience}>${label}</option>`)}
      </select>
      <label class="gridkit-choice">
        <input
          type="checkbox"
          class="gridkit-check"
          .checked=${form.isDefault}
          @change=${(event: Event) => (form.isDefault = (event.target as HTMLInputElement).checked)}
        />
        <span>${t("viewMakeDefault")}</span>
      </label>
      ${problemView(grid, views)}
      <div class="gridkit-form-actions">
        ${entry ? deleteButton(grid, views, form, entry) : nothing}
        <button type="button" class="gridkit-button" @click=${() => views.edit(null)}>${t("cancel")}</button>
        <button type="submit" class="gridkit-button is-primary" ?disabled=${views.saved.isBusy}>${t("save")}</button>
      </div>
    </form>
  `;
}

/** The first click asks, the second one deletes. */
function deleteButton(grid: Grid, views: ViewsPanel, form: ViewForm, entry: ViewEntry): TemplateResult {
  const act = (): void => {
    if (form.asksToDelete) void views.remove(entry);
    form.asksToDelete = true;
    grid.requestRender();
  };
  const { t } = grid;
  return html`<button type="button" class="gridkit-link is-danger" @click=${act}>${t(form.asksToDelete ? "viewDeleteSure" : "delete")}</button>`;
}

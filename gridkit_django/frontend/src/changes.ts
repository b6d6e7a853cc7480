/** Making, changing and deleting rows by dialogs, and taking it back: what the buttons do, and what is said. */

import { RequestProblem, requestKey } from "./client.ts";
import type { Grid } from "./grid.ts";
import type { BulkRequest, BulkResult, BulkSelection, ColumnSchema, EditResponse, RowRecord } from "./protocol.ts";
import { type ReasonForm, ReasonWithheld } from "./reasons.ts";
import type { PanelViews } from "./panels.ts";
import type { RowForm } from "./rowform.ts";
import { problemText } from "./texts.ts";
import { UndoHistory } from "./undo.ts";

/** What the dialog is about. */
export type Task = (
  | { readonly kind: "create"; readonly form: RowForm }
  | { readonly kind: "edit"; readonly form: RowForm; column: ColumnSchema }
  | { readonly kind: "delete"; readonly row: RowRecord | null }
  | { readonly kind: "reason"; readonly given: (reason: string | null) => void }
) & {
  /** Why the change is made; null where nobody wants to know. */
  readonly reason: ReasonForm | null;
};

export class Changes {
  readonly #grid: Grid;
  readonly #history = new UndoHistory();
  #task: Task | null = null;
  #problem: RequestProblem | null = null;
  #isBusy = false;

  constructor(grid: Grid) {
    this.#grid = grid;
  }

  /** What the dialog is open for; null while it is closed. */
  get task(): Task | null {
    return this.#task;
  }

  /** Why the last try failed, as a whole. */
  get problem(): RequestProblem | null {
    return this.#problem;
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  get canCreate(): boolean {
    return this.#grid.schema.permissions?.create === true;
  }

  get canDelete(): boolean {
    return this.#grid.schema.permissions?.delete === true;
  }

  /** How many rows the dialog is about; null when they are still being counted. */
  get rows(): number | null {
    return this.#task?.kind === "delete" && this.#task.row ? 1 : this.#grid.selectedCount;
  }

  askCreate(): void {
    const { panels, reasons } = this.#grid;
    if (!this.canCreate) return;
    panels.use((views) => this.#open({ kind: "create", form: this.#form(views), reason: reasons.form() }));
  }

  /** Opens the dialog that gives the selected rows one value. */
  askEdit(): void {
    const { panels, reasons } = this.#grid;
    panels.use((views) => {
      const form = this.#form(views);
      const column = form.columns[0];
      if (column) this.#open({ kind: "edit", form, column, reason: reasons.form() });
    });
  }

  /** Asks whether a row, or without one the selected rows, may be deleted. */
  askDelete(row: RowRecord | null = null): void {
    if (this.canDelete) this.#open({ kind: "delete", row, reason: this.#grid.reasons.form() });
  }

  /**
   * The reason of a change that has no dialog of its own: the one that is kept, or what the person says now.
   *
   * @throws ReasonWithheld when the person says nothing.
   */
  async reason(): Promise<string> {
    const { reasons } = this.#grid;
    const form = reasons.form();
    if (!form || reasons.kept !== null) return reasons.kept ?? "";
    const text = await new Promise<string | null>((given) => this.#open({ kind: "reason", given, reason: form }));
    if (text === null) throw new ReasonWithheld();
    return text;
  }

  close(): void {
    if (this.#task?.kind === "reason") this.#task.given(null);
    this.#task = null;
    this.#problem = null;
    this.#grid.renderNow();
  }

  /** Carries out what the dialog is open for. */
  async submit(cascade = false): Promise<void> {
    const task = this.#task;
    if (!task || this.#isBusy) return;
    const reason = task.reason ? task.reason.read() : "";
    if (reason === null) return this.#grid.renderNow();
    this.#isBusy = true;
    this.#problem = null;
    try {
      if (task.kind === "reason") this.#say(task.given, reason);
      else if (task.kind === "create") await this.#create(task.form, reason);
      else if (task.kind === "edit") await this.#editMany(task.form, task.column, reason);
      else if (task.row) await this.#deleteOne(task.row, cascade, reason);
      else await this.#bulk({ action: "delete", ...this.#selected(), cascade }, requestKey(), reason);
    } catch (error) {
      if (!(error instanceof RequestProblem)) throw error;
      this.#refused(task, error);
    } finally {
      this.#isBusy = false;
      this.#grid.renderNow();
    }
  }

  /** Notes what was saved, so that it can be taken back. */
  saved(text: string, { undo }: Pick<EditResponse, "undo">): void {
    this.#done(text, undo ?? null);
  }

  /** Follows again the bulk changes, and exports, that were under way when the page was left. */
  pickUpJobs(): Promise<void> {
    const { jobs, schema, exportMethod, mayEdit, formatter } = this.#grid;
    const canBulk = Boolean(schema.limits?.bulkRows) && (mayEdit || this.canDelete);
    const kinds = [...(canBulk ? ["bulk" as const] : []), ...(exportMethod ? ["export" as const] : [])];
    return jobs.pickUp(kinds, ({ action, rowsTotal }) => this.#title(action, formatter.count(rowsTotal ?? 0)));
  }

  /** Tells what a bulk change that a worker carried out led to. */
  finished(result: BulkResult, title: string): void {
    this.#bulkDone(title, result);
  }

  /** Takes the last change back, or does it again. */
  async undo(side: "undo" | "redo" = "undo"): Promise<void> {
    const { t, client, toast } = this.#grid;
    const last = this.#history.take(side);
    if (!last) return toast.show(t("undoNothing"));
    try {
      const { rows, failed, undo } = await client.undo(last.token, await this.reason());
      if (undo) this.#history.put(side === "undo" ? "redo" : "undo", { token: undo, text: last.text });
      const text = t(side === "undo" ? "undone" : "redone", { what: last.text });
      const back = side === "undo" ? ("redo" as const) : ("undo" as const);
      const action = undo ? { label: t(back), act: () => void this.undo(back) } : null;
      toast.show(failed.length ? `${text} ${t("undoFailed", { count: failed.length })}` : text, action);
      if (rows.some(({ op, row }) => op !== "update" || !row)) await this.#grid.reload();
      else for (const { row } of rows) this.#grid.replaceRow(row as RowRecord);
    } catch (error) {
      if (error instanceof ReasonWithheld) return this.#history.put(side, last);
      if (!(error instanceof RequestProblem)) throw error;
      if (error.messagesAt("/reason").length) this.#grid.reasons.forget();
      toast.show(problemText(error, "", t).detail, null, true);
    }
  }

  #say(given: (reason: string) => void, reason: string): void {
    this.#task = null;
    given(reason);
  }

  async #create(form: RowForm, reason: string): Promise<void> {
    const values = form.read();
    if (!values) return;
    const { client, state, t } = this.#grid;
    const answer = await client.create(values, state.rowsQuery, form.key, reason);
    this.close();
    this.#done(t(answer.matchesFilter === false ? "createdElsewhere" : "created"), answer.undo ?? null);
    await this.#grid.reload();
  }

  async #editMany(form: RowForm, column: ColumnSchema, reason: string): Promise<void> {
    const changes = form.read([column]);
    if (changes) await this.#bulk({ action: "update", ...this.#selected(), changes }, form.key, reason);
  }

  async #deleteOne(row: RowRecord, cascade: boolean, reason: string): Promise<void> {
    const { undo } = await this.#grid.client.remove(row, cascade, reason);
    this.#grid.state.select([row.id], this.#grid.state.selection.isAll);
    this.close();
    this.#done(this.#grid.t("deleted"), undo);
    await this.#grid.reload();
  }

  async #bulk(request: BulkRequest, key: string, reason: string): Promise<void> {
    const { client, jobs, formatter } = this.#grid;
    const title = this.#title(request.action, formatter.count(request.expectedCount));
    const answer = await client.bulk(request, key, reason);
    this.close();
    if ("job" in answer) jobs.follow(answer.job, title);
    else this.#bulkDone(title, answer);
  }

  #title(action: string | undefined, count: string): string {
    return this.#grid.t(action === "delete" ? "bulkDelete" : "bulkEdit", { count });
  }

  #bulkDone(title: string, result: BulkResult): void {
    const { t, formatter } = this.#grid;
    this.#done(t("bulkDone", { title, count: formatter.count(result.changed) }), result.undo);
    this.#grid.clearSelection();
    void this.#grid.reload();
  }

  /** The selection as a question, with the number of rows that the user saw. */
  #selected(): { readonly selection: BulkSelection; readonly expectedCount: number } {
    const { state, selectedCount } = this.#grid;
    const { isAll, ids } = state.selection;
    const { filter, search } = state.rowsQuery;
    const query = { ...(filter ? { filter } : {}), ...(search ? { search } : {}) };
    return { selection: isAll ? { query, exclude: ids } : { include: ids }, expectedCount: selectedCount ?? 0 };
  }

  #refused(task: Task, problem: RequestProblem): void {
    if (task.reason?.refuse(problem)) return;
    if (task.kind === "delete" || task.kind === "reason") this.#problem = problem;
    else {
      task.form.refuse(problem, task.kind === "create" ? "values" : "changes");
      this.#problem = task.form.problem;
    }
    if (problem.code === "bulk-count-drift" || problem.status === 412) void this.#grid.reload();
  }

  #done(text: string, token: string | null): void {
    const { toast, t } = this.#grid;
    if (token) this.#history.add({ token, text });
    toast.show(text, token ? { label: t("undo"), act: () => void this.undo() } : null);
  }

  #form({ RowForm: Form }: PanelViews): RowForm {
    const { state, formatter, lookups, t } = this.#grid;
    const columns = state.ordered.filter((column) => this.#grid.canEdit(column));
    return new Form({ columns, timeZone: formatter.timeZone, lookups, t });
  }

  #open(task: Task): void {
    this.#task = task;
    this.#problem = null;
    if (task.kind === "edit" || task.kind === "delete") this.#grid.ensureCount();
    this.#grid.panels.use(() => {
      this.#grid.renderNow();
      this.#grid.root.querySelector<HTMLDialogElement>(".gridkit-dialog")?.showModal();
    });
  }
}

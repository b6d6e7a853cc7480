/** Follows jobs, exports and bulk changes: start, poll, cancel. */

import { type GridClient, RequestProblem } from "./client.ts";
import type { GridQuery, Job, JobKind, JsonSchema, MethodSchema } from "./protocol.ts";

const FIRST_POLL_MS = 400;
const SLOWEST_POLL_MS = 3000;

/** A job as the tray shows it. */
export interface FollowedJob {
  readonly key: number;
  /** The format of an export; empty for a bulk change. */
  readonly format: string;
  /** What a bulk change does, in words; empty for an export. */
  readonly title: string;
  readonly job: Job | null;
  /** Failure of the start, of the last poll or of the cancel. */
  readonly error: unknown;
  readonly resultUrl: string | null;
}

const ENDED: ReadonlySet<string> = new Set(["finished", "failed", "cancelled"]);
export const hasEnded = (item: FollowedJob): boolean =>
  item.job ? ENDED.has(item.job.state) : item.error !== null;

/** The formats a method offers: `format` of its JSON Schema, through `$ref`, `anyOf` and `const`. */
export function formatsOf(method: MethodSchema | undefined): readonly string[] {
  const root = method?.schema;
  const property = root?.properties?.["format"];
  if (!root || !property) return [];
  return [...new Set(enumerated(property, root))].filter(
    (value): value is string => typeof value === "string",
  );
}

function enumerated(schema: JsonSchema, root: JsonSchema): unknown[] {
  const name = /^#\/\$defs\/(.+)$/.exec(schema.$ref ?? "")?.[1];
  const target = name ? root.$defs?.[name] : undefined;
  const nested = [
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
    ...(schema.allOf ?? []),
    ...(target ? [target] : []),
  ];
  const own = schema.const === undefined ? (schema.enum ?? []) : [schema.const];
  return [...own, ...nested.flatMap((item) => enumerated(item, root))];
}

export interface JobTrayOptions {
  readonly client: GridClient;
  readonly changed: (item: FollowedJob | null) => void;
  readonly saveFile: (blob: Blob, name: string) => void;
}

export class JobTray {
  readonly #options: JobTrayOptions;
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();
  #items: readonly FollowedJob[] = [];
  #lastKey = 0;

  constructor(options: JobTrayOptions) {
    this.#options = options;
  }

  /** Newest first. */
  get items(): readonly FollowedJob[] {
    return this.#items;
  }

  /** Asks the method for an export of what the user sees, and follows the job it answers with. */
  async start(method: string, format: string, query: GridQuery, more: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const key = ++this.#lastKey;
    this.#put({ key, format, title: "", job: null, error: null, resultUrl: null });
    try {
      const outcome = await this.#options.client.callMethod(method, { format, ...more }, query);
      if (outcome.kind === "job") {
        this.#update(key, { job: outcome.job });
        this.#schedule(key, FIRST_POLL_MS);
      } else {
        if (outcome.kind === "file") this.#options.saveFile(outcome.blob, outcome.name);
        this.dismiss(key);
      }
    } catch (error) {
      this.#update(key, { error });
    }
  }

  /** Follows a job that was started elsewhere; an export has a format in place of a title. */
  follow(job: Job, title: string): void {
    const key = ++this.#lastKey;
    this.#put({ key, format: title ? "" : (job.format ?? ""), title, job, error: null, resultUrl: null });
    this.#schedule(key, FIRST_POLL_MS);
  }

  /** Follows again what was under way when the page was left; `titleOf` names bulk changes. */
  async pickUp(kinds: readonly JobKind[], titleOf: (job: Job) => string): Promise<void> {
    for (const kind of kinds) {
      try {
        const open = (await this.#options.client.jobs(kind)).filter(({ state }) => !ENDED.has(state));
        const known = new Set(this.#items.map(({ job }) => job?.id));
        for (const job of open.reverse()) if (!known.has(job.id)) this.follow(job, kind === "bulk" ? titleOf(job) : "");
      } catch (error) {
        if (!(error instanceof RequestProblem)) throw error;
        if (error.status !== 404) console.warn("gridkit-grid: jobs under way could not be listed.", error);
      }
    }
  }

  cancel(key: number): Promise<void> {
    return this.#ask(key, (id) => this.#options.client.cancelJob(id));
  }

  /** Lets the server try a job again that failed, and follows it. */
  retry(key: number): Promise<void> {
    return this.#ask(key, (id) => this.#options.client.retryJob(id));
  }

  async #ask(key: number, act: (id: string | number) => Promise<void>): Promise<void> {
    const job = this.#find(key)?.job;
    if (!job) return;
    try {
      await act(job.id);
      this.#schedule(key, 0);
    } catch (error) {
      this.#update(key, { error });
    }
  }

  dismiss(key: number): void {
    this.#stop(key);
    this.#items = this.#items.filter((item) => item.key !== key);
    this.#options.changed(null);
  }

  close(): void {
    for (const key of [...this.#timers.keys()]) this.#stop(key);
  }

  /** Takes polling up again after the element came back to the page. */
  resume(): void {
    for (const item of this.#items) if (item.job && !hasEnded(item)) this.#schedule(item.key, 0);
  }

  #schedule(key: number, delay: number): void {
    this.#stop(key);
    this.#timers.set(
      key,
      setTimeout(() => void this.#poll(key, delay), delay),
    );
  }

  async #poll(key: number, delay: number): Promise<void> {
    this.#timers.delete(key);
    const known = this.#find(key)?.job;
    if (!known) return;
    const next = Math.min(SLOWEST_POLL_MS, Math.max(FIRST_POLL_MS, delay * 1.3));
    try {
      const job = await this.#options.client.job(known.id);
      const resultUrl = job.state === "finished" && this.#find(key)?.format ? this.#options.client.jobResultUrl(job.id) : null;
      this.#update(key, { job, resultUrl, error: null });
      if (!ENDED.has(job.state)) this.#schedule(key, next);
    } catch (error) {
      const isGone = error instanceof RequestProblem && error.status >= 400 && error.status < 500;
      this.#update(key, isGone ? { error, job: { ...known, state: "failed" } } : { error });
      if (!isGone) this.#schedule(key, SLOWEST_POLL_MS);
    }
  }

  #stop(key: number): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
  }

  #find(key: number): FollowedJob | undefined {
    return this.#items.find((item) => item.key === key);
  }

  #put(item: FollowedJob): void {
    this.#items = [item, ...this.#items];
    this.#options.changed(item);
  }

  #update(key: number, changes: Partial<FollowedJob>): void {
    this.#items = this.#items.map((item) => (item.key === key ? { ...item, ...changes } : item));
    this.#options.changed(this.#find(key) ?? null);
  }
}

/** Lets the browser save a file that came in an answer. */
export function saveFile(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

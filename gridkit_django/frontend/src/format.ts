/** Turns wire values into text for reading, and wire values into the text of an input and back. */

import type { ColumnSchema, ColumnType, RowRecord, Value } from "./protocol.ts";
import type { Translate } from "./strings.ts";
import { instantToWall, isNaive } from "./timezone.ts";

const NUMERIC: ReadonlySet<ColumnType> = new Set(["integer", "decimal", "float"]);

/** True for columns whose values line up at the end of the cell. */
export function isNumeric(column: ColumnSchema): boolean {
  return NUMERIC.has(column.type) && !column.choices?.length && !column.lookup;
}

const MOMENT: ColumnSchema["format"] = { dateStyle: "medium", timeStyle: "short" };
const AVERAGE = { minimumFractionDigits: 2, maximumFractionDigits: 2 } as const;

export interface FormatterOptions {
  readonly locale: string | undefined;
  readonly timeZone: string;
  readonly t: Translate;
}

/** Formats cells of one grid: one locale, one time zone, formatters made once. */
export class Formatter {
  readonly timeZone: string;
  readonly locale: string | undefined;
  readonly #t: Translate;
  readonly #made = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

  constructor({ locale, timeZone, t }: FormatterOptions) {
    this.locale = locale;
    this.timeZone = timeZone;
    this.#t = t;
  }

  /** The text of a cell; null means "no value", which the view shows as a dash. */
  text(column: ColumnSchema, value: Value): string | null {
    if (value === null || value === undefined) return null;
    const choice = column.choices?.find((item) => item.value === value);
    if (choice) return choice.label;
    switch (column.type) {
      case "integer":
      case "float":
      case "decimal":
        return this.number(value as number | string, column.format);
      case "boolean":
        return this.#t(value ? "yes" : "no");
      case "date":
      case "datetime":
        return this.#dateText(column, String(value));
      case "time":
        return String(value).replace(/^(\d\d:\d\d):00(?:\.0+)?$/, "$1");
      case "json":
        return JSON.stringify(value);
      default:
        return String(value);
    }
  }

  /**
   * Groups digits from 10,000 on ("min2"), so that years and flight numbers stay plain.
   *
   * A decimal arrives as text and keeps its scale: "12.50" does not become "12.5".
   */
  number(value: number | string, format?: ColumnSchema["format"]): string {
    const scale = Math.min(typeof value === "string" ? (value.split(".")[1]?.length ?? 0) : 0, 20);
    if (!Number.isFinite(Number(value))) return String(value);
    const text = this.#format(Intl.NumberFormat, {
      useGrouping: "min2",
      minimumFractionDigits: scale,
      maximumFractionDigits: Math.max(scale, 10),
      ...format,
    }).format(value as number);
    return (format?.prefix ?? "") + text + (format?.suffix ?? "");
  }

  /** The text of a figure: counts are whole numbers, averages have two decimals, the others are as the column's. */
  figure(column: ColumnSchema, fn: string, value: Value): string | null {
    if (value === null || value === undefined) return null;
    if (fn === "count" || fn === "countDistinct") return this.count(Number(value));
    if (fn === "avg" && !column.format) return Number(value).toLocaleString(this.locale, AVERAGE);
    return this.text(column, value);
  }

  /** A number of rows: always grouped, "2,013 rows". */
  count(value: number): string {
    return value.toLocaleString(this.locale);
  }

  #dateText({ type, format }: ColumnSchema, text: string): string {
    const naive = type === "date" || isNaive(text);
    const moment = new Date(
      naive && !text.endsWith("Z") ? `${text}${type === "date" ? "T00:00:00" : ""}Z` : text,
    );
    if (Number.isNaN(moment.getTime())) return text;
    return this.#format(Intl.DateTimeFormat, {
      ...(format ?? MOMENT),
      ...(type === "date" && { timeStyle: undefined }),
      timeZone: naive ? "UTC" : this.timeZone,
    }).format(moment);
  }

  /** A formatter with these options, made once. */
  #format<Made extends Intl.NumberFormat | Intl.DateTimeFormat, Options>(
    kind: new (locale: string | undefined, options: Options) => Made,
    options: Options,
  ): Made {
    const key = kind.name + JSON.stringify(options);
    let made = this.#made.get(key) as Made | undefined;
    if (!made) this.#made.set(key, (made = new kind(this.locale, options)));
    return made;
  }
}

/** The text an input starts with when this value is edited. */
export function inputText(column: ColumnSchema, value: Value, timeZone: string): string {
  if (value === null || value === undefined) return "";
  if (column.type === "datetime")
    return isNaive(String(value)) ? String(value) : instantToWall(String(value), timeZone);
  if (column.type === "json") return JSON.stringify(value);
  return String(value);
}

/** The number of characters of the longest text of each column among these rows. */
export function longestTexts(
  columns: readonly ColumnSchema[],
  rows: readonly RowRecord[],
  textOf: (column: ColumnSchema, value: Value) => string | null,
): ReadonlyMap<string, number> {
  const length = (column: ColumnSchema, row: RowRecord): number =>
    textOf(column, row.d[column.id])?.length ?? 0;
  return new Map(
    columns.map((column) => [column.id, Math.max(0, ...rows.map((row) => length(column, row)))]),
  );
}

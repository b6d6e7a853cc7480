/** Turns wire values into text for reading, and wire values into the text of an input and back. */

import type { ColumnSchema, ColumnType, RowRecord, Value } from "./protocol.ts";
import type { Translate } from "./strings.ts";
import { instantToWall, isNaive } from "./timezone.ts";

const NUMERIC: ReadonlySet<ColumnType> = new Set(["integer", "decimal", "float"]);

/** True for columns whose values line up at the end of the cell. */
export function isNumeric(column: ColumnSchema): boolean {
  return NUMERIC.has(column.type) && !column.choices?.length && !column.lookup;
}

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
  readonly #numbers = new Map<number, Intl.NumberFormat>();
  readonly #date: Intl.DateTimeFormat;
  readonly #instant: Intl.DateTimeFormat;
  readonly #wall: Intl.DateTimeFormat;

  constructor({ locale, timeZone, t }: FormatterOptions) {
    this.locale = locale;
    this.timeZone = timeZone;
    this.#t = t;
    const both = { dateStyle: "medium", timeStyle: "short" } as const;
    this.#date = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
    this.#instant = new Intl.DateTimeFormat(locale, { ...both, timeZone });
    this.#wall = new Intl.DateTimeFormat(locale, { ...both, timeZone: "UTC" });
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
        return this.number(value as number | string);
      case "boolean":
        return this.#t(value ? "yes" : "no");
      case "date":
      case "datetime":
        return this.#dateText(column.type, String(value));
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
  number(value: number | string): string {
    const scale = typeof value === "string" ? (value.split(".")[1]?.length ?? 0) : 0;
    const numeric = Number(value);
    if (!Number.isFinite(numeric)) return String(value);
    return this.#numberFormat(Math.min(scale, 20)).format(
      typeof value === "string" ? (value as `${number}`) : numeric,
    );
  }

  /** The text of a figure: counts are whole numbers, averages have two decimals, the others are as the column's. */
  figure(column: ColumnSchema, fn: string, value: Value): string | null {
    if (value === null || value === undefined) return null;
    if (fn === "count" || fn === "countDistinct") return this.count(Number(value));
    if (fn === "avg") return Number(value).toLocaleString(this.locale, AVERAGE);
    return this.text(column, value);
  }

  /** A number of rows: always grouped, "2,013 rows". */
  count(value: number): string {
    return value.toLocaleString(this.locale);
  }

  #numberFormat(scale: number): Intl.NumberFormat {
    let format = this.#numbers.get(scale);
    if (!format) {
      format = new Intl.NumberFormat(this.locale, {
        useGrouping: "min2",
        minimumFractionDigits: scale,
        maximumFractionDigits: Math.max(scale, 10),
      });
      this.#numbers.set(scale, format);
    }
    return format;
  }

  #dateText(type: "date" | "datetime", text: string): string {
    const naive = type === "date" || isNaive(text);
    const moment = new Date(
      naive && !text.endsWith("Z") ? `${text}${type === "date" ? "T00:00:00" : ""}Z` : text,
    );
    if (Number.isNaN(moment.getTime())) return text;
    if (type === "date") return this.#date.format(moment);
    return (naive ? this.#wall : this.#instant).format(moment);
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

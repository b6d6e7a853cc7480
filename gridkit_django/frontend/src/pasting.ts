/** What a block of cells from a spreadsheet says: text into cells, and the text of a cell into a value. Pure functions. */

import { type Parsed, parseDraft } from "./edit.ts";
import type { ColumnSchema } from "./protocol.ts";

/** How people write values here, which is not always how inputs take them. */
export interface Reading {
  readonly locale: string | undefined;
  readonly timeZone: string;
  /** The words for true and false. */
  readonly yes: string;
  readonly no: string;
}

/**
 * Splits tab-separated text into rows of cells.
 *
 * Spreadsheets put a cell that holds a tab, a line break or a quote into quotes, and double the quotes inside. The
 * line break at the end of the text begins no row.
 */
export function parseTable(text: string): string[][] {
  const rows: string[][] = [[]];
  const cell = /(?:"((?:[^"]|"")*)"(?=[\t\r\n]|$)|([^\t\r\n]*))(\t|\r\n|\n|\r|$)/g;
  for (const [, quoted, plain = "", end] of text.matchAll(cell)) {
    rows.at(-1)?.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (!end) break;
    if (end !== "\t") rows.push([]);
  }
  if (/[\r\n]$/.test(text)) rows.pop();
  return rows;
}

/** The value that a text stands for in a column: what an input would take, or what the grid itself shows. */
export function readText(column: ColumnSchema, text: string, reading: Reading): Parsed {
  const word = text.trim().toLowerCase();
  const choice = column.choices?.find(({ label }) => label.toLowerCase() === word);
  if (choice) return { value: choice.value };
  if (column.choices?.length && word !== "" && !column.choices.some(({ value }) => String(value) === text.trim())) {
    return { problem: "invalidOption" };
  }
  if (column.type === "boolean" && word !== "") return readBoolean(word, reading);
  const parsed = parseDraft(column, text, reading.timeZone);
  if ("problem" in parsed && parsed.problem !== "required" && !column.lookup) {
    return parseDraft(column, plainNumber(text, column, reading.locale), reading.timeZone);
  }
  return isDay(column, word) ? parsed : { problem: "invalidDate" };
}

function readBoolean(word: string, { yes, no }: Reading): Parsed {
  if ([yes.toLowerCase(), "true", "1"].includes(word)) return { value: true };
  if ([no.toLowerCase(), "false", "0"].includes(word)) return { value: false };
  return { problem: "invalidOption" };
}

/** False for a day that is not written as the standard does (ISO 8601): 1/2/2013 means two days. */
function isDay({ type }: ColumnSchema, word: string): boolean {
  return (type !== "date" && type !== "datetime") || word === "" || /^\d{4}-\d\d-\d\d/.test(word);
}

/** A number without its unit and its grouping: "2,475 mi" or "2.475,5" as the language of the page writes them. */
function plainNumber(text: string, { format }: ColumnSchema, locale: string | undefined): string {
  const parts = new Intl.NumberFormat(locale).formatToParts(-12345.6);
  const sign = (type: string): string => parts.find((part) => part.type === type)?.value ?? "";
  return text
    .replace(format?.prefix ?? "", "")
    .replace(format?.suffix ?? "", "")
    .replaceAll(sign("group") || ",", "")
    .replace(sign("decimal") || ".", ".")
    .replace(/\s/g, "")
    .replace(/^\u2212/, "-");
}

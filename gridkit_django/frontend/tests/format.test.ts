import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestProblem } from "../src/client.ts";
import { Formatter, inputText } from "../src/format.ts";
import { translator } from "../src/strings.ts";
import { countLabel, problemText } from "../src/texts.ts";
import { instantToWall, wallToInstant } from "../src/timezone.ts";
import { column } from "./support.ts";

const ZONE = "America/New_York";
const t = translator(null).t;
const formatter = new Formatter({ locale: "en-US", timeZone: ZONE, t });
const plain = (text: string | null): string | undefined => text?.replaceAll("\u202f", " ");

test("numbers are grouped from 10,000 on and decimals keep their scale", () => {
  assert.equal(formatter.text(column("a", { type: "integer" }), 2013), "2013");
  assert.equal(formatter.text(column("a", { type: "integer" }), 336_776), "336,776");
  assert.equal(formatter.text(column("a", { type: "decimal" }), "12.50"), "12.50");
  assert.equal(formatter.text(column("a", { type: "float" }), 0.1 + 0.2), "0.3");
});

test("a number is written as its column declares it", () => {
  const money = column("a", {
    type: "decimal",
    format: { useGrouping: "always" as unknown as boolean, minimumFractionDigits: 1, maximumFractionDigits: 1, prefix: "$", suffix: " net" },
  });
  const share = column("a", {
    type: "float",
    format: { style: "percent", minimumFractionDigits: 0, maximumFractionDigits: 20, prefix: "", suffix: "" },
  });
  assert.equal(formatter.text(money, "1234.56"), "$1,234.6 net");
  assert.equal(formatter.figure(money, "avg", "1234.56"), "$1,234.6 net");
  assert.equal(formatter.text(money, "NaN"), "NaN");
  assert.equal(formatter.text(share, 0.125), "12.5%");
});

test("days and points in time are as long as their column declares", () => {
  const day = column("a", { type: "date", format: { dateStyle: "short", timeStyle: "medium" } });
  const point = column("a", { type: "datetime", format: { dateStyle: "long" } });
  assert.equal(formatter.text(day, "2013-01-31"), "1/31/13");
  assert.equal(formatter.text(point, "2013-01-01T03:00:00Z"), "December 31, 2012");
});

test("a decimal beyond double precision is not rounded", () => {
  assert.equal(
    formatter.text(column("a", { type: "decimal" }), "12345678901234567890.12"),
    "12,345,678,901,234,567,890.12",
  );
});

test("dates stay on their day and instants are shown in the zone of the grid", () => {
  assert.equal(formatter.text(column("a", { type: "date" }), "2013-01-01"), "Jan 1, 2013");
  assert.equal(
    plain(formatter.text(column("a", { type: "datetime" }), "2013-01-01T10:00:00Z")),
    "Jan 1, 2013, 5:00 AM",
  );
  assert.equal(
    plain(formatter.text(column("a", { type: "datetime" }), "2013-01-01T10:00:00")),
    "Jan 1, 2013, 10:00 AM",
  );
});

test("null is no text, false and zero are", () => {
  assert.equal(formatter.text(column("a"), null), null);
  assert.equal(formatter.text(column("a", { type: "boolean" }), false), "No");
  assert.equal(formatter.text(column("a", { type: "integer" }), 0), "0");
});

test("choices show their label and unknown values themselves", () => {
  const choice = column("a", { type: "choice", choices: [{ value: "e", label: "Early" }] });
  assert.equal(formatter.text(choice, "e"), "Early");
  assert.equal(formatter.text(choice, "z"), "z");
});

test("times drop empty seconds, JSON is compact, wrong dates stay as they are", () => {
  assert.equal(formatter.text(column("a", { type: "time" }), "05:15:00"), "05:15");
  assert.equal(formatter.text(column("a", { type: "time" }), "05:15:30"), "05:15:30");
  assert.equal(formatter.text(column("a", { type: "json" }), { a: 1 }), '{"a":1}');
  assert.equal(formatter.text(column("a", { type: "date" }), "someday"), "someday");
});

test("inputText gives an instant as wall-clock time", () => {
  assert.equal(
    inputText(column("a", { type: "datetime" }), "2013-07-01T12:00:00Z", ZONE),
    "2013-07-01T08:00:00",
  );
  assert.equal(inputText(column("a"), null, ZONE), "");
});

test("wall-clock time and instant go round in winter, in summer and across the change", () => {
  for (const wall of [
    "2013-01-15T12:00:00",
    "2013-07-15T12:00:00",
    "2013-03-10T01:30:00",
    "2013-03-10T03:30:00",
  ]) {
    assert.equal(instantToWall(wallToInstant(wall, ZONE), ZONE), wall);
  }
  assert.equal(wallToInstant("2013-06-01T00:00", "Asia/Kolkata"), "2013-06-01T00:00:00+05:30");
});

test("counts are labelled by what they are", () => {
  assert.equal(countLabel({ value: 336_776, is: "exact" }, formatter, t), "336,776 rows");
  assert.equal(countLabel({ value: 1, is: "exact" }, formatter, t), "1 row");
  assert.equal(countLabel({ value: 10_000, is: "atLeast" }, formatter, t), "more than 10,000 rows");
  assert.equal(countLabel({ value: 2_000, is: "estimate" }, formatter, t), "about 2,000 rows");
  assert.equal(countLabel({ value: null, is: "unknown" }, formatter, t), "number of rows unknown");
});

test("problemText says the server's words, field details and the reference", () => {
  const problem = new RequestProblem(422, {
    title: "Not valid",
    detail: "See below.",
    errors: [{ detail: "Too deep." }],
    requestId: "r1",
  });
  assert.deepEqual(problemText(problem, "Failed", t), {
    title: "Not valid",
    detail: "See below. Too deep.",
    reference: "r1",
  });
  assert.equal(problemText(new RequestProblem(0, {}), "Failed", t).detail, t("errorNetwork"));
  assert.equal(
    problemText(new RequestProblem(200, { code: "unreadable" }), "F", t).detail,
    t("errorUnreadable"),
  );
  assert.equal(problemText(new RequestProblem(503, { detail: "Busy." }), "Failed", t).detail, "Busy.");
  assert.equal(problemText(new RequestProblem(500, {}), "Failed", t).detail, "The server failed (HTTP 500). Try again; if it lasts, tell the administrator.");
});

test("translator takes own texts, fills placeholders and survives wrong JSON", (context) => {
  const warn = context.mock.method(console, "warn", () => undefined);
  assert.equal(translator('{"rowsExact": "{count} Zeilen"}').t("rowsExact", { count: 3 }), "3 Zeilen");
  assert.equal(translator('{"rowsExact": 3}').t("rowsOne"), "1 row");
  assert.equal(translator("{").t("rowsOne"), "1 row");
  const { t: late, learn } = translator('{"viewReset": "Zurück"}');
  learn({ viewReset: "Reset", viewName: "Name of the view" });
  assert.deepEqual([late("viewReset"), late("viewName")], ["Zurück", "Name of the view"]);
  assert.equal(warn.mock.callCount(), 1);
});

/** Wall-clock time of a zone and instants, with nothing but Intl. */

/** True for an ISO date-time that names no offset: a wall-clock time. */
export function isNaive(text: string): boolean {
  return !/(?:Z|[+-]\d\d:?\d\d)$/i.test(text);
}

/** Minutes that the zone is ahead of UTC at this instant. */
function offsetMinutes(instant: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).formatToParts(instant);
  const field = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
  const wall = Date.UTC(
    field("year"),
    field("month") - 1,
    field("day"),
    field("hour"),
    field("minute"),
    field("second"),
  );
  return Math.round((wall - Math.floor(instant / 1000) * 1000) / 60_000);
}

/** Writes an instant as the zone's wall-clock time, `2013-01-31T17:05:00`, the form of datetime-local. */
export function instantToWall(text: string, timeZone: string): string {
  const instant = new Date(text).getTime();
  if (Number.isNaN(instant)) return "";
  return new Date(instant + offsetMinutes(instant, timeZone) * 60_000).toISOString().slice(0, 19);
}

/**
 * Writes the zone's wall-clock time as an instant with its offset, `2013-01-31T17:05:00-05:00`.
 *
 * The offset is looked up twice, because the first guess may fall on the other side of a clock change.
 */
export function wallToInstant(wall: string, timeZone: string): string {
  const full = wall.length === 16 ? `${wall}:00` : wall;
  const asUtc = new Date(`${full}Z`).getTime();
  if (Number.isNaN(asUtc)) return wall;
  const guess = offsetMinutes(asUtc, timeZone);
  const offset = offsetMinutes(asUtc - guess * 60_000, timeZone);
  const size = Math.abs(offset);
  const two = (part: number): string => String(part).padStart(2, "0");
  return `${full}${offset < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

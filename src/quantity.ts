/** Sizes, durations and times as people write them: `512MB`, `15m`, `2030-01-31T12:00:00Z`. */

/** From small to large. */
type Units = readonly (readonly [name: string, factor: number])[];

/** As in PostgreSQL's settings, a kilobyte has 1024 bytes. */
const SIZES: Units = [
  ['B', 1],
  ['KB', 2 ** 10],
  ['MB', 2 ** 20],
  ['GB', 2 ** 30],
  ['TB', 2 ** 40],
];

const DURATIONS: Units = [
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
];

/** Bytes; NaN if it is no size. */
export const parseSize = (text: string): number => parse(text, SIZES);

/** Milliseconds; NaN if it is no duration. */
export const parseDuration = (text: string): number => parse(text, DURATIONS);

/** In the largest unit that needs no fraction. */
export function formatDuration(ms: number): string {
  const fitting = DURATIONS.filter(([, factor]) => ms % factor === 0);
  const [name, factor] = (ms === 0 ? undefined : fitting.at(-1)) ?? ['ms', 1];
  return `${ms / factor}${name}`;
}

function parse(text: string, units: Units): number {
  const [, digits = '', name = ''] = /^(\d{1,15})([A-Za-z]+)$/.exec(text) ?? [];
  const factor = units.find(([known]) => known === name)?.[1];
  return factor === undefined ? NaN : Number(digits) * factor;
}

const RFC3339 =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i;

/** What both JSON and PostgreSQL can write: in UTC, the years 1 to 9999. */
const FIRST_INSTANT = Date.parse('0001-01-01T00:00:00Z');
const LAST_INSTANT = Date.parse('9999-12-31T23:59:59.999Z');

/** `Date.parse` takes February 30 for March 1. */
const isDay = (date: string): boolean =>
  new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);

/** An RFC 3339 time as milliseconds since 1970; NaN if it is none, or beyond what can be kept. */
export function parseInstant(text: string): number {
  const isTime = RFC3339.test(text) && isDay(text.slice(0, 10));
  const instant = isTime ? Date.parse(text) : NaN;
  return instant >= FIRST_INSTANT && instant <= LAST_INSTANT ? instant : NaN;
}

/** Sizes and durations as people write them: a whole number with its unit, `512MB` or `15m`. */

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

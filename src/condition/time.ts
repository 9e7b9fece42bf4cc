/**
 * Instants and spans in whole nanoseconds. The CEL library's own count milliseconds, add up
 * negative spans wrongly and expose the members of `Date` as fields, so none of them is used.
 */
import { INT64, inRange } from './decimal.js';
import { ValueError, expected } from './value-error.js';

export const NANOSECONDS_PER_SECOND = 1_000_000_000n;
const NANOSECONDS_PER_MS = 1_000_000n;

/** CEL's range: the years 1 to 9999. */
const INSTANTS = {
  min: -62_135_596_800n * NANOSECONDS_PER_SECOND,
  max: 253_402_300_800n * NANOSECONDS_PER_SECOND - 1n,
};

/** A span; 64 bits of nanoseconds, about 292 years. */
export class Duration {
  readonly nanoseconds: bigint;

  constructor(nanoseconds: bigint) {
    if (!inRange(nanoseconds, INT64)) throw new ValueError('the duration is out of range');
    this.nanoseconds = nanoseconds;
  }
}

/** An instant, counted from 1970. */
export class Timestamp {
  readonly nanoseconds: bigint;

  constructor(nanoseconds: bigint) {
    if (!inRange(nanoseconds, INSTANTS)) throw new ValueError('the timestamp is out of range');
    this.nanoseconds = nanoseconds;
  }

  get milliseconds(): number {
    return Number(floorDivide(this.nanoseconds, NANOSECONDS_PER_MS));
  }

  get seconds(): bigint {
    return floorDivide(this.nanoseconds, NANOSECONDS_PER_SECOND);
  }
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

const RFC3339 =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:Z|([+-])(\d\d):(\d\d))$/;
/** Room for more than the nine digits of a fraction that count. */
const TIMESTAMP_LENGTH_MAX = 64;
export const TIMESTAMP_FORM = 'an RFC 3339 timestamp such as "2030-01-31T09:30:00Z"';

/** The calendar repeats after 400 years; `Date.UTC` would take the years 0 to 99 for 1900 to 1999. */
const CALENDAR_CYCLE_MS = 146_097 * 86_400_000;
/** February is asked of the calendar. */
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export function readTimestamp(text: string): Timestamp {
  const match = text.length > TIMESTAMP_LENGTH_MAX ? null : RFC3339.exec(text);
  if (match === null) throw expected(TIMESTAMP_FORM, text);
  const field = (index: number): number => Number(match[index] ?? 0);
  const [year, month, day] = [field(1) + 400, field(2), field(3)];
  const [hour, minute, second] = [field(4), field(5), field(6)];
  const [zoneHour, zoneMinute] = [field(9), field(10)];
  const isDay = month >= 1 && month <= 12 && day >= 1 && day <= daysOfMonth(year, month);
  const isTime = hour <= 23 && minute <= 59 && second <= 59;
  if (!isDay || !isTime || zoneHour > 23 || zoneMinute > 59) throw expected(TIMESTAMP_FORM, text);

  const zoneMs = (zoneHour * 60 + zoneMinute) * 60_000 * (match[8] === '-' ? -1 : 1);
  const ms = Date.UTC(year, month - 1, day, hour, minute, second) - CALENDAR_CYCLE_MS - zoneMs;
  const fraction = BigInt((match[7] ?? '').padEnd(9, '0'));
  return new Timestamp(BigInt(ms) * NANOSECONDS_PER_MS + fraction);
}

const daysOfMonth = (year: number, month: number): number =>
  month === 2 ? new Date(Date.UTC(year, 2, 0)).getUTCDate() : (DAYS[month - 1] ?? 0);

export function formatTimestamp(timestamp: Timestamp): string {
  const seconds = new Date(Number(timestamp.seconds) * 1000).toISOString().slice(0, 19);
  const nanoseconds = timestamp.nanoseconds - timestamp.seconds * NANOSECONDS_PER_SECOND;
  return `${seconds}${formatFraction(nanoseconds)}Z`;
}

const DURATION_PART = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y;
export const DURATION_FORM = 'a duration such as "1h30m", "-1.5s" or "300ms"';
/** No sensible duration is longer; reading digits is more than linear in their number. */
const DURATION_LENGTH_MAX = 100;

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['µs', 1_000n],
  ['μs', 1_000n],
  ['ms', NANOSECONDS_PER_MS],
  ['s', NANOSECONDS_PER_SECOND],
  ['m', 60n * NANOSECONDS_PER_SECOND],
  ['h', 3600n * NANOSECONDS_PER_SECOND],
]);

/** Go's syntax: a sign, then numbers with fraction and unit, or a bare zero. */
export function readDuration(text: string): Duration {
  const unsigned = /^[+-]/.test(text) ? text.slice(1) : text;
  if (unsigned === '0') return new Duration(0n);
  if (unsigned === '' || text.length > DURATION_LENGTH_MAX) throw expected(DURATION_FORM, text);

  let nanoseconds = 0n;
  let position = 0;
  while (position < unsigned.length) {
    DURATION_PART.lastIndex = position;
    const [part = '', whole = '', fraction = '', unit = ''] = DURATION_PART.exec(unsigned) ?? [];
    const scale = UNITS.get(unit);
    if (scale === undefined || whole + fraction === '') throw expected(DURATION_FORM, text);
    nanoseconds += BigInt(whole) * scale;
    nanoseconds += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
    position += part.length;
  }
  return new Duration(text.startsWith('-') ? -nanoseconds : nanoseconds);
}

/** Seconds, as CEL's `string()` writes them: `5400s`, `-0.25s`. */
export function formatDuration({ nanoseconds }: Duration): string {
  const magnitude = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const seconds = magnitude / NANOSECONDS_PER_SECOND;
  const sign = nanoseconds < 0n ? '-' : '';
  return `${sign}${seconds}${formatFraction(magnitude % NANOSECONDS_PER_SECOND)}s`;
}

function formatFraction(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '';
  return `.${nanoseconds.toString().padStart(9, '0').replace(/0+$/, '')}`;
}

/**
 * Time zones for CEL's `getHours("Europe/Berlin")` and its kin: an IANA name, `UTC`, or a fixed
 * offset such as `+02:00`.
 */
import type { Timestamp } from './time.js';
import { expected } from './value-error.js';

/** The milliseconds by which clocks of the zone are ahead of UTC at an instant. */
export type Zone = (epochMs: number) => number;

export const utc: Zone = () => 0;

const FIXED = /^([+-]?)(\d\d):(\d\d)$/;
/** What `longOffset` writes: `GMT`, `GMT+05:30`, and with seconds before standard time. */
const WRITTEN_OFFSET = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/;
/** `America/Argentina/ComodRivadavia` has 32 characters. */
const NAME_LENGTH_MAX = 64;
const ZONE_FORM = 'a time zone such as "Europe/Berlin" or "+02:00"';

export function readZone(text: string): Zone {
  if (text === '' || text === 'UTC') return utc;
  const fixed = FIXED.exec(text);
  if (fixed !== null) {
    const offset = offsetMs(fixed);
    return () => offset;
  }
  if (text.length > NAME_LENGTH_MAX) throw expected(ZONE_FORM, text);
  const format = namedZone(text);
  return (epochMs) => {
    const parts = format.formatToParts(epochMs);
    const written = parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
    const match = WRITTEN_OFFSET.exec(written);
    if (match === null) throw new RangeError(`unreadable offset of a time zone: ${written}`);
    return offsetMs(match);
  };
}

function namedZone(text: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: text, timeZoneName: 'longOffset' });
  } catch {
    throw expected(ZONE_FORM, text);
  }
}

function offsetMs([, sign, hours = '0', minutes = '0', seconds = '0']: RegExpExecArray): number {
  const magnitude = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  return magnitude * 1000 * (sign === '-' ? -1 : 1);
}

/** A date whose UTC members read what a calendar and a clock in the zone show. */
const local = (timestamp: Timestamp, zone: Zone): Date =>
  new Date(timestamp.milliseconds + zone(timestamp.milliseconds));

const startOfYear = (date: Date): number => {
  const start = new Date(date);
  start.setUTCMonth(0, 1);
  start.setUTCHours(0, 0, 0, 0);
  return start.getTime();
};

/** CEL counts months, and days of the month, year and week, from 0; only `getDate` from 1. */
const FIELDS = {
  getFullYear: (date: Date) => date.getUTCFullYear(),
  getMonth: (date: Date) => date.getUTCMonth(),
  getDate: (date: Date) => date.getUTCDate(),
  getDayOfMonth: (date: Date) => date.getUTCDate() - 1,
  getDayOfWeek: (date: Date) => date.getUTCDay(),
  getDayOfYear: (date: Date) => Math.floor((date.getTime() - startOfYear(date)) / 86_400_000),
  getHours: (date: Date) => date.getUTCHours(),
  getMinutes: (date: Date) => date.getUTCMinutes(),
  getSeconds: (date: Date) => date.getUTCSeconds(),
  getMilliseconds: (date: Date) => date.getUTCMilliseconds(),
} as const;

export type CalendarField = keyof typeof FIELDS;
export const CALENDAR_FIELDS = Object.keys(FIELDS) as readonly CalendarField[];

export const calendarField = (field: CalendarField, timestamp: Timestamp, zone: Zone): bigint =>
  BigInt(FIELDS[field](local(timestamp, zone)));

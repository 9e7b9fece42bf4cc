import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Duration, Timestamp } from '../../src/condition/time.js';
import {
  formatDuration,
  formatTimestamp,
  readDuration,
  readTimestamp,
} from '../../src/condition/time.js';
import { readZone } from '../../src/condition/zone.js';
import { declare, outcome } from './declare.js';

const INSTANTS = { min: -62_135_596_800_000_000_000n, max: 253_402_300_799_999_999_999n };
const SPANS = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

describe('timestamps and durations', () => {
  it.each([
    ['now < granted + lifetime', '2024-01-01T00:59:59.999999999Z', true],
    ['now < granted + lifetime', '2024-01-01T01:00:00Z', false],
    ['now - granted <= lifetime', '2024-01-01T01:00:00Z', true],
    ['now - granted > lifetime', '2024-01-01T01:00:00.000000001Z', true],
    ['now - lifetime == granted', '2024-01-01T02:00:00+01:00', true],
    ['lifetime + granted >= now', '2024-01-01T00:30:00Z', true],
    ['granted - now == duration("-90s")', '2024-01-01T00:01:30Z', true],
    ['granted - now + duration("2m") == duration("30s")', '2024-01-01T00:01:30Z', true],
    ['lifetime - duration("1h") == duration("0")', '2024-01-01T00:00:00Z', true],
    ['now in [granted, granted + lifetime]', '2024-01-01T01:00:00Z', true],
    ['int(now) == 1704067200 && timestamp(1704067200) == now', '2024-01-01T00:00:00Z', true],
    ['string(now) == "2024-01-01T00:00:00.5Z"', '2024-01-01T00:00:00.500Z', true],
    ['string(lifetime + duration("1ms")) == "3600.001s"', '2024-01-01T00:00:00Z', true],
    ['(granted - now).getMinutes() == -1', '2024-01-01T00:01:30Z', true],
    ['lifetime.getHours() == 1 && lifetime.getSeconds() == 3600', '2024-01-01T00:00:00Z', true],
  ])('%s, now being %s: %p', (expression, now, expected) => {
    const condition = declare(expression, {
      now: 'timestamp',
      granted: 'timestamp',
      lifetime: 'duration',
    });
    const tuple = { granted: '2024-01-01T00:00:00Z', lifetime: '1h' };
    expect(outcome(condition, { request: { now }, tuple }).kind).toBe(String(expected));
  });

  it.each([
    ['getFullYear', 2023],
    ['getMonth', 11],
    ['getDate', 31],
    ['getDayOfMonth', 30],
    ['getDayOfWeek', 0],
    ['getDayOfYear', 364],
    ['getHours', 23],
    ['getMinutes', 30],
    ['getSeconds', 15],
    ['getMilliseconds', 123],
  ])('%s reads the calendar in UTC', (field, expected) => {
    const condition = declare(`now.${field}() == ${expected}`, { now: 'timestamp' });
    const now = '2023-12-31T23:30:15.123456789Z';
    expect(outcome(condition, { request: { now } })).toEqual({ kind: 'true' });
  });

  it.each([
    // summer time in Berlin, not in UTC; the day changes in between
    ['Europe/Berlin', 1, 'getHours'],
    ['Europe/Berlin', 2, 'getDate'],
    ['America/New_York', 19, 'getHours'],
    ['Asia/Kolkata', 0, 'getMinutes'],
    ['+05:30', 5, 'getHours'],
    ['-00:30', 0, 'getMinutes'],
    ['02:00', 1, 'getHours'],
    ['UTC', 30, 'getMinutes'],
  ])('in %s it is %i by %s', (zone, expected, field) => {
    const now = '2024-07-01T23:30:00Z';
    const literal = declare(`now.${field}("${zone}") == ${expected}`, { now: 'timestamp' });
    expect(outcome(literal, { request: { now } })).toEqual({ kind: 'true' });
    const given = declare(`now.${field}(zone) == ${expected}`, {
      now: 'timestamp',
      zone: 'string',
    });
    expect(outcome(given, { request: { now, zone } })).toEqual({ kind: 'true' });
  });

  it('knows the zones of times before there were zones', () => {
    const before1893 = Date.UTC(1890, 0, 1);
    expect(readZone('Europe/Berlin')(before1893)).toBe((53 * 60 + 28) * 1000);
  });

  it('refuses an unknown zone, in the model as in a value', () => {
    const parameters = { now: 'timestamp', zone: 'string' };
    expect(() => declare('now.getHours("Mars/Olympus") == 1', parameters)).toThrow('a time zone');
    const request = { now: '2024-07-01T23:30:00Z', zone: 'Mars/Olympus' };
    expect(outcome(declare('now.getHours(zone) == 1', parameters), { request })).toEqual({
      kind: 'error',
      message: expect.stringContaining('expected a time zone'),
    });
  });

  it.each([
    ['now + duration("290000h") < now', 'the timestamp is out of range'],
    ['now - timestamp("0001-01-01T00:00:00Z") < duration("1h")', 'the duration is out of range'],
    ['timestamp(253402300800) > now', 'the timestamp is out of range'],
  ])('%s is an error, not a wrong time', (expression, message) => {
    const condition = declare(expression, { now: 'timestamp' });
    expect(outcome(condition, { request: { now: '9999-12-31T23:59:59Z' } })).toEqual({
      kind: 'error',
      message: `condition 'c': ${message}`,
    });
  });

  it('has no fields', () => {
    expect(() => declare('now.nanoseconds == 1', { now: 'timestamp' })).toThrow('No such key');
    const anything = declare('dyn(now).nanoseconds == 1', { now: 'timestamp' });
    expect(outcome(anything, { request: { now: '2024-01-01T00:00:00Z' } }).kind).toBe('error');
  });

  it('reads back what it writes, to the nanosecond', () => {
    fc.assert(
      fc.property(fc.bigInt(INSTANTS), fc.bigInt(SPANS), (instant, span) => {
        expect(readTimestamp(formatTimestamp(new Timestamp(instant))).nanoseconds).toBe(instant);
        expect(readDuration(formatDuration(new Duration(span))).nanoseconds).toBe(span);
      }),
    );
  });

  it('agrees with Date on every millisecond', () => {
    const dates = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(dates, (date) => {
        expect(readTimestamp(date.toISOString()).milliseconds).toBe(date.getTime());
      }),
    );
  });
});

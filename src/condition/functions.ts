/**
 * The functions that are ours: those that the library lacks or has wrong. Its `matches`
 * backtracks, its `int("")` is 0, its timestamps count milliseconds and its zones go by the clock
 * of the machine. `environment.ts` registers them, `lower.ts` sends the calls there.
 */
import { UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import { contains, readAddress, readBlock } from './address.js';
import type { CidrBlock, IpAddress } from './address.js';
import { literalZone, matchLiteral, signature } from './charge.js';
import type { Charge } from './charge.js';
import { INT64, UINT64, inRange } from './decimal.js';
import type { IntegerRange } from './decimal.js';
import { readComputedPattern, readLiteralPattern } from './pattern.js';
import type { Pattern } from './pattern.js';
import { NANOSECONDS_PER_SECOND, Timestamp, formatDuration, formatTimestamp } from './time.js';
import { readDuration, readTimestamp } from './time.js';
import type { Duration } from './time.js';
import { ValueError, expected } from './value-error.js';
import { CALENDAR_FIELDS, calendarField, readZone, utc } from './zone.js';
import type { Zone } from './zone.js';

export interface Overload {
  readonly name: string;
  /** The type of the receiver, of a method. */
  readonly receiver?: string;
  readonly parameters: readonly string[];
  readonly result: string;
  /** The library calls it, with operands of the declared types. */
  readonly run: (...operands: never[]) => unknown;
}

/**
 * A function whose last argument is text in a form of its own. Where that is a literal it is read
 * once, when the condition is compiled, and refused there if it is malformed.
 */
export interface TextFunction {
  readonly name: string;
  readonly method: boolean;
  /** The type of the operand before the text. */
  readonly subject?: string;
  readonly result: string;
  /** @throws ValueError */
  read(text: string): unknown;
  readLiteral?(text: string): unknown;
  /** Replaces the charge of the call, which knows no more than the length of the text. */
  literalCharge?(value: unknown): Charge;
  run(value: unknown, subject: unknown): unknown;
}

const matches = {
  name: 'matches',
  subject: 'string',
  result: 'bool',
  read: readComputedPattern,
  readLiteral: readLiteralPattern,
  literalCharge: (pattern: Pattern) => matchLiteral(pattern.size),
  run: (pattern: Pattern, text: string) => pattern.test(text),
};

const plain = (name: string, read: (text: string) => unknown): TextFunction => ({
  name,
  method: false,
  result: name,
  read,
  run: (value) => value,
});

export const TEXT_FUNCTIONS: readonly TextFunction[] = [
  { ...matches, method: true },
  { ...matches, method: false },
  plain('timestamp', readTimestamp),
  plain('duration', readDuration),
  plain('ipaddress', readAddress),
  {
    name: 'in_cidr',
    method: true,
    subject: 'ipaddress',
    result: 'bool',
    read: readBlock,
    run: (block: CidrBlock, address: IpAddress) => contains(block, address),
  },
  ...CALENDAR_FIELDS.map((field) => ({
    name: field,
    method: true,
    subject: 'timestamp',
    result: 'int',
    read: readZone,
    literalCharge: () => literalZone,
    run: (zone: Zone, timestamp: Timestamp) => calendarField(field, timestamp, zone),
  })),
];

/** By signature. */
export const TEXT_FUNCTION: ReadonlyMap<string, TextFunction> = new Map(
  TEXT_FUNCTIONS.map((entry) => {
    const argumentCount = entry.subject === undefined || entry.method ? 1 : 2;
    return [signature(entry.name, entry.method, argumentCount), entry];
  }),
);

function within(value: bigint, range: IntegerRange): bigint {
  if (!inRange(value, range)) throw new ValueError('the integer is out of range');
  return value;
}

function truncated(value: number, range: IntegerRange): bigint {
  if (!Number.isFinite(value)) throw new ValueError('the integer is out of range');
  return within(BigInt(Math.trunc(value)), range);
}

/** Twenty digits are the most that 64 bits need; leading zeros are let pass. */
const INTEGER = /^[+-]?\d{1,40}$/;
const DOUBLE = /^[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?|nan)$/i;

function readInteger(text: string, range: IntegerRange): bigint {
  if (!INTEGER.test(text)) throw expected('an integer', text);
  return within(BigInt(text.replace(/^\+/, '')), range);
}

/** Unlike a context's value, the nearest double will do here. */
function readDouble(text: string): number {
  if (!DOUBLE.test(text)) throw expected('a number', text);
  return Number(text.replace(/inf(?:inity)?$/i, 'Infinity'));
}

const unsigned = (value: bigint): UnsignedInt => new UnsignedInt(value);

const conversion = (result: string, from: string, run: (value: never) => unknown): Overload => ({
  name: result,
  parameters: [from],
  result,
  run,
});

const count = (receiver: string, name: string, run: (value: never) => bigint): Overload => ({
  name,
  receiver,
  parameters: [],
  result: 'int',
  run,
});

const atSecond = (seconds: bigint): Timestamp => new Timestamp(seconds * NANOSECONDS_PER_SECOND);

const inUnitsOf =
  (nanoseconds: bigint): ((duration: Duration) => bigint) =>
  (duration) =>
    duration.nanoseconds / nanoseconds;

export const OVERLOADS: readonly Overload[] = [
  conversion('int', 'int', (value: bigint) => value),
  conversion('int', 'uint', (value: UnsignedInt) => within(value.value, INT64)),
  conversion('int', 'double', (value: number) => truncated(value, INT64)),
  conversion('int', 'string', (text: string) => readInteger(text, INT64)),
  conversion('int', 'timestamp', (value: Timestamp) => value.seconds),
  conversion('uint', 'uint', (value: UnsignedInt) => value),
  conversion('uint', 'int', (value: bigint) => unsigned(within(value, UINT64))),
  conversion('uint', 'double', (value: number) => unsigned(truncated(value, UINT64))),
  conversion('uint', 'string', (text: string) => unsigned(readInteger(text, UINT64))),
  conversion('double', 'double', (value: number) => value),
  conversion('double', 'int', (value: bigint) => Number(value)),
  conversion('double', 'uint', (value: UnsignedInt) => Number(value.value)),
  conversion('double', 'string', readDouble),
  conversion('string', 'timestamp', formatTimestamp),
  conversion('string', 'duration', formatDuration),
  conversion('duration', 'duration', (value: Duration) => value),
  conversion('timestamp', 'timestamp', (value: Timestamp) => value),
  conversion('timestamp', 'int', atSecond),
  ...CALENDAR_FIELDS.map((field) =>
    count('timestamp', field, (value: Timestamp) => calendarField(field, value, utc)),
  ),
  count('duration', 'getHours', inUnitsOf(3600n * NANOSECONDS_PER_SECOND)),
  count('duration', 'getMinutes', inUnitsOf(60n * NANOSECONDS_PER_SECOND)),
  count('duration', 'getSeconds', inUnitsOf(NANOSECONDS_PER_SECOND)),
  count('duration', 'getMilliseconds', inUnitsOf(NANOSECONDS_PER_SECOND / 1000n)),
];

/** Calls of these signatures never reach the library's function of the name. */
export const REPLACED: ReadonlySet<string> = new Set([
  ...TEXT_FUNCTION.keys(),
  ...['int', 'uint', 'double'].map((name) => signature(name, false, 1)),
]);

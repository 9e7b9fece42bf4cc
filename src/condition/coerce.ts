/**
 * JSON values of a context into CEL values of the declared types.
 *
 * Maps become `Map`s and lists become fresh arrays, `any` included, so that no expression ever
 * reads a property of a JavaScript object.
 */
import { UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import { unreachable } from '../errors.js';
import type { JsonObject, JsonValue } from '../tuple/tuple.js';
import { readAddress } from './address.js';
import type { IpAddress } from './address.js';
import { INT64, UINT64, inRange, parseExactDouble, parseInteger } from './decimal.js';
import type { IntegerRange } from './decimal.js';
import type { ParameterType } from './parameter.js';
import { DURATION_FORM, TIMESTAMP_FORM, readDuration, readTimestamp } from './time.js';
import type { Duration, Timestamp } from './time.js';
import { ValueError, expected } from './value-error.js';

export type CelValue =
  | null
  | boolean
  | string
  | number
  | bigint
  | UnsignedInt
  | Duration
  | Timestamp
  | IpAddress
  | readonly CelValue[]
  | ReadonlyMap<string, CelValue>;

/**
 * The library never forgets the type of a value that it has compared, `list<map<string, double>>`
 * and so on, nor a pair of types: six levels make some 800 types, all of which requests can bring.
 */
const ANY_DEPTH_MAX = 6;

/** @throws ValueError where the value is not one of the type. */
export function coerce(type: ParameterType, value: JsonValue): CelValue {
  switch (type.kind) {
    case 'bool':
      if (typeof value !== 'boolean') throw expected('a bool', value);
      return value;
    case 'string':
      return text(value, 'a string');
    case 'int':
      return integer(value, INT64, 'a 64-bit integer');
    case 'uint':
      return new UnsignedInt(integer(value, UINT64, 'a 64-bit integer that is not negative'));
    case 'double':
      return double(value);
    case 'duration':
      return readDuration(text(value, DURATION_FORM));
    case 'timestamp':
      return readTimestamp(text(value, TIMESTAMP_FORM));
    case 'ipaddress':
      return readAddress(text(value, 'an IP address'));
    case 'any':
      return anything(value, 0);
    case 'list':
      if (!isList(value)) throw expected('a list', value);
      return value.map((item) => coerce(type.of, item));
    case 'map':
      if (!isObject(value)) throw expected('a map', value);
      return mapOf(value, (item) => coerce(type.of, item));
    default:
      return unreachable(type);
  }
}

function text(value: JsonValue, what: string): string {
  if (typeof value !== 'string') throw expected(what, value);
  return value;
}

/** A JSON number without a fraction, or a string that denotes one. */
function integer(value: JsonValue, range: IntegerRange, what: string): bigint {
  let whole: bigint | undefined;
  if (typeof value === 'string') whole = parseInteger(value, range);
  else if (Number.isInteger(value)) whole = BigInt(value as number);
  if (whole === undefined || !inRange(whole, range)) throw expected(what, value);
  return whole;
}

function double(value: JsonValue): number {
  if (typeof value === 'number') return value;
  const parsed = typeof value === 'string' ? parseExactDouble(value) : undefined;
  if (parsed === undefined) {
    throw expected('a number, or a decimal string that a double holds exactly', value);
  }
  return parsed;
}

function anything(value: JsonValue, depth: number): CelValue {
  if (value === null || typeof value !== 'object') return value;
  if (depth === ANY_DEPTH_MAX) {
    throw new ValueError(`the value is nested deeper than ${ANY_DEPTH_MAX} levels`);
  }
  return isList(value)
    ? value.map((item) => anything(item, depth + 1))
    : mapOf(value, (item) => anything(item, depth + 1));
}

// `Array.isArray` does not narrow a readonly array away.
const isList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value);

const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === 'object' && value !== null && !isList(value);

function mapOf(object: JsonObject, convert: (item: JsonValue) => CelValue): Map<string, CelValue> {
  const map = new Map<string, CelValue>();
  for (const key of Object.keys(object)) map.set(key, convert(object[key] as JsonValue));
  return map;
}

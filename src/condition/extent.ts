/**
 * Upper bounds of how large values are: what the cost of an expression depends on. An extent
 * covers every value that an expression may yield, so those of two branches are joined.
 */
import { unreachable } from '../errors.js';
import type { CelValue } from './coerce.js';
import type { ParameterType } from './parameter.js';

export interface Extent {
  /** Characters of a string, elements of a list, entries of a map; 0 of anything else. */
  readonly length: number;
  /** Covers the elements of a list and the values of a map. */
  readonly item?: Extent;
  /** Covers the keys of a map. */
  readonly key?: Extent;
}

export const SCALAR: Extent = { length: 0 };
export const UNBOUNDED: Extent = {
  length: Infinity,
  get item() {
    return UNBOUNDED;
  },
  get key() {
    return UNBOUNDED;
  },
};
const ANY_STRING: Extent = { length: Infinity };

export const stringExtent = (length: number): Extent => ({ length });
export const listExtent = (length: number, item: Extent): Extent => ({ length, item });
export const mapExtent = (length: number, key: Extent, item: Extent): Extent => ({
  length,
  key,
  item,
});

/** Without the NaN of zero times infinity: nothing, done to anything, is nothing. */
export const times = (count: number, each: number): number =>
  count === 0 || each === 0 ? 0 : count * each;

export function join(left: Extent, right: Extent): Extent {
  if (left === right) return left;
  if (left === UNBOUNDED || right === UNBOUNDED) return UNBOUNDED;
  if (left.item === undefined && right.item === undefined) {
    return left.length >= right.length ? left : right;
  }
  const item = joinMaybe(left.item, right.item);
  const key = joinMaybe(left.key, right.key);
  return {
    length: Math.max(left.length, right.length),
    ...(item !== undefined && { item }),
    ...(key !== undefined && { key }),
  };
}

export function joinMaybe(left?: Extent, right?: Extent): Extent | undefined {
  if (left === undefined) return right;
  return right === undefined ? left : join(left, right);
}

/** What a macro's variable ranges over: the elements of a list, the keys of a map. */
export function elementOf(extent: Extent): Extent {
  if (extent.key === undefined) return extent.item ?? SCALAR;
  return joinMaybe(extent.key, extent.item) ?? SCALAR;
}

export function extentOf(value: CelValue): Extent {
  if (typeof value === 'string') return stringExtent(value.length);
  if (value instanceof Map) {
    let key = SCALAR;
    let item = SCALAR;
    for (const [name, entry] of value as ReadonlyMap<string, CelValue>) {
      key = join(key, stringExtent(name.length));
      item = join(item, extentOf(entry));
    }
    return mapExtent(value.size, key, item);
  }
  if (Array.isArray(value)) {
    let item = SCALAR;
    for (const element of value as readonly CelValue[]) item = join(item, extentOf(element));
    return listExtent(value.length, item);
  }
  return SCALAR;
}

/** Covers every value of the type. */
export function extentOfType(type: ParameterType): Extent {
  switch (type.kind) {
    case 'bool':
    case 'int':
    case 'uint':
    case 'double':
    case 'duration':
    case 'timestamp':
    case 'ipaddress':
      return SCALAR;
    case 'string':
      return ANY_STRING;
    case 'any':
      return UNBOUNDED;
    case 'list':
      return listExtent(Infinity, extentOfType(type.of));
    case 'map':
      return mapExtent(Infinity, ANY_STRING, extentOfType(type.of));
    default:
      return unreachable(type);
  }
}

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
  /** Of a list or a map: covers what an index or a field yields. */
  readonly item?: Extent;
  /** Of a list or a map: covers what a macro ranges over, which is the keys of a map. */
  readonly element?: Extent;
}

export const SCALAR: Extent = { length: 0 };
export const UNBOUNDED: Extent = {
  length: Infinity,
  get item() {
    return UNBOUNDED;
  },
  get element() {
    return UNBOUNDED;
  },
};
const ANY_STRING: Extent = { length: Infinity };

export const stringExtent = (length: number): Extent => ({ length });
export const listExtent = (length: number, item: Extent): Extent => ({
  length,
  item,
  element: item,
});
export const mapExtent = (length: number, key: Extent, item: Extent): Extent => ({
  length,
  item,
  element: key,
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
  const length = Math.max(left.length, right.length);
  const item = join(left.item ?? SCALAR, right.item ?? SCALAR);
  const lists = left.item === left.element && right.item === right.element;
  const element = lists ? item : join(left.element ?? SCALAR, right.element ?? SCALAR);
  return { length, item, element };
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

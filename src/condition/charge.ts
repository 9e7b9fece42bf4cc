/**
 * What each operator and function costs, in steps, and how large its result may be. The table of
 * functions is also the list of those that exist: OpenFGA's, which are CEL's standard library and
 * `ipaddress`, but for `bytes`, which no parameter can be and whose literals the library reads
 * wrongly. What else the library brings (`split`, `join`, `cel.bind`, …) is refused.
 */
import { SCALAR, join, listExtent, mapExtent, stringExtent, times } from './extent.js';
import type { Extent } from './extent.js';
import { computedSizeMax } from './pattern.js';
import { CALENDAR_FIELDS } from './zone.js';

export interface Cost {
  readonly steps: number;
  readonly result: Extent;
}

/** The receiver of a method is its first operand. */
export type Charge = (...operands: readonly Extent[]) => Cost;

/** Copying, scanning and comparing go by the character, at a tenth of a step. */
const CHARACTERS_PER_STEP = 10;
/** A naive search compares each character of the pattern with each of the text; 7 per ns. */
const COMPARISONS_PER_STEP = 100;
/** Characters × instructions; 10 ns to 200 ns apiece while the engine's caches are cold. */
const INSTRUCTIONS_PER_STEP = 4;
/** Compiling a pattern takes 1 µs to 10 µs per character. */
const COMPILE_STEPS_PER_CHARACTER = 10;
/** Parsing a timestamp, duration, address or block, all of bounded length: 0.3 µs to 1 µs. */
const PARSE_STEPS = 5;
/** Looking up the offset of a zone takes 2 µs, setting up a computed one 30 µs to 60 µs. */
const ZONE_STEPS = 20;
const COMPUTED_ZONE_STEPS = 300;
/** `-1.7976931348623157e+308`; timestamps and durations are longer. */
const SCALAR_TEXT_LENGTH_MAX = 40;

const isCollection = (extent: Extent): boolean => extent.item !== undefined;
/** Or nothing that could be a map. */
const isList = (extent: Extent): boolean => extent.element === extent.item;

/** Steps to look at every part of a value. */
function weight(extent: Extent): number {
  const { length, item = SCALAR, element = SCALAR } = extent;
  if (!isCollection(extent)) return 1 + length / CHARACTERS_PER_STEP;
  if (length === Infinity) return Infinity;
  return 1 + times(length, weight(item) + (isList(extent) ? 0 : weight(element)));
}

const constant = (steps: number): Charge => {
  const cost: Cost = { steps, result: SCALAR };
  return () => cost;
};

export const single = constant(1);

const scan: Charge = (text = SCALAR) => ({
  steps: 1 + text.length / CHARACTERS_PER_STEP,
  result: SCALAR,
});

/** Of two collections the parts of both are looked at, as far as the smaller one goes. */
const equality: Charge = (left = SCALAR, right = SCALAR) => ({
  steps: 1 + times(isCollection(left) ? 2 : 1, Math.min(weight(left), weight(right))),
  result: SCALAR,
});

const order: Charge = (left = SCALAR, right = SCALAR) => ({
  steps: 1 + Math.min(left.length, right.length) / CHARACTERS_PER_STEP,
  result: SCALAR,
});

const membership: Charge = (wanted = SCALAR, collection = SCALAR) => {
  const { length, element = SCALAR } = collection;
  const hashing = isList(collection) ? 0 : weight(wanted);
  const comparing = times(length, Math.min(weight(wanted), weight(element)));
  return { steps: 1 + hashing + comparing, result: SCALAR };
};

const addition: Charge = (left = SCALAR, right = SCALAR) => {
  const length = left.length + right.length;
  const perStep = isCollection(left) || isCollection(right) ? 1 : CHARACTERS_PER_STEP;
  return { steps: 1 + length / perStep, result: { ...join(left, right), length } };
};

export const OPERATOR_CHARGES = {
  '==': equality,
  '!=': equality,
  '<': order,
  '<=': order,
  '>': order,
  '>=': order,
  in: membership,
  '+': addition,
  '-': single,
  '*': single,
  '/': single,
  '%': single,
  '!_': single,
  '-_': single,
  '&&': single,
  '||': single,
} as const satisfies Readonly<Record<string, Charge>>;

/** Taking a field or an element: the key is hashed, the container only pointed into. */
export const access: Charge = (container = SCALAR, key = SCALAR) => ({
  steps: 1 + key.length / CHARACTERS_PER_STEP,
  result: container.item ?? SCALAR,
});

export const listLiteral: Charge = (...items) => ({
  steps: 1 + items.length,
  result: listExtent(items.length, items.reduce(join, SCALAR)),
});

export const mapLiteral =
  (keyLengthMax: number): Charge =>
  (...items) => ({
    steps: 1 + items.length,
    result: mapExtent(items.length, stringExtent(keyLengthMax), items.reduce(join, SCALAR)),
  });

const size: Charge = (value = SCALAR) => (isCollection(value) ? single() : scan(value));

const search: Charge = (text = SCALAR, sought = SCALAR) => ({
  steps: 1 + times(text.length, 1 + sought.length) / COMPARISONS_PER_STEP,
  result: SCALAR,
});

const toText: Charge = (value = SCALAR) => ({
  steps: 1 + value.length / CHARACTERS_PER_STEP,
  result: stringExtent(Math.max(value.length, SCALAR_TEXT_LENGTH_MAX)),
});

const unchanged: Charge = (value = SCALAR) => ({ steps: 1, result: value });

const parse = constant(PARSE_STEPS);

const matchComputed: Charge = (text = SCALAR, pattern = SCALAR) => ({
  steps:
    1 +
    times(COMPILE_STEPS_PER_CHARACTER, pattern.length) +
    times(text.length, computedSizeMax(pattern.length)) / INSTRUCTIONS_PER_STEP,
  result: SCALAR,
});

/** In place of the above where the pattern is a literal. */
export const matchLiteral =
  (programSize: number): Charge =>
  (text = SCALAR) => ({
    steps: 1 + times(text.length, programSize) / INSTRUCTIONS_PER_STEP,
    result: SCALAR,
  });

/** In place of the charge for a computed time zone where the zone is a literal. */
export const literalZone = constant(ZONE_STEPS);

/** How the tables of functions name one: `size/1` is a function, `.size/0` a method. */
export const signature = (name: string, method: boolean, argumentCount: number): string =>
  `${method ? '.' : ''}${name}/${argumentCount}`;

export const FUNCTION_CHARGES: ReadonlyMap<string, Charge> = new Map([
  ['size/1', size],
  ['.size/0', size],
  ['.contains/1', search],
  ['.startsWith/1', order],
  ['.endsWith/1', order],
  ['matches/2', matchComputed],
  ['.matches/1', matchComputed],
  ['ipaddress/1', parse],
  ['.in_cidr/1', parse],
  ['timestamp/1', parse],
  ['duration/1', parse],
  ['int/1', scan],
  ['uint/1', scan],
  ['double/1', scan],
  ['bool/1', single],
  ['string/1', toText],
  ['dyn/1', unchanged],
  ['type/1', single],
  ...CALENDAR_FIELDS.flatMap((field): [string, Charge][] => [
    [signature(field, true, 0), single],
    [signature(field, true, 1), constant(COMPUTED_ZONE_STEPS)],
  ]),
]);

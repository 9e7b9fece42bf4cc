/**
 * Decimal text as a context may hold it in place of a JSON number, read exactly: "10", "1e3" and
 * "2.50" are numbers, and a text whose value the wanted type cannot hold is refused, not rounded.
 */
export interface IntegerRange {
  readonly min: bigint;
  readonly max: bigint;
}

export const INT64: IntegerRange = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
export const UINT64: IntegerRange = { min: 0n, max: 2n ** 64n - 1n };

/** The longest exact decimal of a double has 1,075 places; more text only costs time. */
const TEXT_LENGTH_MAX = 1100;
/** 64-bit integers have at most 20 digits. */
const INTEGER_EXPONENT_MAX = 20;

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/;

/** The number `digits × 10^exponent`. */
interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

export const inRange = (value: bigint, range: IntegerRange): boolean =>
  value >= range.min && value <= range.max;

export function parseInteger(text: string, range: IntegerRange): bigint | undefined {
  const decimal = parseDecimal(text);
  const value = decimal && integerOf(decimal);
  return value !== undefined && inRange(value, range) ? value : undefined;
}

/** The double that equals the text exactly, if there is one: "0.5" has one, "0.1" has none. */
export function parseExactDouble(text: string): number | undefined {
  const decimal = parseDecimal(text);
  if (decimal === undefined) return undefined;
  const value = Number(text);
  if (decimal.digits === 0n) return value;
  if (!Number.isFinite(value) || value === 0) return undefined;
  return equalsDecimal(value, decimal) ? value : undefined;
}

function parseDecimal(text: string): Decimal | undefined {
  if (text.length > TEXT_LENGTH_MAX) return undefined;
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  if (whole === '' && fraction === '') return undefined;
  const magnitude = BigInt(whole + fraction);
  return {
    digits: sign === '-' ? -magnitude : magnitude,
    exponent: Number(exponent) - fraction.length,
  };
}

function integerOf({ digits, exponent }: Decimal): bigint | undefined {
  if (digits === 0n) return 0n;
  if (exponent > INTEGER_EXPONENT_MAX || exponent < -TEXT_LENGTH_MAX) return undefined;
  if (exponent >= 0) return digits * 10n ** BigInt(exponent);
  const scale = 10n ** BigInt(-exponent);
  return digits % scale === 0n ? digits / scale : undefined;
}

/** Both sides as integers: the double is `mantissa / 2^shift`, and doubling a double is exact. */
function equalsDecimal(value: number, { digits, exponent }: Decimal): boolean {
  let mantissa = value;
  let shift = 0n;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    shift++;
  }
  const scale = 10n ** BigInt(Math.abs(exponent));
  const left = exponent < 0 ? BigInt(mantissa) * scale : BigInt(mantissa);
  const right = exponent < 0 ? digits << shift : (digits * scale) << shift;
  return left === right;
}

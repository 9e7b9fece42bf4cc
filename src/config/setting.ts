/** What a setting is: a property with its variable, its unit and the reason for its default. */
import 'reflect-metadata';
import { IsInt, Max, Min, ValidateBy } from 'class-validator';
import { parseDuration, parseSize } from '../quantity.js';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export interface SettingDescription {
  readonly variable: string;
  readonly property: string;
  readonly unit: string;
  readonly reason: string;
}

export const settings: SettingDescription[] = [];

/** On a property of a settings class: the variable that sets it. */
export function Setting(variable: string, unit: string, reason: string): PropertyDecorator {
  return (_target, property) => {
    settings.push({ variable, property: String(property), unit, reason });
  };
}

export function Whole(min: number, max: number): PropertyDecorator {
  return (target, property) => {
    IsInt({ message: 'must be a whole number' })(target, property);
    Min(min, { message: `must be at least ${min}` })(target, property);
    Max(max, { message: `must be at most ${max}` })(target, property);
  };
}

/** By unit: what is written together with it. */
const QUANTITIES = { size: parseSize, duration: parseDuration } as const;

const isQuantity = (unit: string): unit is keyof typeof QUANTITIES => unit in QUANTITIES;

interface QuantityOptions {
  readonly unit: keyof typeof QUANTITIES;
  readonly min: string;
  readonly max: string;
  /** What it must be, in words. */
  readonly form: string;
}

export function Quantity({ unit, min, max, form }: QuantityOptions): PropertyDecorator {
  const amountOf = QUANTITIES[unit];
  const [least, most] = [amountOf(min), amountOf(max)];
  return ValidateBy({
    name: unit,
    validator: {
      validate: (value) => typeof value === 'number' && value >= least && value <= most,
      defaultMessage: (args) =>
        Number.isNaN(args?.value) ? `must be ${form}` : `must be from ${min} to ${max}`,
    },
  });
}

/** By its default and its unit; NaN, or the text as it is, where it is none. */
export function parseSetting(text: string, unit: string, defaultValue: unknown): unknown {
  // A word in place of a number, such as `auto`.
  if (text === defaultValue) return text;
  if (isQuantity(unit)) return QUANTITIES[unit](text);
  switch (typeof defaultValue) {
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    default:
      return text;
  }
}

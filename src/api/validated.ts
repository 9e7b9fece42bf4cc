/** Administrative requests are classes, held to their rules by class-validator. */
import 'reflect-metadata';
import { Transform, plainToInstance } from 'class-transformer';
import { IsInt, IsOptional, IsString, ValidateBy, validateSync } from 'class-validator';
import type { ValidationError } from 'class-validator';
import { PembaError } from '../errors.js';
import { parseInstant } from '../quantity.js';

/** Query strings bring numbers as text. */
export const AsNumber = (): PropertyDecorator =>
  Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^-?\d{1,9}$/.test(value) ? Number(value) : value,
  );

/** OpenFGA's clients send null for absent. */
export const NullIsAbsent = (): PropertyDecorator =>
  Transform(({ value }: { value: unknown }) => value ?? undefined);

/** class-validator passes over null in a list of objects, and takes a list there for its items. */
export const ObjectsOnly = (): PropertyDecorator =>
  Transform(({ value }: { value: unknown }): unknown =>
    Array.isArray(value)
      ? value.map((item: unknown) => (item === null || Array.isArray(item) ? false : item))
      : value,
  );

/** Of a list that is given in pages. */
export class PagingQuery {
  @IsOptional()
  @AsNumber()
  @IsInt({ message: 'must be a whole number' })
  readonly page_size?: number;

  @IsOptional()
  @IsString({ message: 'must be given once' })
  readonly continuation_token?: string;
}

/** An RFC 3339 time. */
export const IsInstant = (): PropertyDecorator =>
  ValidateBy({
    name: 'instant',
    validator: {
      validate: (value) => typeof value === 'string' && !Number.isNaN(parseInstant(value)),
      defaultMessage: () => 'must be an RFC 3339 time such as 2030-01-31T12:00:00Z',
    },
  });

/**
 * Throws `invalid_request` naming the first field that is wrong. `strict` refuses members that are
 * not known: where a misspelt one would do harm, and no client of somebody else's sends more.
 */
export function validated<Shape extends object>(
  shape: new () => Shape,
  value: unknown,
  { strict = false }: { readonly strict?: boolean } = {},
): Shape {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new PembaError('invalid_request', 'the body must be object', {
      facts: { field: 'body' },
    });
  }
  const instance = plainToInstance(shape, value);
  const [error] = validateSync(instance, {
    stopAtFirstError: true,
    ...(strict && { whitelist: true, forbidNonWhitelisted: true }),
  });
  if (error !== undefined) throw problemOf(error, '');
  return instance;
}

function problemOf(error: ValidationError, parent: string): PembaError {
  const name = error.property;
  const field = /^\d+$/.test(name)
    ? `${parent}[${name}]`
    : parent === ''
      ? name
      : `${parent}.${name}`;
  const [nested] = error.children ?? [];
  if (nested !== undefined) return problemOf(nested, field);
  const [[rule, message] = ['', 'is wrong']] = Object.entries(error.constraints ?? {});
  const text = rule === 'whitelistValidation' ? 'is not known here' : message;
  return new PembaError('invalid_request', `${field}: ${text}`, { facts: { field, rule } });
}

/** Administrative requests, held to their rules by class-validator. */
import 'reflect-metadata';
import { Transform, Type, plainToInstance } from 'class-transformer';
import {
  IsBoolean,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  ValidateNested,
  validateSync,
} from 'class-validator';
import type { ValidationError } from 'class-validator';
import { PembaError } from '../../errors.js';

/** OpenFGA's. */
const STORE_NAME = /^[a-zA-Z0-9\s.\-/^_&@]{3,64}$/;

/** Query strings bring numbers as text. */
const AsNumber = (): PropertyDecorator =>
  Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^-?\d{1,9}$/.test(value) ? Number(value) : value,
  );

/** OpenFGA's clients send null for absent. */
const NullIsAbsent = (): PropertyDecorator =>
  Transform(({ value }: { value: unknown }) => value ?? undefined);

export class CreateStoreBody {
  @IsString({ message: 'must be a string' })
  @Matches(STORE_NAME, {
    message: 'must be 3 to 64 letters, digits, spaces or any of . - / ^ _ & @',
  })
  readonly name!: string;
}

export class ListStoresQuery {
  @IsOptional()
  @IsString({ message: 'must be given once' })
  // eslint-disable-next-line no-control-regex -- PostgreSQL takes no NUL
  @Matches(/^[^\u0000]*$/, { message: 'must hold no control characters' })
  readonly name?: string;

  @IsOptional()
  @AsNumber()
  @IsInt({ message: 'must be a whole number' })
  readonly page_size?: number;

  @IsOptional()
  @IsString({ message: 'must be given once' })
  readonly continuation_token?: string;
}

export class TupleFilterBody {
  @IsOptional()
  @IsString({ message: 'must be a string' })
  @MaxLength(512, { message: 'must be at most 512 characters' })
  readonly user?: string | null;

  @IsOptional()
  @IsString({ message: 'must be a string' })
  @MaxLength(50, { message: 'must be at most 50 characters' })
  readonly relation?: string | null;

  @IsOptional()
  @IsString({ message: 'must be a string' })
  @MaxLength(256, { message: 'must be at most 256 characters' })
  readonly object?: string | null;
}

export class DeleteByFilterBody {
  @IsObject({ message: 'value is required' })
  @ValidateNested()
  @Type(() => TupleFilterBody)
  readonly filter!: TupleFilterBody;

  @IsOptional()
  @NullIsAbsent()
  @IsBoolean({ message: 'must be true or false' })
  readonly dry_run?: boolean;

  @IsOptional()
  @NullIsAbsent()
  @IsString({ message: 'must be a string' })
  readonly continuation_token?: string;
}

/** Throws `invalid_request` naming the first field that is wrong. */
export function administrative<Shape extends object>(
  shape: new () => Shape,
  value: unknown,
): Shape {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new PembaError('invalid_request', 'the body must be object', {
      facts: { field: 'body' },
    });
  }
  const instance = plainToInstance(shape, value);
  const [error] = validateSync(instance, { stopAtFirstError: true });
  if (error !== undefined) throw problemOf(error, '');
  return instance;
}

function problemOf(error: ValidationError, parent: string): PembaError {
  const field = `${parent}${error.property}`;
  const [nested] = error.children ?? [];
  if (nested !== undefined) return problemOf(nested, `${field}.`);
  const [[rule, message] = ['', 'is wrong']] = Object.entries(error.constraints ?? {});
  return new PembaError('invalid_request', `${field}: ${message}`, { facts: { field, rule } });
}

/** OpenFGA's administrative requests, and ours beside them; `validated` holds them to their rules. */
import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { NullIsAbsent, PagingQuery } from '../validated.js';

/** OpenFGA's. */
export const STORE_NAME = /^[a-zA-Z0-9\s.\-/^_&@]{3,64}$/;

export class CreateStoreBody {
  @IsString({ message: 'must be a string' })
  @Matches(STORE_NAME, {
    message: 'must be 3 to 64 letters, digits, spaces or any of . - / ^ _ & @',
  })
  readonly name!: string;
}

export class ListStoresQuery extends PagingQuery {
  @IsOptional()
  @IsString({ message: 'must be given once' })
  // eslint-disable-next-line no-control-regex -- PostgreSQL takes no NUL
  @Matches(/^[^\u0000]*$/, { message: 'must hold no control characters' })
  readonly name?: string;
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

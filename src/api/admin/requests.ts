/** The administrative API's requests, held to their rules by class-validator. */
import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Matches,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { AUDIT_ACTIONS } from '../../storage/audit-chain.js';
import { AsNumber, IsInstant, NullIsAbsent, ObjectsOnly } from '../validated.js';

const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

/** A change is one write to the system store; each grant is one tuple or two. */
const MAX_ROLES = 30;

export const ROLE_NAMES = [
  'reader',
  'writer',
  'modeller',
  'admin',
  'asserter',
  'acts_as',
  'creator',
  'observer',
] as const;

export class RoleBody {
  @IsIn(ROLE_NAMES, { message: `must be one of ${ROLE_NAMES.join(', ')}` })
  readonly role!: string;

  /** Without one, a role of the whole deployment. */
  @IsOptional()
  @NullIsAbsent()
  @Matches(ULID, { message: 'must be a ULID (26 characters)' })
  readonly store_id?: string;

  @IsOptional()
  @NullIsAbsent()
  @IsString({ message: 'must be a string' })
  @Matches(/^[^#:\s\p{Cc}\p{Cs}]{1,50}$/u, { message: "must be a module's name" })
  readonly module?: string;

  /** The id of one of the store's objects of type service. */
  @IsOptional()
  @NullIsAbsent()
  @IsString({ message: 'must be a string' })
  @Matches(/^[^#:*\s\p{Cc}\p{Cs}]{1,200}$/u, {
    message: "must be a service's id, without its type",
  })
  readonly service?: string;
}

/** Of what is told of a model, by default the newest. */
export class ModelQuery {
  @IsOptional()
  @Matches(/^([0-9A-HJKMNP-TV-Z]{26})?$/, { message: 'must be a ULID (26 characters)' })
  readonly authorization_model_id?: string;
}

export class GrantBody extends RoleBody {
  @IsString({ message: 'must be a string' })
  @MaxLength(512, { message: 'must be at most 512 characters' })
  readonly subject!: string;
}

export class CreateKeyBody {
  @IsString({ message: 'must be a string' })
  @Length(1, 100, { message: 'must have 1 to 100 characters' })
  @Matches(/^[^\p{Cc}\p{Cs}]*$/u, { message: 'must hold no control characters' })
  readonly name!: string;

  @IsOptional()
  @NullIsAbsent()
  @IsInstant()
  readonly expires_at?: string;

  @IsArray({ message: 'must be a list' })
  @ArrayMaxSize(MAX_ROLES, { message: `must hold at most ${MAX_ROLES} roles` })
  @ValidateNested({ each: true })
  @Type(() => RoleBody)
  @ObjectsOnly()
  readonly roles: readonly RoleBody[] = [];
}

export class ChangeGrantsBody {
  @IsArray({ message: 'must be a list' })
  @ArrayMaxSize(MAX_ROLES, { message: `must hold at most ${MAX_ROLES} grants` })
  @ValidateNested({ each: true })
  @Type(() => GrantBody)
  @ObjectsOnly()
  readonly add: readonly GrantBody[] = [];

  @IsArray({ message: 'must be a list' })
  @ArrayMaxSize(MAX_ROLES, { message: `must hold at most ${MAX_ROLES} grants` })
  @ValidateNested({ each: true })
  @Type(() => GrantBody)
  @ObjectsOnly()
  readonly remove: readonly GrantBody[] = [];
}

export class ListGrantsQuery {
  @IsOptional()
  @Matches(ULID, { message: 'must be a ULID (26 characters)' })
  readonly store_id?: string;
}

export class AuditQueryBody {
  @IsOptional()
  @IsIn(['newest', 'oldest'], { message: 'must be newest or oldest' })
  readonly order?: 'newest' | 'oldest';

  @IsOptional()
  @IsIn(AUDIT_ACTIONS, { message: `must be one of ${AUDIT_ACTIONS.join(', ')}` })
  readonly action?: string;

  @IsOptional()
  @IsString({ message: 'must be given once' })
  @MaxLength(512, { message: 'must be at most 512 characters' })
  readonly principal?: string;

  @IsOptional()
  @IsInstant()
  readonly since?: string;

  @IsOptional()
  @IsInstant()
  readonly until?: string;

  @IsOptional()
  @AsNumber()
  @IsInt({ message: 'must be a whole number' })
  readonly page_size?: number;

  /** The sequence of the last entry that was given. */
  @IsOptional()
  @AsNumber()
  @IsInt({ message: 'must be a whole number' })
  @Min(0, { message: 'must be at least 0' })
  readonly cursor?: number;
}

export class VerificationQuery {
  @IsOptional()
  @AsNumber()
  @IsInt({ message: 'must be a whole number' })
  @Min(0, { message: 'must be at least 0' })
  readonly after?: number;

  @IsOptional()
  @Matches(/^[0-9a-f]{64}$/, { message: 'must be 64 hexadecimal digits' })
  readonly hash?: string;
}

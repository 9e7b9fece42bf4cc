/**
 * AuthZEN's entities ⇄ the model's. Any text can be an id there; what ids cannot hold here is written
 * as claims of tokens are (`tuple/claim-id.ts`), so that none of them is a wildcard or a userset.
 */
import { PembaError } from '../../errors.js';
import type { AuthzenMapping, ResourceType } from '../../schema/authzen-mapping.js';
import { idOfText } from '../../tuple/claim-id.js';
import type { JsonObject, ObjectRef, Subject } from '../../tuple/tuple.js';

type Absent = null | undefined;

export interface WireEntityType {
  readonly type: string;
  readonly properties?: JsonObject | Absent;
}

export interface WireEntity extends WireEntityType {
  readonly id: string;
}

export interface WireAction {
  readonly name: string;
  readonly properties?: JsonObject | Absent;
}

/** Throws `type_not_found`. */
export function subjectTypeOf(mapping: AuthzenMapping, { type }: WireEntityType): string {
  const found = mapping.subjectTypeOf(type);
  if (found === undefined) throw unknownType('subject', type);
  return found;
}

/** Throws `type_not_found`. */
export function resourceTypeOf(mapping: AuthzenMapping, { type }: WireEntityType): ResourceType {
  const found = mapping.resourceTypeOf(type);
  if (found === undefined) throw unknownType('resource', type);
  return found;
}

const unknownType = (part: 'subject' | 'resource', type: string): PembaError =>
  new PembaError('type_not_found', `${part}.type: '${type}' is no type here`, {
    facts: { field: `${part}.type`, type },
  });

/** Throws `relation_not_found`. */
export function relationOf(mapping: AuthzenMapping, type: string, { name }: WireAction): string {
  const relation = mapping.relationOf(type, name);
  if (relation !== undefined) return relation;
  throw new PembaError('relation_not_found', `action.name: '${name}' is no action on '${type}'`, {
    facts: { field: 'action.name', action: name, type },
  });
}

export function objectOf(mapping: AuthzenMapping, entity: WireEntity): ObjectRef {
  const { type, id = idOfText(entity.id) } = resourceTypeOf(mapping, entity);
  return { type, id };
}

export const subjectOf = (
  mapping: AuthzenMapping,
  entity: WireEntity,
): Subject & { readonly kind: 'object' } => ({
  kind: 'object',
  type: subjectTypeOf(mapping, entity),
  id: idOfText(entity.id),
});

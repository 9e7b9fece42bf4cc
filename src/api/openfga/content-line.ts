/** A line of an import or of a backup, as JSON has it: a tuple, or the attributes of an entity. */
import { Ajv } from 'ajv';
import { invalidRequest } from '../../errors.js';
import type { EntityAttributes } from '../../tuple/attributes.js';
import type { JsonObject, RelationTuple } from '../../tuple/tuple.js';
import { AJV_OPTIONS, schemaProblem } from '../schema-problem.js';
import { ATTRIBUTES_LINE, TUPLE } from './request-schemas.js';
import { objectOf, tupleOf } from './wire.js';
import type { WireTuple } from './wire.js';

interface WireAttributes {
  readonly entity: string;
  readonly attributes: JsonObject;
}

const ajv = new Ajv({ ...AJV_OPTIONS, strict: false });
const isTuple = ajv.compile<WireTuple>(TUPLE);
const isAttributes = ajv.compile<WireAttributes>(ATTRIBUTES_LINE);

/** Undefined for the line that an export ends with. */
export function contentOf(value: unknown): RelationTuple | EntityAttributes | undefined {
  const kind = kindOf(value);
  if (kind === 'end') return undefined;
  if (kind === 'error') {
    throw invalidRequest('error', 'the export that this comes from did not end well');
  }
  if (kind === 'entity') {
    if (!isAttributes(value)) throw schemaProblem(isAttributes.errors ?? []);
    return { entity: objectOf(value.entity, 'entity'), attributes: value.attributes };
  }
  if (!isTuple(value)) throw schemaProblem(isTuple.errors ?? []);
  return tupleOf(value, 'tuple');
}

const KINDS = ['entity', 'end', 'error'] as const;

/** What says what a line is; undefined for a tuple, and for what is nothing. */
function kindOf(value: unknown): (typeof KINDS)[number] | undefined {
  if (typeof value !== 'object' || value === null || Object.hasOwn(value, 'user')) return undefined;
  return KINDS.find((kind) => Object.hasOwn(value, kind));
}

/** A line of an import or of a backup, as JSON has it: a tuple, or the attributes of an entity. */
import { Ajv } from 'ajv';
import { invalidRequest } from '../../errors.js';
import type { EntityAttributes } from '../../tuple/attributes.js';
import type { JsonObject, RelationTuple } from '../../tuple/tuple.js';
import { parseJson } from '../json-body.js';
import { AJV_OPTIONS, schemaProblem } from '../schema-problem.js';
import {
  ATTRIBUTES_LINE,
  OBJECT_LENGTH_MAX,
  RELATION_LENGTH_MAX,
  TUPLE,
  USER_LENGTH_MAX,
} from './request-schemas.js';
import { keyOf, objectOf, tupleOf } from './wire.js';
import type { WireTuple } from './wire.js';

interface WireAttributes {
  readonly entity: string;
  readonly attributes: JsonObject;
}

const ajv = new Ajv({ ...AJV_OPTIONS, strict: false });
const isTuple = ajv.compile<WireTuple>(TUPLE);
const isAttributes = ajv.compile<WireAttributes>(ATTRIBUTES_LINE);

/** Undefined for the line that an export ends with. */
export const contentOfText = (
  text: string,
  maxJsonDepth: number,
): RelationTuple | EntityAttributes | undefined =>
  plainTuple(text) ?? contentOf(parseJson(text, maxJsonDepth));

// eslint-disable-next-line no-control-regex -- JSON has no such characters in a string as it stands
const CHARS = /[^"\\\u0000-\u001f]+/.source;
const PLAIN = new RegExp(
  `^\\{"user":"(${CHARS})","relation":"(${CHARS})","object":"(${CHARS})"\\}$`,
);

/**
 * What most lines are, and all that an export writes of tuples without a condition. Reading them as
 * any JSON would take twice the time; what this does not take to be one is left to that.
 */
function plainTuple(text: string): RelationTuple | undefined {
  const [, user = '', relation = '', object = ''] = PLAIN.exec(text) ?? [];
  const isOne =
    user !== '' &&
    user.length <= USER_LENGTH_MAX &&
    relation.length <= RELATION_LENGTH_MAX &&
    object.length <= OBJECT_LENGTH_MAX;
  return isOne ? keyOf({ user, relation, object }, 'tuple') : undefined;
}

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

/**
 * `authorization_details` (RFC 9396) of the one type that there is:
 *
 *   { type: 'urn:pemba:permission', actions: ['can_reserve'], resource: { type: 'item', id: '9' } }
 *
 * with a `context` for conditions if need be. Every pair of action and resource is one question, and
 * concrete: what is not known, not whole, or stands for many is refused.
 */
import { PembaError } from '../../errors.js';
import type { RequestedDetail } from '../../delegation/exchange.js';
import { isJsonObject } from '../../identity/strict-json.js';
import { formatObject, isRelationName, parseObject } from '../../tuple/tuple.js';
import type { JsonObject, JsonValue } from '../../tuple/tuple.js';

export const PERMISSION_TYPE = 'urn:pemba:permission';

/** Of action and resource, over all details. */
export const MAX_PAIRS = 16;
/** OpenFGA's. */
const MAX_RELATION_LENGTH = 50;
const MAX_OBJECT_LENGTH = 256;

const refusal = (place: string, problem: string): PembaError =>
  new PembaError('invalid_authorization_details', `${place}: ${problem}`, {
    facts: { field: place },
  });

export function readDetails(value: JsonValue): readonly RequestedDetail[] {
  if (!Array.isArray(value)) throw refusal(NAME, 'must be a list');
  const items = value as readonly JsonValue[];
  if (items.length === 0) throw refusal(NAME, 'has nothing in it');
  if (items.length > MAX_PAIRS) throw tooMany();
  const details = items.map((item, index) => readDetail(item, `${NAME}[${index}]`));
  const pairs = details.flatMap(({ actions, resource }) =>
    actions.map((action) => `${action} ${formatObject(resource)}`),
  );
  if (pairs.length > MAX_PAIRS) throw tooMany();
  if (new Set(pairs).size < pairs.length) throw refusal(NAME, 'asks for something twice');
  return details;
}

const NAME = 'authorization_details';

const tooMany = (): PembaError =>
  refusal(NAME, `asks for more than ${MAX_PAIRS} actions on resources`);

function readDetail(value: JsonValue, place: string): RequestedDetail {
  if (!isJsonObject(value)) throw refusal(place, 'must be an object');
  const { type, actions, resource, context, ...others } = value;
  if (type !== PERMISSION_TYPE) throw refusal(`${place}.type`, `must be ${PERMISSION_TYPE}`);
  refuseOthers(others, place);
  if (context !== undefined && !isJsonObject(context)) {
    throw refusal(`${place}.context`, 'must be an object');
  }
  return {
    actions: readActions(actions, `${place}.actions`),
    resource: readResource(resource, `${place}.resource`),
    ...(context !== undefined && { context }),
  };
}

function readActions(value: JsonValue | undefined, place: string): readonly string[] {
  const isAction = (item: unknown): item is string =>
    typeof item === 'string' && item.length <= MAX_RELATION_LENGTH && isRelationName(item);
  if (!Array.isArray(value) || value.length === 0 || !value.every(isAction)) {
    throw refusal(place, 'must be a list of relations, with one at least');
  }
  return value;
}

function readResource(value: JsonValue | undefined, place: string): RequestedDetail['resource'] {
  if (!isJsonObject(value)) throw refusal(place, 'must be an object with type and id');
  const { type, id, ...others } = value;
  refuseOthers(others, place);
  if (typeof type !== 'string' || typeof id !== 'string' || !isRelationName(type)) {
    throw refusal(place, 'must have a type and an id');
  }
  const name = `${type}:${id}`;
  const object = name.length > MAX_OBJECT_LENGTH ? undefined : parseObject(name);
  if (object === undefined) throw refusal(`${place}.id`, 'must be the id of one object');
  return object;
}

/** Whoever adds a limit that is not known here must not get more than was meant. */
function refuseOthers(others: JsonObject, place: string): void {
  if (Object.keys(others).length > 0) throw refusal(place, 'has a member that is not known');
}

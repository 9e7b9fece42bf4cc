/**
 * A tuple as files have it, the API's JSON. The words are held to what the server holds them to; on
 * top of that, a member that a tuple does not have is refused: in a file it is a slip of the pen,
 * and `expire_at` would make what should end last for ever.
 */
import { tupleOf } from '../../api/openfga/wire.js';
import type { WireTuple } from '../../api/openfga/wire.js';
import { PembaError } from '../../errors.js';
import { didYouMean } from '../../schema/nearest.js';
import type { RelationTuple } from '../../tuple/tuple.js';

const KEY = ['user', 'relation', 'object'] as const;
const MEMBERS = [...KEY, 'condition', 'expires_at'];
const CONDITION_MEMBERS = ['name', 'context'];

/** The API's. */
const LENGTH_MAX = { user: 512, relation: 50, object: 256 } as const;

/** The tuple, or what is wrong in one sentence. */
export function tupleOfMembers(value: unknown): RelationTuple | string {
  const problem = shapeProblem(value);
  if (problem !== undefined) return problem;
  try {
    // `tupleOf` names members by their place, which here is the tuple itself.
    return tupleOf(value as WireTuple, 'tuple');
  } catch (error) {
    if (error instanceof PembaError) return error.message.replace(/^tuple\./, '');
    throw error;
  }
}

function shapeProblem(tuple: unknown): string | undefined {
  if (!isObject(tuple)) return 'a tuple has the members user, relation and object';
  for (const name of KEY) {
    const text = tuple[name];
    if (text === undefined) return `${name}: value is required${hintOf(tuple, name)}`;
    if (typeof text !== 'string') return `${name}: must be a text`;
    const max = LENGTH_MAX[name];
    if (text.length > max) return `${name}: is longer than ${max} characters`;
  }
  const { condition, expires_at: expiresAt } = tuple;
  return (
    unknownMember(tuple, MEMBERS, 'a tuple') ??
    (isAbsent(condition) ? undefined : conditionProblem(condition)) ??
    (isAbsent(expiresAt) || typeof expiresAt === 'string'
      ? undefined
      : 'expires_at: must be an RFC 3339 time such as 2030-01-31T12:00:00Z')
  );
}

function conditionProblem(condition: unknown): string | undefined {
  if (!isObject(condition)) return 'condition: must have a name, and may have a context';
  const { name, context } = condition;
  if (typeof name !== 'string') return 'condition.name: value is required';
  if (!isAbsent(context) && !isObject(context)) return 'condition.context: must have members';
  return unknownMember(condition, CONDITION_MEMBERS, 'a condition');
}

function unknownMember(value: Members, known: readonly string[], what: string): string | undefined {
  const name = Object.keys(value).find((each) => !known.includes(each));
  return name === undefined
    ? undefined
    : `${what} has no member '${name}'${didYouMean(name, known)}`;
}

/** What was written in place of a member that is missing. */
function hintOf(tuple: Members, missing: string): string {
  const others = Object.keys(tuple).filter((name) => !MEMBERS.includes(name));
  return others.length === 0 ? '' : `; there is '${others.join("', '")}', but no '${missing}'`;
}

type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isAbsent = (value: unknown): value is null | undefined =>
  value === null || value === undefined;

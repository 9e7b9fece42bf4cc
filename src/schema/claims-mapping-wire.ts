/**
 * The shape of a claims mapping, as JSON or YAML gives it. It is written by people, so a member that
 * means nothing is refused rather than ignored, and every problem names its field. What is kept and
 * shown again is what was written; whether it fits a model is for `claims-mapping.ts` to tell.
 */
import { PembaError } from '../errors.js';
import type { JsonValue } from '../tuple/tuple.js';
import { quote } from './problem.js';

/** `realm_access.roles`, or its steps where a claim's name has dots of its own. */
export type WireClaimPath = string | readonly string[];

export interface WireClaimTuples {
  readonly each: WireClaimPath;
  readonly split?: string;
  readonly tuple: string;
}

type WireScalar = string | number | boolean;

/** A claim, or a claim and what stands for it where a token has none. */
export type WireContextClaim =
  | WireClaimPath
  | { readonly claim: WireClaimPath; readonly default: WireScalar | readonly WireScalar[] };

export interface WireClaimsMapping {
  readonly tuples?: readonly WireClaimTuples[];
  /** Names of claims, or claims by the names that conditions have for them. */
  readonly context?: WireContext;
}

type WireContext = readonly string[] | Readonly<Record<string, WireContextClaim>>;

/** More than any token has kinds of claims; it bounds what mapping one token costs. */
const ENTRIES_MAX = 50;
/** As long as a tuple can be written. */
const TUPLE_LENGTH_MAX = 512;
/** Of a path, or of a name in a condition; claims that are URLs have some 50 characters. */
const NAME_LENGTH_MAX = 254;
const PATH_STEPS_MAX = 10;
const SPLIT_LENGTH_MAX = 10;

const ROOT = 'claims_mapping';

export const claimsMappingProblem = (field: string, problem: string): PembaError =>
  new PembaError('invalid_claims_mapping', `${field}: ${problem}`, { facts: { field } });

/** Null for null and for a mapping without anything in it: there is none then. */
export function claimsMappingFromWire(value: unknown): WireClaimsMapping | null {
  if (value === null) return null;
  const { tuples, context } = members(value, ROOT, ['tuples', 'context']);
  const mapping: WireClaimsMapping = {
    ...(isGiven(tuples) && { tuples: list(tuples, `${ROOT}.tuples`, claimTuples) }),
    ...(isGiven(context) && { context: claimsForContext(context, `${ROOT}.context`) }),
  };
  return Object.keys(mapping).length === 0 ? null : mapping;
}

export interface ContextClaim {
  /** In conditions. */
  readonly name: string;
  readonly path: readonly string[];
  readonly fallback: JsonValue | undefined;
}

export const contextClaims = (context: WireContext): readonly ContextClaim[] =>
  isNameList(context)
    ? context.map((name) => ({ name, path: [name], fallback: undefined }))
    : Object.entries(context).map(([name, claim]) =>
        typeof claim === 'object' && 'claim' in claim
          ? { name, path: pathSteps(claim.claim), fallback: claim.default }
          : { name, path: pathSteps(claim), fallback: undefined },
      );

export const pathSteps = (path: WireClaimPath): readonly string[] =>
  typeof path === 'string' ? path.split('.') : path;

/** What is wrong with the path, if anything. */
export function pathProblem(path: WireClaimPath): string | undefined {
  const steps = pathSteps(path);
  if (steps.length === 0 || steps.some((step) => step === '')) return 'names no claim';
  if (steps.length > PATH_STEPS_MAX) return `can have ${PATH_STEPS_MAX} steps at most`;
  const length = steps.reduce((sum, step) => sum + step.length, 0);
  if (length > NAME_LENGTH_MAX) return `can have ${NAME_LENGTH_MAX} characters at most`;
  return steps.map(printableProblem).find((problem) => problem !== undefined);
}

function claimTuples(value: unknown, field: string): WireClaimTuples {
  const { each, split, tuple } = members(value, field, ['each', 'split', 'tuple']);
  return {
    each: claimPath(each, `${field}.each`),
    ...(isGiven(split) && { split: text(split, `${field}.split`, SPLIT_LENGTH_MAX) }),
    tuple: text(tuple, `${field}.tuple`, TUPLE_LENGTH_MAX),
  };
}

function claimsForContext(value: unknown, field: string): WireContext {
  if (Array.isArray(value)) return list(value, field, contextName);
  const entries = Object.entries(objectOf(value, field, 'a list or an object'));
  assertFew(entries, field);
  return Object.fromEntries(
    entries.map(([name, path]) => {
      const at = `${field}.${name.slice(0, NAME_LENGTH_MAX)}`;
      text(name, at, NAME_LENGTH_MAX);
      return [name, contextClaim(path, at)];
    }),
  );
}

function contextClaim(value: unknown, field: string): WireContextClaim {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return claimPath(value, field);
  }
  const { claim, default: fallback } = members(value, field, ['claim', 'default']);
  const path = claimPath(claim, `${field}.claim`);
  return { claim: path, default: defaultOf(fallback, `${field}.default`) };
}

/** A scalar, or a list of as many as there are entries. */
function defaultOf(value: unknown, field: string): WireScalar | readonly WireScalar[] {
  if (Array.isArray(value)) return list(value, field, scalar);
  return scalar(value, field);
}

function scalar(value: unknown, field: string): WireScalar {
  if (typeof value === 'boolean' || value === '') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'string') return text(value, field, NAME_LENGTH_MAX);
  throw claimsMappingProblem(field, 'must be a string, a number, a boolean or a list of them');
}

function contextName(value: unknown, field: string): string {
  const name = text(value, field, NAME_LENGTH_MAX);
  if (!name.includes('.')) return name;
  throw claimsMappingProblem(
    field,
    `${quote(name)} has a dot: give it a name for conditions, as in {"name": ${JSON.stringify(name)}}`,
  );
}

function claimPath(value: unknown, field: string): WireClaimPath {
  const path = Array.isArray(value)
    ? value.map((step, i) => text(step, `${field}[${i}]`, NAME_LENGTH_MAX))
    : text(value, field, NAME_LENGTH_MAX);
  const problem = pathProblem(path);
  if (problem !== undefined) throw claimsMappingProblem(field, problem);
  return path;
}

function list<Item>(
  value: unknown,
  field: string,
  read: (item: unknown, field: string) => Item,
): readonly Item[] {
  if (!Array.isArray(value)) throw claimsMappingProblem(field, 'must be a list');
  assertFew(value, field);
  return value.map((item, i) => read(item, `${field}[${i}]`));
}

function assertFew(entries: readonly unknown[], field: string): void {
  if (entries.length <= ENTRIES_MAX) return;
  throw claimsMappingProblem(
    field,
    `can have ${ENTRIES_MAX} entries at most, not ${entries.length}`,
  );
}

function members<Name extends string>(
  value: unknown,
  field: string,
  names: readonly Name[],
): Partial<Record<Name, unknown>> {
  const object = objectOf(value, field, 'an object');
  const known: readonly string[] = names;
  const unknown = Object.keys(object).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw claimsMappingProblem(field, `has no member ${quote(unknown)}: ${names.join(', ')}`);
  }
  return object;
}

function objectOf(value: unknown, field: string, what: string): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw claimsMappingProblem(field, `must be ${what}`);
}

function text(value: unknown, field: string, lengthMax: number): string {
  if (typeof value !== 'string') {
    throw claimsMappingProblem(field, isGiven(value) ? 'must be a string' : 'value is required');
  }
  if (value === '') throw claimsMappingProblem(field, 'must not be empty');
  if (value.length > lengthMax) {
    throw claimsMappingProblem(field, `can have ${lengthMax} characters at most`);
  }
  const problem = printableProblem(value);
  if (problem !== undefined) throw claimsMappingProblem(field, problem);
  return value;
}

const UNPRINTABLE = /[\p{Cc}]|[\ud800-\udfff]/u;

const printableProblem = (value: string): string | undefined =>
  UNPRINTABLE.test(value) ? 'holds control characters or half of a surrogate pair' : undefined;

const isGiven = (value: unknown): boolean => value !== null && value !== undefined;

// `Array.isArray` does not narrow a readonly array.
const isNameList = (context: WireContext): context is readonly string[] => Array.isArray(context);

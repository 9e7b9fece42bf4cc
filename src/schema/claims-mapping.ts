/**
 * A claims mapping held against a model: what the claims of a verified token mean in a store. Each
 * entry makes a tuple of every value of one claim. The tuples are contextual: they stand for one
 * request and are not written. `context` gives claims to conditions, each twice: as a parameter of its
 * own, `token_acr`, with whatever type the condition declares, and in the map `token`, a `map<any>`,
 * where a condition can ask `has(token.acr)`. (OpenFGA's DSL has no type `any`; its JSON has.)
 *
 * A value that is no string, number or boolean, or cannot be an id, makes no tuple: a token says what
 * it likes, and must not be able to fail a request by it. What is refused is a token with more tuples
 * than are allowed, since less of them would be another answer, and one whose subject is of a type
 * that the mapping cannot be meant for.
 */
import { PembaError } from '../errors.js';
import { idOfClaim } from '../tuple/claim-id.js';
import { formatTupleKey } from '../tuple/tuple.js';
import type { JsonObject, JsonValue, RelationTuple, TupleKey } from '../tuple/tuple.js';
import { isActingFor } from '../tuple/delegation.js';
import { admissionProblem, namesProblem } from './admit.js';
import { claimsMappingProblem, contextClaims, pathSteps } from './claims-mapping-wire.js';
import type { ContextClaim, WireClaimsMapping } from './claims-mapping-wire.js';
import { readTemplate } from './claims-template.js';
import type { ClaimsTemplate, ObjectSubject } from './claims-template.js';
import type { Plan } from './plan.js';

/** Of a verified token: who it is about, and what it says. */
export interface TokenFacts {
  readonly subject: ObjectSubject;
  readonly claims: JsonObject;
}

/** What the token adds to a request. */
export interface MappedClaims {
  readonly tuples: readonly RelationTuple[];
  /** For conditions. */
  readonly context: JsonObject;
}

export interface ClaimsMapping {
  /** What its context can have for members: names that a request may not give itself. */
  readonly contextNames: readonly string[];
  /** Throws `limit_exceeded`, or `invalid_subject_token` for a subject of a wrong type. */
  map(token: TokenFacts, maxTuples: number): MappedClaims;
}

interface Entry {
  /** Such as `claims_mapping.tuples[0].tuple`. */
  readonly field: string;
  readonly path: readonly string[];
  readonly split: string | undefined;
  readonly template: ClaimsTemplate;
}

/** Throws `invalid_claims_mapping`, which names the first entry that the model has no place for. */
export function compileClaimsMapping(plan: Plan, wire: WireClaimsMapping): ClaimsMapping {
  const entries = (wire.tuples ?? []).map(({ each, split, tuple }, i): Entry => {
    const field = `claims_mapping.tuples[${i}].tuple`;
    const template = readTemplate(tuple);
    const problem = typeof template === 'string' ? template : templateProblem(plan, template);
    if (typeof template === 'string' || problem !== undefined) {
      throw claimsMappingProblem(field, problem ?? '');
    }
    return { field, path: pathSteps(each), split, template };
  });
  const chosen = wire.context && contextClaims(wire.context);
  return {
    contextNames: [TOKEN, ...(chosen ?? []).map(({ name }) => parameterOf(name))],
    map: (token, maxTuples) => ({
      tuples: mappedTuples(plan, entries, { token, maxTuples }),
      context: chosen === undefined ? {} : contextOf(chosen, token.claims),
    }),
  };
}

function templateProblem(plan: Plan, { sample, isOfSubject }: ClaimsTemplate): string | undefined {
  if (isActingFor(sample)) return 'which service acts for a user is not for a claim to say';
  if (!isOfSubject) return admissionProblem(plan, sample);
  const { object, relation } = sample;
  const anySubject = { kind: 'wildcard', type: object.type } as const;
  const unknown = namesProblem(plan, { object, relation, subject: anySubject });
  if (unknown !== undefined) return unknown;
  const { restrictions = [] } = plan.model.types.get(object.type)?.relations.get(relation) ?? {};
  const admitsSomebody = restrictions.some(
    ({ kind, condition }) => kind === 'object' && condition === undefined,
  );
  return admitsSomebody
    ? undefined
    : `'${object.type}#${relation}' admits no single subject without a condition`;
}

function mappedTuples(
  plan: Plan,
  entries: readonly Entry[],
  { token, maxTuples }: { readonly token: TokenFacts; readonly maxTuples: number },
): readonly RelationTuple[] {
  const { subject, claims } = token;
  const claim = (path: readonly string[]): string | undefined => idOfScalar(claimAt(claims, path));
  const tuples = new Map<string, TupleKey>();
  for (const entry of entries) {
    for (const value of idsOf(claimAt(claims, entry.path), entry.split)) {
      const tuple = entry.template.fill({ subject, value, claim });
      if (tuple === undefined) continue;
      if (entry.template.isOfSubject) assertAdmitted(plan, entry, tuple);
      tuples.set(formatTupleKey(tuple), tuple);
      if (tuples.size > maxTuples) throw tooManyTuples(entry, maxTuples);
    }
  }
  return [...tuples.values()];
}

function assertAdmitted(plan: Plan, { field }: Entry, tuple: TupleKey): void {
  const problem = admissionProblem(plan, tuple);
  if (problem === undefined) return;
  throw new PembaError('invalid_subject_token', `subject_token: by ${field}, ${problem}`, {
    facts: { field: 'subject_token', entry: field },
  });
}

const tooManyTuples = ({ field }: Entry, max: number): PembaError =>
  new PembaError(
    'limit_exceeded',
    `subject_token: its claims make more than ${max} tuples, the allowed limit (at ${field})`,
    { facts: { field: 'subject_token', max } },
  );

/** A claim may be named like anything that objects inherit, and lists have no named members. */
export function claimAt(claims: JsonObject, path: readonly string[]): JsonValue | undefined {
  let at: JsonValue | undefined = claims;
  for (const step of path) {
    if (!isObject(at) || !Object.hasOwn(at, step)) return undefined;
    at = at[step];
  }
  return at;
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every id once. */
function idsOf(claim: JsonValue | undefined, split: string | undefined): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const value of Array.isArray(claim) ? (claim as readonly JsonValue[]) : [claim]) {
    const parts = typeof value === 'string' && split !== undefined ? value.split(split) : [value];
    for (const part of parts) {
      const id = idOfScalar(part);
      if (id !== undefined) ids.add(id);
    }
  }
  return ids;
}

/** Undefined for what is no string, number or boolean, or cannot be an id. */
export function idOfScalar(value: JsonValue | undefined): string | undefined {
  switch (typeof value) {
    case 'string':
      return idOfClaim(value);
    case 'boolean':
      return String(value);
    case 'number':
      return isExact(value) ? idOfClaim(String(value)) : undefined;
    default:
      return undefined;
  }
}

/** Beyond 2^53 JSON's numbers are read as their neighbours, who may be somebody else. */
const isExact = (value: number): boolean =>
  Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value));

/** The parameter that all chosen claims are in. */
export const TOKEN = 'token';
const parameterOf = (name: string): string => `${TOKEN}_${name}`;

/** What the token lacks, or has null for, and has no default is in neither place. */
function contextOf(chosen: readonly ContextClaim[], claims: JsonObject): JsonObject {
  const found = chosen.flatMap(({ name, path, fallback }) => {
    const value = claimAt(claims, path) ?? fallback;
    return value === undefined ? [] : [[name, value] as const];
  });
  const parameters = found.map(([name, value]) => [parameterOf(name), value] as const);
  return Object.fromEntries([...parameters, [TOKEN, Object.fromEntries(found)]]);
}

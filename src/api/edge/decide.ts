/**
 * A gateway's request decided: which route it is, who the user is, whether he has all that the route
 * requires. All of it goes by one version of the model, and all checks are made at one revision.
 */
import { PembaError } from '../../errors.js';
import type { SubjectTokens, VerifiedSubject } from '../../identity/subject-tokens.js';
import type { StoreId } from '../../ids.js';
import type { BatchItem } from '../../operations/batch.js';
import { batchCheck } from '../../operations/check.js';
import type { BatchQuestion, BatchVerdict } from '../../operations/check.js';
import type { Engine } from '../../operations/engine.js';
import { resolve } from '../../operations/resolve.js';
import type { Answer, Target } from '../../operations/resolve.js';
import type { Route, RouteMatch } from '../../schema/route-table.js';
import { formatObject } from '../../tuple/tuple.js';
import type { JsonObject } from '../../tuple/tuple.js';
import type { Decision, DecisionSource } from '../decision.js';
import { forbidden, refusalOf } from './outcome.js';
import type { Refusal } from './outcome.js';
import { SEVERAL, header } from './profiles.js';
import type { GatewayRequest } from './profiles.js';
import { dependsOnClient, requestFacts } from './request-facts.js';

export interface Allowed {
  readonly status: 200;
  readonly route: Route;
  /** Undefined at a public route. */
  readonly bearer?: VerifiedSubject;
  /** Whether another client with the same token might be refused. */
  readonly dependsOnClient: boolean;
  /** What it was allowed for, such as `order:7#can_read`. */
  readonly granted: readonly string[];
}

export interface DecideParts {
  readonly engine: Engine;
  /** Undefined when no issuer of users' tokens is configured. */
  readonly subjectTokens: SubjectTokens | undefined;
}

export interface Asked {
  readonly storeId: StoreId;
  readonly request: GatewayRequest;
  readonly rawHeaders: readonly string[];
  /** What it costs to ask so much, before it is asked. */
  readonly charge: (checks: number) => void;
  readonly record: (source: DecisionSource, decisions: readonly Decision[]) => void;
}

/** Rejects with what `refusalOf` is for. */
export async function decide(parts: DecideParts, asked: Asked): Promise<Allowed | Refusal> {
  const target = { storeId: asked.storeId, consistency: { kind: 'minimize_latency' } } as const;
  const resolved = await resolve(parts.engine, target);
  const { routes, modelId } = resolved;
  const match = routes.match(asked.request);
  if (match === undefined) return forbidden('unmapped_route');
  const { route } = match;
  if (route.required.length === 0) {
    return { status: 200, route, dependsOnClient: false, granted: [] };
  }
  const bearer = await bearerOf(parts.subjectTokens, asked.rawHeaders);
  if ('status' in bearer) return bearer;
  const items = itemsOf(match, bearer, (type, relation) =>
    requestFacts(resolved.plan, [type, relation], asked.request),
  );
  if (items === undefined) return forbidden('incomplete_object');
  asked.charge(items.length);
  const answer = await ask(parts.engine, { ...target, modelId }, items, asked);
  const refusal = refusalAmong([...answer.result.values()]);
  if (refusal !== undefined) return refusal;
  return {
    status: 200,
    route,
    bearer,
    dependsOnClient: items.some(({ question }) => dependsOnClient(question.context)),
    granted: items.map(nameOf),
  };
}

const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i;

async function bearerOf(
  subjectTokens: SubjectTokens | undefined,
  rawHeaders: readonly string[],
): Promise<VerifiedSubject | Refusal> {
  const authorization = header(rawHeaders, 'authorization');
  if (authorization === undefined) return { status: 401, reason: 'no_token' };
  const token = authorization === SEVERAL ? undefined : BEARER.exec(authorization)?.[1];
  if (token === undefined) return { status: 401, reason: 'invalid_token' };
  if (subjectTokens === undefined) {
    throw new PembaError('unavailable', 'no issuer is configured for subject tokens');
  }
  return subjectTokens.subjectOf(token);
}

type Item = BatchItem<BatchQuestion> & { readonly question: BatchQuestion };

/** Undefined where one of the objects cannot be told. */
function itemsOf(
  match: RouteMatch,
  bearer: VerifiedSubject,
  contextFor: (type: string, relation: string) => JsonObject,
): readonly Item[] | undefined {
  const items: Item[] = [];
  for (const [i, { relation, ...required }] of match.route.required.entries()) {
    const object = required.objectOf(match, bearer);
    if (object === undefined) return undefined;
    const key = { object, relation, subject: bearer.subject };
    const context = contextFor(object.type, relation);
    const question = { key, contextualTuples: [], context, token: bearer };
    items.push({ correlationId: String(i), question });
  }
  return items;
}

const nameOf = ({ question: { key } }: Item): string =>
  `${formatObject(key.object)}#${key.relation}`;

async function ask(
  engine: Engine,
  target: Target,
  items: readonly Item[],
  { record }: Asked,
): Promise<Answer<ReadonlyMap<string, BatchVerdict>>> {
  const questions = items.map(({ question }) => ({ question }));
  let answer: Answer<ReadonlyMap<string, BatchVerdict>>;
  try {
    answer = await batchCheck(engine, { ...target, items });
  } catch (cause) {
    const error =
      cause instanceof PembaError ? cause : new PembaError('internal', 'failed', { cause });
    record(
      target,
      questions.map((one) => ({ ...one, result: { error } })),
    );
    throw cause;
  }
  const { result } = answer;
  record(
    answer,
    items.flatMap(({ correlationId, question }) => {
      const verdict = result.get(correlationId);
      return verdict === undefined ? [] : [{ question, result: verdict }];
    }),
  );
  return answer;
}

/** A plain no says more than that something else could not be told. */
function refusalAmong(verdicts: readonly BatchVerdict[]): Refusal | undefined {
  if (verdicts.some((verdict) => 'allowed' in verdict && !verdict.allowed)) {
    return forbidden('denied');
  }
  const failed = verdicts.find((verdict) => 'error' in verdict);
  return failed && refusalOf(failed.error);
}

/**
 * A permit comes about: everything asked for is decided at one revision, and where all of it is
 * granted the permit is signed and noted with what it rests on, in that same turn.
 */
import { PembaError } from '../errors.js';
import type { AuthenticatedClient } from '../identity/clients.js';
import type { ServiceId, StoreId } from '../ids.js';
import type { Engine } from '../operations/engine.js';
import { resolve, resolveNow } from '../operations/resolve.js';
import type { Resolved, Target } from '../operations/resolve.js';
import { prove } from '../query/explain.js';
import type { Proof } from '../query/explain.js';
import { scopeObject, serviceName, serviceObject } from '../tuple/delegation.js';
import { formatObject } from '../tuple/tuple.js';
import type { ObjectRef, TupleKey } from '../tuple/tuple.js';
import { authorityScope, ceilingQuestions, isGranted, judge } from './decide.js';
import type { Acting, DelegatedDecision, DelegatedQuestion } from './decide.js';
import type { ExchangeRequest, IssuedToken, RequestedDetail } from './exchange.js';
import type { ExchangeSubject } from './exchange-subject.js';
import { issuerOf } from './issuer.js';
import type { LivePermit, LivePermits } from './live-permits.js';
import { PERMISSIONS_MAX, PERMIT_TYPE, parsePermit, permitClaims } from './permit.js';
import type { Confirmation, Permit } from './permit.js';
import { PermitRefused } from './permit-refused.js';
import type { Signer } from './signing-keys.js';

export interface MintParts {
  readonly engine: Engine;
  readonly signer: Signer;
  readonly livePermits: LivePermits;
}

export interface MintRequest {
  readonly actor: ServiceId;
  readonly subject: ExchangeSubject;
  readonly audience: ServiceId;
}

type Mint = (request: ExchangeRequest, mint: MintRequest) => Promise<IssuedToken>;

export function permitMint(parts: MintParts): Mint {
  const { engine } = parts;
  return async (request, mint) => {
    const questions = questionsOf(request.details, mint.subject);
    await freshEnough(engine, request, mint.subject);
    // From here to the end nothing is waited for: what was so a turn ago may have changed since.
    const resolved = resolveNow(engine, targetOf(request.storeId, request.consistencyToken));
    if (resolved === undefined) {
      throw new PembaError('unavailable', 'the store or its model was replaced just now');
    }
    return mintNow(parts, resolved, { request, mint, questions });
  };
}

interface Minting {
  readonly request: ExchangeRequest;
  readonly mint: MintRequest;
  readonly questions: readonly DelegatedQuestion[];
}

function mintNow(parts: MintParts, resolved: Resolved, minting: Minting): IssuedToken {
  const { engine, signer, livePermits } = parts;
  const { request, mint, questions } = minting;
  const acting: Acting = { actor: mint.actor, chain: mint.subject.chain };
  mint.subject.assertCounts();
  livePermits.assertRoom();
  refuseOnlineOnly(resolved, questions);
  const decisions = questions.map((question) => ({
    question,
    acting,
    decision: decided(engine, resolved, acting, question),
  }));
  const { replica, modelId } = resolved;
  const source = { storeId: request.storeId, modelId, revision: replica.revision };
  request.record?.(source, decisions);
  refuseUnlessGranted(decisions);
  const proofs = questions.flatMap((question) => proofsOf(engine, resolved, acting, question));
  const decisionId = decisions[0]?.decision.id ?? '';
  const permit = permitOf(parts, resolved, minting, { decisionId, proofs });
  const token = signed(signer, permit);
  livePermits.add(
    replica,
    watched(permit, {
      proofs,
      entities: questions.flatMap(({ key }) => endsOf(acting, key)),
      holds: holding(engine, request.storeId, acting, questions),
    }),
  );
  return {
    token,
    expiresInSeconds: permit.expiresAt - permit.issuedAt,
    details: permit.details,
    consistencyToken: permit.consistencyToken,
    decisionId: permit.decisionId,
  };
}

/** Of a permit no claims are known any more, and what conditions get from them nobody else may say. */
function questionsOf(
  details: readonly RequestedDetail[],
  { subject, token = { subject, claims: {} } }: ExchangeSubject,
): readonly DelegatedQuestion[] {
  const questions = details.flatMap(({ actions, resource, context = {} }) =>
    actions.map((relation): DelegatedQuestion => ({
      key: { object: resource, relation, subject },
      contextualTuples: [],
      context,
      token,
    })),
  );
  if (questions.length >= 1 && questions.length <= PERMISSIONS_MAX) return questions;
  throw denied(`ask for 1 to ${PERMISSIONS_MAX} pairs of an action and a resource`);
}

/** At least as new as what the client has seen, and as what the permit in its hands was decided at. */
async function freshEnough(
  engine: Engine,
  { storeId, consistencyToken }: ExchangeRequest,
  { atLeast }: ExchangeSubject,
): Promise<void> {
  if (atLeast !== undefined) await resolve(engine, targetOf(storeId, atLeast));
  await resolve(engine, targetOf(storeId, consistencyToken));
}

const targetOf = (storeId: StoreId, token?: string): Target => ({
  storeId,
  consistency: token === undefined ? { kind: 'minimize_latency' } : { kind: 'at_least', token },
});

const onlineOnly = (
  { delegation }: Resolved,
  questions: readonly DelegatedQuestion[],
): DelegatedQuestion | undefined =>
  questions.find(({ key }) => delegation.isOnlineOnly(key.object.type, key.relation));

function refuseOnlineOnly(resolved: Resolved, questions: readonly DelegatedQuestion[]): void {
  const online = onlineOnly(resolved, questions);
  if (online === undefined) return;
  const { object, relation } = online.key;
  throw denied(`${object.type}#${relation} is decided online only`, 'online_only');
}

/** What the model does not know is denied like anything else: no client learns names by asking. */
function decided(
  engine: Engine,
  resolved: Resolved,
  acting: Acting,
  question: DelegatedQuestion,
): DelegatedDecision {
  try {
    return judge(engine, resolved, acting, question);
  } catch (error) {
    if (!(error instanceof PembaError && error.code === 'invalid_request')) throw error;
    return { id: engine.newId(), reason: 'no_path' };
  }
}

function refuseUnlessGranted(decisions: readonly { readonly decision: DelegatedDecision }[]): void {
  const refused = decisions.find(({ decision }) => !isGranted(decision));
  if (refused === undefined) return;
  const { id, reason } = refused.decision;
  if (reason === 'ceiling' || reason === 'chain') {
    throw new PembaError('invalid_target', `the services may not do this (decision ${id})`, {
      facts: { reason, decision_id: id },
    });
  }
  throw denied(`not all of it is granted (decision ${id})`, reason, id);
}

const denied = (problem: string, reason = 'malformed', decisionId = ''): PembaError =>
  new PembaError('invalid_authorization_details', problem, {
    facts: { reason, ...(decisionId !== '' && { decision_id: decisionId }) },
  });

/** Of the authority, and of each ceiling. */
function proofsOf(
  engine: Engine,
  resolved: Resolved,
  acting: Acting,
  question: DelegatedQuestion,
): readonly Proof[] {
  const asked = [
    { scope: authorityScope(engine, resolved, acting, question), key: question.key },
    ...ceilingQuestions(engine, resolved, acting, question),
  ];
  return asked.map(({ scope, key }) => {
    const proof = prove(scope, key);
    if (proof === undefined) throw new PembaError('internal', 'a grant has no proof');
    return proof;
  });
}

function permitOf(
  { engine }: MintParts,
  { replica, modelId, delegation }: Resolved,
  { request, mint, questions }: Minting,
  { decisionId, proofs }: { readonly decisionId: string; readonly proofs: readonly Proof[] },
): Permit {
  const { actor, subject, audience } = mint;
  const now = engine.clock.now();
  const lifetime = Math.min(
    ...questions.map(({ key }) => delegation.lifetimeMs(key.object.type, key.relation)),
  );
  const end = Math.min(
    now + lifetime,
    subject.expiresAt,
    ...proofs.map(({ expiresAt = Infinity }) => expiresAt),
  );
  const [issuedAt, expiresAt] = [Math.floor(now / 1000), Math.floor(end / 1000)];
  if (expiresAt <= issuedAt) {
    throw new PembaError('invalid_subject_token', 'subject_token: what it allows ends right now', {
      facts: { field: 'subject_token' },
    });
  }
  return {
    issuer: issuerOf(engine.config, request.storeId),
    audience: serviceName(audience),
    subject: formatObject(subject.subject),
    actors: [serviceName(actor), ...subject.chain.map(serviceName)],
    ...confirmed(request.client),
    transactionId: subject.transactionId ?? engine.newId(),
    id: engine.newId(),
    issuedAt,
    notBefore: issuedAt,
    expiresAt,
    details: request.details,
    consistencyToken: replica.consistencyToken,
    modelId,
    decisionId,
  };
}

const confirmed = ({
  confirmation,
}: AuthenticatedClient): { readonly confirmation?: Confirmation } =>
  confirmation === undefined ? {} : { confirmation };

/** What no verifier would read is not given out: a context may be too long for it, or too deep. */
function signed(signer: Signer, permit: Permit): string {
  const token = signer.sign(PERMIT_TYPE, permitClaims(permit));
  try {
    parsePermit(token);
  } catch (error) {
    if (!(error instanceof PermitRefused)) throw error;
    throw denied(`what is asked for does not fit into a permit: ${error.message}`);
  }
  return token;
}

/** All that the questions are about, those of the ceilings included. */
function endsOf({ actor, chain }: Acting, { object, relation, subject }: TupleKey): ObjectRef[] {
  return [
    ...(subject.kind === 'object' ? [subject] : []),
    object,
    scopeObject(object.type, relation),
    ...[actor, ...chain].map(serviceObject),
  ];
}

/** It is kept for a minute, and what it does not need is not kept with it. */
const watched = (
  { id, issuedAt, expiresAt }: Permit,
  {
    proofs,
    entities,
    holds,
  }: Pick<LivePermit, 'entities' | 'holds'> & { readonly proofs: readonly Proof[] },
): LivePermit => ({
  ...{ id, issuedAt, expiresAt, entities, holds },
  tuples: proofs.flatMap(({ tuples }) => tuples),
  comes: union(proofs.map(({ brokenBy }) => brokenBy.added)),
  goes: union(proofs.map(({ brokenBy }) => brokenBy.removed)),
});

/** With the model that is the newest then; false too where it cannot be decided in this turn. */
const holding =
  (engine: Engine, storeId: StoreId, acting: Acting, questions: readonly DelegatedQuestion[]) =>
  (): boolean => {
    const resolved = resolveNow(engine, targetOf(storeId));
    return (
      resolved !== undefined &&
      onlineOnly(resolved, questions) === undefined &&
      questions.every((question) => isGranted(decided(engine, resolved, acting, question)))
    );
  };

const NONE: ReadonlySet<string> = new Set();

/** As a rule one has anything, and belongs to the plan. */
function union(sets: readonly ReadonlySet<string>[]): ReadonlySet<string> {
  const [first = NONE, ...others] = sets.filter(({ size }) => size > 0);
  return others.length === 0 ? first : new Set([first, ...others].flatMap((set) => [...set]));
}

/**
 * A permit comes about: everything asked for is decided at one revision, and where all of it is
 * granted the permit is signed and noted with what it rests on, in that same turn.
 */
import { PembaError } from '../errors.js';
import type { AuthenticatedClient } from '../identity/clients.js';
import type { ServiceId } from '../ids.js';
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
import type { LivePermits } from './live-permits.js';
import { PERMISSIONS_MAX, PERMIT_TYPE, permitClaims } from './permit.js';
import type { Confirmation, Permit } from './permit.js';
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
  const { engine, livePermits } = parts;
  return async (request, mint) => {
    const questions = questionsOf(request.details, mint.subject);
    livePermits.assertRoom();
    const resolved = await freshEnough(engine, request, mint.subject);
    // From here to the end nothing is waited for.
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
  const token = signer.sign(PERMIT_TYPE, permitClaims(permit));
  livePermits.add(replica, {
    id: permit.id,
    expiresAt: permit.expiresAt,
    tuples: proofs.flatMap(({ tuples }) => tuples),
    comes: union(proofs.map(({ brokenBy }) => brokenBy.added)),
    goes: union(proofs.map(({ brokenBy }) => brokenBy.removed)),
    entities: questions.flatMap(({ key }) => endsOf(acting, key)),
    holds: () => holdsNow(engine, request, acting, questions),
  });
  return {
    token,
    expiresInSeconds: permit.expiresAt - permit.issuedAt,
    details: permit.details,
    consistencyToken: permit.consistencyToken,
    decisionId: permit.decisionId,
  };
}

function questionsOf(
  details: readonly RequestedDetail[],
  { subject, token }: ExchangeSubject,
): readonly DelegatedQuestion[] {
  const questions = details.flatMap(({ actions, resource, context = {} }) =>
    actions.map((relation): DelegatedQuestion => ({
      key: { object: resource, relation, subject },
      contextualTuples: [],
      context,
      ...(token && { token }),
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
): Promise<Resolved> {
  const target = (token: string | undefined): Target => ({
    storeId,
    consistency: token === undefined ? { kind: 'minimize_latency' } : { kind: 'at_least', token },
  });
  if (atLeast !== undefined) await resolve(engine, target(atLeast));
  return resolve(engine, target(consistencyToken));
}

function refuseOnlineOnly({ delegation }: Resolved, questions: readonly DelegatedQuestion[]): void {
  const online = questions.find(({ key }) =>
    delegation.isOnlineOnly(key.object.type, key.relation),
  );
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

/** All that the questions are about, those of the ceilings included. */
function endsOf({ actor, chain }: Acting, { object, relation, subject }: TupleKey): ObjectRef[] {
  return [
    ...(subject.kind === 'object' ? [subject] : []),
    object,
    scopeObject(object.type, relation),
    ...[actor, ...chain].map(serviceObject),
  ];
}

/** With the model that is the newest then; false too where it cannot be decided in this turn. */
function holdsNow(
  engine: Engine,
  { storeId }: ExchangeRequest,
  acting: Acting,
  questions: readonly DelegatedQuestion[],
): boolean {
  const resolved = resolveNow(engine, { storeId, consistency: { kind: 'minimize_latency' } });
  return (
    resolved !== undefined &&
    questions.every((question) => isGranted(decided(engine, resolved, acting, question)))
  );
}

const union = (sets: readonly ReadonlySet<string>[]): ReadonlySet<string> =>
  new Set(sets.flatMap((set) => [...set]));

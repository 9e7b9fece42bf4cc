/** A delegated check as it is written, and as it is answered. */
import { isGranted } from '../../delegation/decide.js';
import type { DelegatedDecision, DelegatedQuestion } from '../../delegation/decide.js';
import { invalidRequest } from '../../errors.js';
import type { ServiceId } from '../../ids.js';
import type { Answer } from '../../operations/resolve.js';
import { parseServiceId, serviceName } from '../../tuple/delegation.js';
import type { CheckBody, WireCircumstances } from './check-question.js';
import { missingToWire } from './explanation.js';
import { questionKeyOf, tokenFactsOf } from './subject-token.js';
import type { Bearer } from '../bearer.js';
import type { WireQuestionKey } from './subject-token.js';
import { contextOf, contextualTuplesOf } from './wire.js';

export interface WireActing {
  readonly actor?: string | null;
  readonly chain?: readonly string[] | null;
  readonly explain?: boolean | null;
}

export type DelegatedBody = CheckBody & WireActing;

/** Undefined where the caller says nothing of it. */
export const actorOf = (text: string | null | undefined): ServiceId | undefined =>
  text === null || text === undefined ? undefined : serviceOf(text, 'actor');

export const chainOf = (chain: readonly string[] | null | undefined): readonly ServiceId[] =>
  (chain ?? []).map((service, i) => serviceOf(service, `chain[${i}]`));

function serviceOf(text: string, field: string): ServiceId {
  const service = parseServiceId(text);
  if (service !== undefined) return service;
  throw invalidRequest(field, `'${text}' is not of the form 'service:id'`);
}

export const delegatedQuestion = (
  body: WireCircumstances & { readonly tuple_key: WireQuestionKey },
  bearer: Bearer,
  field: string,
): DelegatedQuestion => ({
  key: questionKeyOf(body.tuple_key, bearer, field),
  contextualTuples: contextualTuplesOf(body.contextual_tuples),
  context: contextOf(body.context, 'context'),
  ...tokenFactsOf(body.tuple_key.user, bearer),
});

export const decisionToWire = (decision: DelegatedDecision): object => ({
  allowed: isGranted(decision),
  reason: decision.reason,
  decision_id: decision.id,
  ...(decision.missing && { missing: decision.missing.map(missingToWire) }),
});

export const delegatedAnswer = (answer: Answer<DelegatedDecision>, actor: ServiceId): object => ({
  ...decisionToWire(answer.result),
  actor: serviceName(actor),
  revision: answer.revision,
});

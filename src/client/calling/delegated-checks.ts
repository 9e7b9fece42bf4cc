/** May this service, acting for a user, do this? The service is known by its credentials. */
import type { Answer } from './answer.js';
import type { BatchQuestion, CheckQuestion } from './checks.js';
import type { PembaClientError } from './client-error.js';
import { ask, targetOf } from './connection.js';
import type { Session } from './connection.js';
import type { QueryOptions } from './options.js';
import { itemErrorOf } from './verdict.js';
import { wireQuestion } from './wire.js';

/** Open, as servers grow reasons. */
export type DelegationReason =
  | 'granted'
  | 'no_path'
  | 'ceiling'
  | 'chain'
  | 'condition_false'
  | 'missing_parameters'
  | (string & Record<never, never>);

export interface DelegatedOptions extends QueryOptions {
  /** `service:orders`; only for callers who may say who acts, or are several services. */
  readonly actor?: string | undefined;
  /** The services before the actor, the latest one first. They can only take away. */
  readonly chain?: readonly string[] | undefined;
  /** Whether to tell what is missing; the caller must be allowed to read tuples. */
  readonly explain?: boolean | undefined;
}

export interface DelegatedBatchOptions extends DelegatedOptions {
  /** Of the user that questions without one are about. */
  readonly subjectToken?: string | undefined;
}

export interface DelegatedVerdict {
  readonly allowed: boolean;
  readonly reason: DelegationReason;
  /** As which the decision log knows it. */
  readonly decisionId: string;
  /** With `explain`, where it is not allowed: as the server tells it. */
  readonly missing?: unknown;
}

export interface DelegatedDecision extends DelegatedVerdict {
  /** Who acts, as it was understood: `service:orders`. */
  readonly actor: string;
  readonly revision: number;
}

/** `allowed` is undefined where there is an error. */
export type DelegatedItem =
  | (DelegatedVerdict & { readonly error?: undefined })
  | { readonly allowed?: undefined; readonly error: PembaClientError };

export interface DelegatedBatch {
  /** In the order of the questions. */
  readonly results: readonly DelegatedItem[];
  readonly actor: string;
  readonly revision: number;
}

const wireActing = ({ actor, chain, explain }: DelegatedOptions): object => ({
  actor,
  chain,
  explain,
});

export async function delegatedCheck(
  session: Session,
  question: CheckQuestion,
  options: DelegatedOptions,
): Promise<DelegatedDecision> {
  const target = targetOf(session, options);
  const body = { ...wireQuestion(question), ...wireActing(options) };
  return ask(session, options, { target, verb: 'delegated-check', body }, (answer) => ({
    ...verdictOf(answer),
    actor: answer.string('actor'),
    revision: answer.number('revision'),
  }));
}

export async function batchDelegatedCheck(
  session: Session,
  checks: readonly BatchQuestion[],
  options: DelegatedBatchOptions,
): Promise<DelegatedBatch> {
  const target = targetOf(session, options);
  const body = {
    checks: checks.map((one, i) => ({ ...wireQuestion(one), correlation_id: String(i) })),
    subject_token: options.subjectToken,
    ...wireActing(options),
  };
  return ask(session, options, { target, verb: 'delegated-batch-check', body }, (answer) => {
    const result = answer.member('result');
    return {
      results: checks.map((_, i) => itemOf(result.member(String(i)))),
      actor: answer.string('actor'),
      revision: answer.number('revision'),
    };
  });
}

function itemOf(item: Answer): DelegatedItem {
  const error = itemErrorOf(item);
  return error === undefined ? verdictOf(item) : { error };
}

const verdictOf = (answer: Answer): DelegatedVerdict => ({
  allowed: answer.boolean('allowed'),
  reason: answer.string('reason'),
  decisionId: answer.string('decision_id'),
  ...(answer.has('missing') && { missing: answer.value('missing') }),
});

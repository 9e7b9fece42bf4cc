/** Decisions as every protocol's routes report them, for whoever counts or logs them. */
import { isGranted } from '../delegation/decide.js';
import type { DelegatedDecision } from '../delegation/decide.js';
import { PembaError } from '../errors.js';
import type { ModelId, Revision, ServiceId, StoreId } from '../ids.js';
import type { BatchQuestion, BatchVerdict } from '../operations/check.js';
import type { ListObjectsRequest, ListUsersRequest, NameList } from '../operations/list.js';
import type { Answer, Circumstances } from '../operations/resolve.js';
import type { ObjectRef, Subject } from '../tuple/tuple.js';
import type { Admitted } from './gate.js';

export type DecidingApi =
  | 'check'
  | 'batch-check'
  | 'explain'
  | 'delegated-check'
  | 'delegated-batch-check'
  | 'token-exchange'
  | 'edge'
  | 'list-objects'
  | 'streamed-list-objects'
  | 'list-users'
  | 'evaluation'
  | 'evaluations'
  | 'search-subject'
  | 'search-resource'
  | 'search-action';

export type DecidedQuestion =
  | BatchQuestion
  | (Circumstances & Pick<ListObjectsRequest, 'question'>)
  | (Circumstances & Pick<ListUsersRequest, 'question'>)
  | (Circumstances & { readonly question: ActionsQuestion });

/** What may the subject do to the object? */
export interface ActionsQuestion {
  readonly subject: Subject;
  readonly object: ObjectRef;
}

/** A list's names are not part of it: there may be a hundred thousand. */
export type DecisionResult =
  | BatchVerdict
  | { readonly allowed: boolean; readonly reason: string; readonly decisionId: string }
  | { readonly count: number; readonly isComplete: boolean };

export const delegatedResult = (
  decision: DelegatedDecision,
): { readonly allowed: boolean; readonly reason: string; readonly decisionId: string } => ({
  allowed: isGranted(decision),
  reason: decision.reason,
  decisionId: decision.id,
});

/** Who acts for the subject. */
export interface ActingServices {
  readonly actor: ServiceId;
  readonly chain: readonly ServiceId[];
}

export interface Decision {
  /** An error where the item of a batch could not be read. */
  readonly question: DecidedQuestion | PembaError;
  /** Of an item of a batch. */
  readonly correlationId?: string;
  readonly acting?: ActingServices;
  readonly result: DecisionResult;
}

/** What it was computed from; of a question that failed, what it was addressed to. */
export interface DecisionSource {
  readonly storeId: StoreId;
  readonly modelId?: ModelId;
  readonly revision?: Revision;
}

/** An answer that is being made, whatever the question came by. */
export interface Answering {
  readonly request: { readonly id: string } & Admitted;
  readonly elapsedTime: number;
  header(name: string, value: string): unknown;
}

/**
 * To be called before the answer is given: it throws when there must be no answer. All decisions
 * are of one request; only a batch has several.
 */
export type RecordDecisions = (
  reply: Answering,
  api: DecidingApi,
  from: DecisionSource,
  decisions: readonly Decision[],
) => void;

/** Records that the questions failed, and goes on failing. */
export const failing =
  (
    record: RecordDecisions,
    reply: Answering,
    api: DecidingApi,
    target: DecisionSource,
    questions: readonly Omit<Decision, 'result'>[],
  ) =>
  (cause: unknown): never => {
    const error =
      cause instanceof PembaError ? cause : new PembaError('internal', 'failed', { cause });
    record(
      reply,
      api,
      target,
      questions.map((question) => ({ ...question, result: { error } })),
    );
    throw cause;
  };

/** The list when it is there, recorded. */
export async function recordedList(
  record: RecordDecisions,
  reply: Answering,
  api: DecidingApi,
  question: DecisionSource & DecidedQuestion,
  pending: Promise<Answer<NameList>>,
): Promise<Answer<NameList>> {
  const answer = await pending.catch(failing(record, reply, api, question, [{ question }]));
  const { names, continuationToken } = answer.result;
  const result = { count: names.length, isComplete: continuationToken === undefined };
  record(reply, api, answer, [{ question, result }]);
  return answer;
}

/** Check, and several at once. */
import type { Call } from './call.js';
import { learn, targetOf } from './connection.js';
import type { Session } from './connection.js';
import type { QueryOptions } from './options.js';
import { SharedCall } from './shared-call.js';
import { verdictOf } from './verdict.js';
import type { BatchVerdict } from './verdict.js';
import { wireQuestion } from './wire.js';
import type { About, Question } from './wire.js';

export type CheckQuestion = Question & About;

/** Without a user, it is about the one of the batch's subject token. */
export interface BatchQuestion extends Question {
  readonly user?: string | undefined;
}

export interface BatchCheckOptions extends QueryOptions {
  /** Of the user that questions without one are about. */
  readonly subjectToken?: string | undefined;
}

export async function check(
  session: Session,
  { subjectToken, ...question }: CheckQuestion,
  options: QueryOptions,
): Promise<boolean> {
  const { connection } = session;
  const target = targetOf(session, options);
  const asked = { target, subjectToken, question: wireQuestion(question) };
  const answer = await connection.within(options, (call) => connection.checker.ask(asked, call));
  learn(session, target, answer.consistencyToken);
  return answer.allowed;
}

/** Batches of one call that are on their way at a time. */
const LANES = 4;

export async function batchCheck(
  session: Session,
  checks: readonly BatchQuestion[],
  { subjectToken, ...options }: BatchCheckOptions,
): Promise<readonly BatchVerdict[]> {
  const { connection } = session;
  const target = targetOf(session, options);
  const size = connection.maxBatchChecks;
  const starts = Array.from({ length: Math.ceil(checks.length / size) }, (_, i) => i * size);
  const verdicts: BatchVerdict[] = [];
  const sendChunk = async (start: number, call: Call): Promise<void> => {
    const chunk = checks.slice(start, start + size);
    const body = {
      checks: chunk.map((one, i) => ({ ...wireQuestion(one), correlation_id: String(i) })),
      subject_token: subjectToken,
    };
    const answer = await connection.post({ target, verb: 'batch-check', body }, call);
    learn(session, target, answer.consistencyToken);
    chunk.forEach((_, i) => (verdicts[start + i] = verdictOf(answer, String(i))));
  };
  const sendAll = async (call: Call): Promise<void> => {
    const lane = async (): Promise<void> => {
      for (let next = starts.shift(); next !== undefined; next = starts.shift()) {
        await sendChunk(next, call);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  };
  // When one fails, nobody waits for the others: they are given up.
  await connection.within(options, (call) => new SharedCall(sendAll).join(call));
  return verdicts;
}

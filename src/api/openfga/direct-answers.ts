/** The plain questions that are answered at once, each with the body that its route would give. */
import { delegatedCheckNow, isGranted } from '../../delegation/decide.js';
import type { Acting } from '../../identity/acting.js';
import { checkNow } from '../../operations/check.js';
import type { Engine } from '../../operations/engine.js';
import { checkQuestion } from './check-question.js';
import type { CheckBody } from './check-question.js';
import { actorOf, chainOf, delegatedAnswer, delegatedQuestion } from './delegated-check.js';
import type { DelegatedBody } from './delegated-check.js';
import type { DirectAnswer, DirectQuestion } from './direct-queries.js';
import { targetOf } from './wire.js';

const ALLOWED = '{"allowed":true,"resolution":""}';
const DENIED = '{"allowed":false,"resolution":""}';

/** The schemas that the bodies are held to promise their types. */
export const answerCheck =
  (engine: Engine) =>
  ({ storeId, consistencyToken, body }: DirectQuestion): DirectAnswer | undefined => {
    const asked = body as CheckBody;
    if (!namesUser(asked)) return undefined;
    const from = checkNow(engine, checkQuestion(storeId, consistencyToken, asked, undefined));
    if (from === undefined) return undefined;
    return { from, isAllowed: from.result, text: from.result ? ALLOWED : DENIED };
  };

export const answerDelegatedCheck =
  (engine: Engine, acting: Acting) =>
  ({ storeId, caller, consistencyToken, body }: DirectQuestion): DirectAnswer | undefined => {
    const asked = body as DelegatedBody;
    if (!namesUser(asked) || asked.explain === true) return undefined;
    const actor = acting.actorOf(caller, storeId, actorOf(asked.actor));
    if (actor instanceof Promise) {
      // The route asks again, and has it answered or refused.
      actor.catch(() => undefined);
      return undefined;
    }
    const from = delegatedCheckNow(engine, {
      ...targetOf(storeId, asked, consistencyToken),
      actor,
      chain: chainOf(asked.chain),
      explain: false,
      question: delegatedQuestion(asked, undefined, 'tuple_key'),
    });
    if (from === undefined) return undefined;
    const text = JSON.stringify(delegatedAnswer(from, actor));
    return { from, isAllowed: isGranted(from.result), text };
  };

/** And not a token of the user. */
const namesUser = ({ tuple_key: key, subject_token: token }: CheckBody): boolean =>
  typeof key.user === 'string' && typeof token !== 'string';

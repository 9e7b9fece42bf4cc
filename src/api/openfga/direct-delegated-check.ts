/** Delegated checks as nearly all of them come: see `api/direct.ts`. */
import { Ajv } from 'ajv';
import { delegatedCheckNow, isGranted } from '../../delegation/decide.js';
import type { DelegatedDecision } from '../../delegation/decide.js';
import type { Acting } from '../../identity/acting.js';
import type { ServiceId } from '../../ids.js';
import type { Engine } from '../../operations/engine.js';
import type { Answer } from '../../operations/resolve.js';
import { serviceName } from '../../tuple/delegation.js';
import { bytesOf } from '../direct.js';
import type { DirectRoute } from '../direct.js';
import { parseJson } from '../json-body.js';
import { AJV_OPTIONS } from '../schema-problem.js';
import { actorOf, chainOf, delegatedQuestion } from './delegated-check.js';
import type { DelegatedBody } from './delegated-check.js';
import { DELEGATED_REQUESTS } from './delegated-schemas.js';
import { consistencyTokenOf, stampOf } from './reply.js';
import { targetOf } from './wire.js';

export function directDelegatedCheck(
  engine: Engine,
  acting: Acting,
): Pick<DirectRoute, 'path' | 'answer'> {
  const ajv = new Ajv({ ...AJV_OPTIONS, strict: false });
  const isDelegatedCheck = ajv.compile<DelegatedBody>(DELEGATED_REQUESTS.check);
  const { maxJsonDepth } = engine.config;
  return {
    path: '/delegated-check',
    answer: (request, storeId, body, caller) => {
      const value = parseJson(bytesOf(body).toString(), maxJsonDepth);
      if (!isDelegatedCheck(value) || !isPlain(value)) return undefined;
      const actor = acting.actorOf(caller, storeId, actorOf(value.actor));
      if (actor instanceof Promise) {
        // The route asks again, and has it answered or refused.
        actor.catch(() => undefined);
        return undefined;
      }
      const answer = delegatedCheckNow(engine, {
        ...targetOf(storeId, value, consistencyTokenOf(request)),
        actor,
        chain: chainOf(value.chain),
        explain: false,
        question: delegatedQuestion(value, undefined, 'tuple_key'),
      });
      return (
        answer && {
          allowed: isGranted(answer.result),
          headers: stampOf(answer),
          text: textOf(answer, actor),
        }
      );
    },
  };
}

/** What `delegatedAnswer` is as JSON; only the actor's name may need an escape. */
const textOf = ({ result, revision }: Answer<DelegatedDecision>, actor: ServiceId): string =>
  `{"allowed":${isGranted(result)},"reason":"${result.reason}","decision_id":"${result.id}",` +
  `"actor":${JSON.stringify(serviceName(actor))},"revision":${revision}}`;

/** Without a token of the user, and without a word of what is missing. */
const isPlain = ({ tuple_key: key, subject_token: token, explain }: DelegatedBody): boolean =>
  typeof key.user === 'string' && typeof token !== 'string' && explain !== true;

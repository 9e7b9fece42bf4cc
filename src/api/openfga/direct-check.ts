/** Checks as nearly all of them come, answered before Fastify sees them: see `api/direct.ts`. */
import { Ajv } from 'ajv';
import { checkNow } from '../../operations/check.js';
import type { Engine } from '../../operations/engine.js';
import { bytesOf } from '../direct.js';
import type { DirectRoute } from '../direct.js';
import { parseJson } from '../json-body.js';
import type { JsonSchema } from '../json-schema.js';
import { AJV_OPTIONS } from '../schema-problem.js';
import { checkQuestion } from './check-question.js';
import type { CheckBody } from './check-question.js';
import { consistencyTokenOf, stampOf } from './reply.js';

const ALLOWED = '{"allowed":true,"resolution":""}';
const DENIED = '{"allowed":false,"resolution":""}';

export function directCheck(
  engine: Engine,
  schema: JsonSchema,
): Pick<DirectRoute, 'path' | 'answer'> {
  const isCheck = new Ajv({ ...AJV_OPTIONS, strict: false }).compile<CheckBody>(schema);
  const { maxJsonDepth } = engine.config;
  return {
    path: '/check',
    answer: (request, storeId, body) => {
      const value = parseJson(bytesOf(body).toString(), maxJsonDepth);
      if (!isCheck(value) || !namesUser(value)) return undefined;
      const token = consistencyTokenOf(request);
      const answer = checkNow(engine, checkQuestion(storeId, token, value, undefined));
      return (
        answer && {
          allowed: answer.result,
          headers: stampOf(answer),
          text: answer.result ? ALLOWED : DENIED,
        }
      );
    },
  };
}

/** And not a token of the user. */
const namesUser = ({ tuple_key: key, subject_token: token }: CheckBody): boolean =>
  typeof key.user === 'string' && typeof token !== 'string';

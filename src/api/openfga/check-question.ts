import type { StoreId } from '../../ids.js';
import type { CheckRequest } from '../../operations/check.js';
import type { JsonObject } from '../../tuple/tuple.js';
import { questionKeyOf } from './subject-token.js';
import type { Bearer } from '../bearer.js';
import type { WireQuestionKey, WireSubjectToken } from './subject-token.js';
import { contextOf, contextualTuplesOf, targetOf } from './wire.js';
import type { WireTarget, WireTuple } from './wire.js';

export interface WireCircumstances {
  readonly contextual_tuples?: { readonly tuple_keys?: readonly WireTuple[] } | null;
  readonly context?: JsonObject | null;
}

export interface CheckBody extends WireTarget, WireCircumstances, WireSubjectToken {
  readonly tuple_key: WireQuestionKey;
}

/** `token` is the request's consistency token, if it has one. */
export const checkQuestion = (
  storeId: StoreId,
  token: string | undefined,
  body: CheckBody,
  bearer: Bearer,
): CheckRequest => ({
  ...targetOf(storeId, body, token),
  key: questionKeyOf(body.tuple_key, bearer, 'tuple_key'),
  contextualTuples: contextualTuplesOf(body.contextual_tuples),
  context: contextOf(body.context, 'context'),
  ...(bearer && { token: bearer }),
});

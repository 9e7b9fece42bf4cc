import type { StoreId } from '../../ids.js';
import type { CheckRequest } from '../../operations/check.js';
import type { JsonObject } from '../../tuple/tuple.js';
import { consistencyOf, contextOf, contextualTuplesOf, keyOf, optionalModelId } from './wire.js';
import type { WireTarget, WireTuple, WireTupleKey } from './wire.js';

export interface WireCircumstances {
  readonly contextual_tuples?: { readonly tuple_keys?: readonly WireTuple[] } | null;
  readonly context?: JsonObject | null;
}

export interface CheckBody extends WireTarget, WireCircumstances {
  readonly tuple_key: WireTupleKey;
}

/** `token` is the request's consistency token, if it has one. */
export const checkQuestion = (
  storeId: StoreId,
  token: string | undefined,
  body: CheckBody,
): CheckRequest => ({
  storeId,
  ...optionalModelId(body.authorization_model_id),
  consistency: consistencyOf(body.consistency, token),
  key: keyOf(body.tuple_key, 'tuple_key'),
  contextualTuples: contextualTuplesOf(body.contextual_tuples),
  context: contextOf(body.context, 'context'),
});

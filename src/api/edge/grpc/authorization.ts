/**
 * Envoy's question in gRPC, with each request that it gets. The same as by HTTP, but for how it is
 * said: the original request is a message, the store may be told by the route (`context_extensions`),
 * and the gateway says who it is in the call's own metadata, which no client has a say in.
 */
import type { Metadata, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import type { Clock } from '../../../clock.js';
import { PembaError } from '../../../errors.js';
import { ANYONE } from '../../../identity/caller.js';
import { refused } from '../../../identity/refusal.js';
import type { StoreId } from '../../../ids.js';
import type { Admission, Door } from '../../admission.js';
import type { Answering } from '../../decision.js';
import { chargeMore } from '../../gate.js';
import type { Overload } from '../../shedding.js';
import { answer, toldOfError } from '../answer.js';
import type { EdgeParts, Told } from '../answer.js';
import { askedStore } from '../edge-routes.js';
import { gatewayRequest } from '../profiles.js';
import { isFailure, responseOf } from './response.js';
import { rawHeadersOf } from './wire.js';
import type { CheckRequest, CheckResponse } from './wire.js';

export interface AuthorizationParts extends EdgeParts {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Undefined when callers are not authenticated. */
  readonly door: Door | undefined;
  readonly overload: Overload;
  readonly newRequestId: (asked: { readonly headers: Readonly<Record<string, string>> }) => string;
  readonly onAnswer: (line: AnswerLine) => void;
}

export interface AnswerLine {
  readonly requestId: string;
  readonly store: string | undefined;
  readonly status: number;
  readonly ms: number;
}

type Call = ServerUnaryCall<CheckRequest, CheckResponse>;

/** Never rejects. */
export async function authorize(
  parts: AuthorizationParts,
  call: Call,
  send: sendUnaryData<CheckResponse>,
): Promise<void> {
  const asking = new Asking(parts, call);
  const told = await tell(parts, call, asking);
  const response = responseOf(told, asking.decisionId);
  if (isFailure(response)) send(response);
  else send(null, response);
  parts.onAnswer({
    requestId: asking.request.id,
    store: asking.storeId,
    status: told.status,
    ms: asking.elapsedTime,
  });
}

async function tell(parts: AuthorizationParts, call: Call, asking: Asking): Promise<Told> {
  let leave: (() => void) | undefined;
  try {
    leave = parts.overload.enter();
    asking.request.admission = await admit(parts, call, asking);
    return await answerCall(parts, call, asking);
  } catch (error) {
    return toldOfError(parts, 'envoy-grpc', asking.request.id, error);
  } finally {
    leave?.();
  }
}

/** The question as it is noted, and what is noted of it. */
class Asking implements Answering {
  readonly request: { readonly id: string; admission: Admission | undefined };
  storeId: StoreId | undefined;
  decisionId = '';
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #startedAt: number;

  constructor({ clock, newRequestId }: AuthorizationParts, { request }: Call) {
    this.#clock = clock;
    this.#startedAt = clock.monotonic();
    const id = request.attributes?.request?.http?.id ?? '';
    this.request = { id: newRequestId({ headers: { 'x-request-id': id } }), admission: undefined };
  }

  get elapsedTime(): number {
    return this.#clock.monotonic() - this.#startedAt;
  }

  header(name: string, value: string): void {
    if (name === 'pemba-decision-id') this.decisionId = value;
  }
}

async function admit(
  { door, rootStore }: AuthorizationParts,
  call: Call,
  asking: Asking,
): Promise<Admission | undefined> {
  const storeId = (): StoreId => {
    const named = call.request.attributes?.context_extensions?.['store'];
    return (asking.storeId = askedStore(named ?? rootStore));
  };
  if (door === undefined) {
    storeId();
    return undefined;
  }
  return door.admit({
    credentials: credentialsOf(call.metadata),
    address: call.getPeer().replace(/:\d+$/, ''),
    right: 'store:query',
    storeId,
    cost: 1,
    tell: () => undefined,
  });
}

/** As by HTTP, or as is usual in gRPC; whoever says it twice means mischief. */
function credentialsOf(metadata: Metadata): string | undefined {
  const keys = metadata.get('pemba-key').map((key) => `Bearer ${String(key)}`);
  const [credentials, ...others] = [...keys, ...metadata.get('authorization').map(String)];
  if (others.length > 0) throw refused('several_headers');
  return credentials;
}

function answerCall(parts: AuthorizationParts, call: Call, asking: Asking): Promise<Told> {
  const { source, request } = call.request.attributes ?? {};
  const http = request?.http ?? {};
  const { storeId } = asking;
  if (storeId === undefined) throw new PembaError('internal', 'nothing has looked for the store');
  return answer(parts, {
    askedBy: 'envoy-grpc',
    gateway: asking.request.admission?.caller ?? ANYONE,
    storeId,
    original: gatewayRequest({
      method: given(http.method),
      target: given(http.path),
      authority: given(http.host),
      address: source?.address?.socket_address?.address,
    }),
    rawHeaders: rawHeadersOf(http),
    reply: asking,
    charge: (checks) => {
      // Envoy has gone on: nobody would hear what it costs to find out.
      if (call.cancelled) throw new PembaError('query_deadline', 'the caller has given up');
      chargeMore(asking.request, { headers: () => undefined }, checks - 1);
    },
  });
}

/** What is not sent is empty in `protobuf`. */
const given = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

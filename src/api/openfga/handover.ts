/**
 * Requests that were read by somebody else before Fastify got them: it finds their body here, and
 * the failure that was met, so that nothing is read or computed twice and every refusal is worded in
 * one place.
 */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { isNativeError } from 'node:util/types';

export interface HandedOver {
  /** The whole body, or the failure that it broke off with. */
  readonly body: readonly Buffer[] | Error;
  /** What answering came to, thrown where the route would have come to it. */
  readonly failure?: unknown;
}

const handedOver = new WeakMap<IncomingMessage, HandedOver>();

export function handOver(request: IncomingMessage, what: HandedOver): void {
  handedOver.set(request, what);
}

/** What Fastify is to read in place of the request. */
export function payloadOf(request: IncomingMessage): Readable | undefined {
  const body = handedOver.get(request)?.body;
  if (body === undefined) return undefined;
  if (!isNativeError(body)) return Readable.from(body);
  return new Readable({
    read() {
      this.destroy(body);
    },
  });
}

export function throwFailureOf(request: IncomingMessage): void {
  const known = handedOver.get(request);
  if (known !== undefined && 'failure' in known) throw known.failure;
}

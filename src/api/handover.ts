/**
 * Requests that were read by somebody else before Fastify got them: it finds their body here, and
 * the failure that was met, so that nothing is read or computed twice and every refusal is worded in
 * one place.
 */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

export interface HandedOver {
  /** The whole body; undefined when it broke off. */
  readonly body: readonly Buffer[] | undefined;
  /** What it broke off with. */
  readonly brokenOff?: Error;
  /** What answering came to, thrown where the route would have come to it. */
  readonly failure?: unknown;
}

const handedOver = new WeakMap<IncomingMessage, HandedOver>();

export function handOver(request: IncomingMessage, what: HandedOver): void {
  handedOver.set(request, what);
}

/** What Fastify is to read in place of the request. */
export function payloadOf(request: IncomingMessage): Readable | undefined {
  const known = handedOver.get(request);
  if (known === undefined) return undefined;
  if (known.body !== undefined) return Readable.from(known.body);
  return new Readable({
    read() {
      this.destroy(known.brokenOff);
    },
  });
}

export function throwFailureOf(request: IncomingMessage): void {
  const known = handedOver.get(request);
  if (known !== undefined && 'failure' in known) throw known.failure;
}

/**
 * Which permits count no longer: a list to ask for again and again, or a stream of events (as browsers
 * and proxies know them). A service needs it to refuse a permit before its minute is over.
 *
 * For who may query the store, and for who is a service of it: that is who gets permits.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Revocations } from '../../delegation/revocations.js';
import type { Watermark } from '../../delegation/watermark.js';
import { allExpiredAt } from '../../delegation/delegation.js';
import { CLOCK_SKEW_MAX_S } from '../../delegation/lifetime.js';
import { PembaError, invalidRequest } from '../../errors.js';
import type { Identity } from '../../identity/identity.js';
import { isUlid } from '../../ids.js';
import type { StoreId } from '../../ids.js';
import type { Engine } from '../../operations/engine.js';
import { getStore } from '../../operations/stores.js';
import { storeNotFound } from '../../storage/stores.js';
import { ACTING_FOR } from '../../tuple/delegation.js';
import { parseObject } from '../../tuple/tuple.js';
import { deedOf } from '../attribution.js';
import { callerOf } from '../gate.js';
import type { JsonSchema } from '../json-schema.js';

interface RevocationsRoute {
  Params: { storeId?: string };
  Querystring: { after?: string; page_size?: string };
}

export interface RevocationRoutesParts {
  readonly revocations: Revocations;
  readonly identity: Pick<Identity, 'acting' | 'rights'>;
  /** Whose they are at the path without a store; '' for none. */
  readonly rootStore: string;
}

export const REVOKE_BODY: JsonSchema = {
  type: 'object',
  required: ['kind'],
  additionalProperties: false,
  properties: {
    kind: { enum: ['jti', 'sub', 'act', 'txn', 'all'] },
    value: { type: 'string', maxLength: 512, description: 'Such as user:anne, or service:orders' },
  },
};

const EVENTS = 'text/event-stream';
/** Proxies give up on what is silent for half a minute. */
const HEARTBEAT_MS = 15_000;
/** Of one process: each keeps a connection. */
const MAX_STREAMS = 1000;
/** So that no service, with all its instances, keeps the others from learning what was revoked. */
const MAX_STREAMS_OF_CALLER = 250;
const PAGE_DEFAULT = 100;
const PAGE_MAX = 1000;

export function registerRevocations(instance: FastifyInstance, parts: RevocationRoutesParts): void {
  const { revocations } = parts;
  const streams = new OpenStreams();
  const answer = async (
    request: FastifyRequest<RevocationsRoute>,
    reply: FastifyReply,
  ): Promise<object> => {
    const storeId = await visibleStore(parts, request);
    const wantsEvents = request.headers.accept?.includes(EVENTS) === true;
    const after = cursorOf(request, wantsEvents);
    if (!(await revocations.hasReached(storeId, after))) throw unknownCursor('after');
    void reply.header('cache-control', 'no-store').header('vary', 'accept');
    if (!wantsEvents) {
      const limit = pageSizeOf(request.query.page_size);
      const found = await revocations.after(storeId, after, limit);
      const cursor = String(found.at(-1)?.id ?? after);
      return { revocations: found.map(toWire), cursor };
    }
    const leave = streams.enter(callerOf(request).name);
    const gone = new AbortController();
    reply.raw.once('close', () => {
      leave();
      gone.abort();
    });
    const following = { heartbeatMs: HEARTBEAT_MS, signal: gone.signal };
    const events = Readable.from(eventsOf(revocations.follow(storeId, after, following)), {
      objectMode: false,
    });
    return reply.header('content-type', EVENTS).serializer(String).send(events);
  };
  instance.addHook('preClose', (done) => {
    revocations.endStreams();
    done();
  });
  const options = { config: { right: 'authenticated' as const } };
  instance.get<RevocationsRoute>('/revocations', options, answer);
  instance.get<RevocationsRoute>('/stores/:storeId/revocations', options, answer);
}

/**
 * What is issued in the next seconds is meant as well: another process may be exchanging a permit that
 * it does not know to be revoked, and clocks differ.
 */
const LEAD_S = CLOCK_SKEW_MAX_S;

class OpenStreams {
  #count = 0;
  readonly #byCaller = new Map<string, number>();

  /** Returns how to leave. */
  enter(caller: string): () => void {
    const own = this.#byCaller.get(caller) ?? 0;
    if (this.#count >= MAX_STREAMS || own >= MAX_STREAMS_OF_CALLER) {
      throw new PembaError('overloaded', 'too many streams of revocations are open');
    }
    this.#count += 1;
    this.#byCaller.set(caller, own + 1);
    return () => {
      this.#count -= 1;
      const left = (this.#byCaller.get(caller) ?? 1) - 1;
      if (left === 0) this.#byCaller.delete(caller);
      else this.#byCaller.set(caller, left);
    };
  }
}

interface RevokeRoute {
  Params: { storeId: string };
  Body: { kind: 'jti' | 'sub' | 'act' | 'txn' | 'all'; value?: string };
}

/** For whoever has to end permits before their time: a person's, a service's, a transaction's, all. */
export function registerRevoking(
  instance: FastifyInstance,
  { revocations, engine }: { readonly revocations: Revocations; readonly engine: Engine },
): void {
  instance.post<RevokeRoute>(
    '/stores/:storeId/revocations',
    { config: { right: 'store:administer' }, schema: { body: REVOKE_BODY } },
    async (request, reply) => {
      const { kind, value = '' } = request.body;
      const storeId = storeIdOf(request.params.storeId);
      if ((kind === 'all') !== (value === '')) {
        throw invalidRequest('value', 'is required, but for the kind all, which has none');
      }
      if (!isMeant(kind, value)) {
        throw invalidRequest('value', `is nothing that can be a ${kind} of a permit`);
      }
      await getStore(engine, storeId);
      const notBefore = Math.floor(engine.clock.now() / 1000) + LEAD_S;
      const revocation = { kind, value, notBefore, expiresAt: allExpiredAt(notBefore) };
      const { deed } = deedOf(engine.config, request, 'permits.revoke', { kind, value });
      await revocations.raiseNow(storeId, revocation, deed);
      void reply.code(201);
      return { kind, value, not_before: notBefore, expires: revocation.expiresAt };
    },
  );
}

/** `anne` is nobody's subject, and would revoke nothing. */
function isMeant(kind: RevokeRoute['Body']['kind'], value: string): boolean {
  switch (kind) {
    case 'sub':
      return parseObject(value) !== undefined;
    case 'act':
      return parseObject(value)?.type === ACTING_FOR.type;
    default:
      return true;
  }
}

async function visibleStore(
  { identity, rootStore }: RevocationRoutesParts,
  request: FastifyRequest<RevocationsRoute>,
): Promise<StoreId> {
  const { storeId } = request.params;
  if (storeId === undefined && rootStore === '') throw storeNotFound('');
  const id = storeIdOf(storeId ?? rootStore);
  const { acting, rights } = identity;
  const verdict = await rights?.verdict(callerOf(request), 'store:query', id);
  if (verdict === undefined || verdict.kind === 'allowed') return id;
  const services = await acting.servicesOf(callerOf(request), id);
  if (services.length > 0) return id;
  throw storeNotFound(id);
}

function storeIdOf(text: string): StoreId {
  if (!isUlid(text)) throw invalidRequest('store_id', 'must be a ULID (26 characters)');
  return text as StoreId;
}

const unknownCursor = (field: string): PembaError =>
  invalidRequest(field, 'must be a cursor that was given before');

const CURSOR = /^\d{1,15}$/;

function cursorOf({ query, headers }: FastifyRequest<RevocationsRoute>, isStream: boolean): number {
  const resumed = isStream ? headers['last-event-id'] : undefined;
  const field = resumed === undefined ? 'after' : 'last-event-id';
  const text = resumed ?? query.after;
  if (text === undefined || text === '') return 0;
  if (typeof text !== 'string' || !CURSOR.test(text)) {
    throw unknownCursor(field);
  }
  return Number(text);
}

function pageSizeOf(text: string | undefined): number {
  if (text === undefined) return PAGE_DEFAULT;
  const size = typeof text === 'string' && /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (size >= 1 && size <= PAGE_MAX) return size;
  throw new PembaError('invalid_page_size', `page_size: must be from 1 to ${PAGE_MAX}`, {
    facts: { field: 'page_size' },
  });
}

const toWire = ({ id, kind, value, notBefore, expiresAt }: Watermark): object => ({
  id,
  kind,
  value,
  not_before: notBefore,
  expires: expiresAt,
});

async function* eventsOf(
  parts: AsyncGenerator<readonly Watermark[], void, undefined>,
): AsyncGenerator<string, void, undefined> {
  for await (const watermarks of parts) {
    if (watermarks.length === 0) yield ': nothing new\n\n';
    for (const watermark of watermarks) {
      yield `id: ${watermark.id}\nevent: revocation\ndata: ${JSON.stringify(toWire(watermark))}\n\n`;
    }
  }
}

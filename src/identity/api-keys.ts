/**
 * Keys of callers.
 *
 *   created: a row with the proof of its secret, and the tuple that makes it live ── shown once
 *      │ first use in a process: the secret is proved, slowly; the outcome is kept by its hash
 *      ▼
 *   live ── the tuple expires, or is deleted by `revoke` ──▶ refused in every process, as soon as
 *           the change has reached its graph
 *
 * So revoking needs no channel of its own, and a process without a database still knows who is live.
 */
import { createHash } from 'node:crypto';
import { PembaError } from '../errors.js';
import type { KeyId } from '../ids.js';
import type { Engine } from '../operations/engine.js';
import { submit } from '../operations/write.js';
import type { Attribution, Deed } from '../storage/audit-chain.js';
import {
  findApiKey,
  findKeyProof,
  insertApiKey,
  listApiKeys,
  markRevoked,
} from '../storage/api-keys.js';
import type { ApiKeyRecord } from '../storage/api-keys.js';
import type { RelationTuple, TupleKey } from '../tuple/tuple.js';
import { callerOf } from './caller.js';
import type { Caller } from './caller.js';
import { changeGrants } from './grants.js';
import type { Grant, Role } from './grants.js';
import { NO_PROOF, formatKey, newSecret, parseKey, proofOf, provesKey } from './key-text.js';
import type { KeyParts, RandomBytes } from './key-text.js';
import { DEPLOYMENT } from './system-graph.js';
import type { SystemGraph } from './system-graph.js';
import { refused } from './refusal.js';

/** Of some 200 bytes each. */
const MAX_PROVED = 10_000;
/** Proving takes a thread for some milliseconds; beyond this many at once it is an attack. */
const MAX_PROVING = 64;

export interface NewKey {
  readonly label: string;
  readonly expiresAt?: number;
  readonly roles: readonly Role[];
  /** The name of who asks for it. */
  readonly createdBy: string;
  readonly deed?: Deed;
}

export interface CreatedKey {
  readonly id: KeyId;
  /** The key itself: nothing can show it again. */
  readonly key: string;
}

const livenessKey = (id: KeyId): TupleKey => ({
  object: { type: 'key', id },
  relation: 'live',
  subject: { kind: 'object', ...DEPLOYMENT },
});

const liveness = (id: KeyId, expiresAt: number | undefined): RelationTuple => ({
  ...livenessKey(id),
  ...(expiresAt !== undefined && { expiresAt }),
});

export class ApiKeys {
  readonly #engine: Engine;
  readonly #graph: SystemGraph;
  readonly #random: RandomBytes;
  readonly #proved = new Map<string, Proved>();
  readonly #proving = new Map<string, Promise<Caller>>();

  constructor(engine: Engine, graph: SystemGraph, random: RandomBytes) {
    this.#engine = engine;
    this.#graph = graph;
    this.#random = random;
  }

  async create({ label, expiresAt, roles, createdBy, deed }: NewKey): Promise<CreatedKey> {
    const { database, clock, newId } = this.#engine;
    const parts: KeyParts = { id: newId() as KeyId, secret: newSecret(this.#random) };
    await insertApiKey(
      database,
      {
        id: parts.id,
        label,
        createdBy,
        createdAt: new Date(clock.now()),
        expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt),
      },
      await proofOf(parts.secret, this.#random),
    );
    const subject = { kind: 'object' as const, type: 'key', id: parts.id };
    const grants: readonly Grant[] = roles.map((role) => ({ role, subject }));
    await changeGrants(this.#engine, this.#graph.storeId, {
      add: grants,
      remove: [],
      beside: [liveness(parts.id, expiresAt)],
      ...(deed !== undefined && {
        deed: { ...deed, details: { ...deed.details, key_id: parts.id } },
      }),
    });
    return { id: parts.id, key: formatKey(parts) };
  }

  /** At once, in every process; what the key was granted counts for nothing without it. */
  async revoke(id: KeyId, by?: Attribution): Promise<void> {
    const { database, clock } = this.#engine;
    await submit(this.#engine, this.#graph.storeId, {
      deletes: [livenessKey(id)],
      writes: [],
      onMissing: 'ignore',
      onDuplicate: 'error',
      ...(by !== undefined && { deed: { action: 'key.revoke', by, details: { key_id: id } } }),
    });
    await markRevoked(database, id, new Date(clock.now()));
  }

  /** Throws `key_not_found`. */
  async get(id: KeyId): Promise<ApiKeyRecord> {
    const found = await findApiKey(this.#engine.database, id);
    if (found === undefined) throw keyNotFound(id);
    return found;
  }

  list(page: {
    readonly after: string;
    readonly limit: number;
    readonly createdBy?: string;
  }): Promise<readonly ApiKeyRecord[]> {
    return listApiKeys(this.#engine.database, page);
  }

  /** Who holds the key, in the same turn when it has been proved before. Throws `unauthenticated`. */
  authenticate(text: string): Caller | Promise<Caller> {
    const hash = createHash('sha256').update(text).digest('base64');
    const proved = this.#proved.get(hash);
    if (proved !== undefined) return this.#ifLive(proved.id, proved.caller);
    const known = this.#proving.get(hash);
    if (known !== undefined) return known;
    if (this.#proving.size >= MAX_PROVING) {
      throw new PembaError('overloaded', 'too many keys are being looked at for the first time');
    }
    const proving = this.#prove(text, hash).finally(() => this.#proving.delete(hash));
    this.#proving.set(hash, proving);
    return proving;
  }

  async #prove(text: string, hash: string): Promise<Caller> {
    const parts = parseKey(text);
    if (parts === undefined) throw refused('malformed_key');
    const stored = await findKeyProof(this.#engine.database, parts.id);
    const isProved = await provesKey(parts.secret, stored ?? NO_PROOF);
    if (stored === undefined || !isProved) throw refused('wrong_key');
    const caller = callerOf({ kind: 'key', keyId: parts.id, label: stored.label });
    this.#keep(hash, { id: parts.id, caller });
    return this.#ifLive(parts.id, caller);
  }

  #keep(hash: string, proved: Proved): void {
    this.#proved.set(hash, proved);
    if (this.#proved.size <= MAX_PROVED) return;
    const [oldest] = this.#proved.keys();
    if (oldest !== undefined) this.#proved.delete(oldest);
  }

  #ifLive(id: KeyId, caller: Caller): Caller | Promise<Caller> {
    const live = this.#graph.holds(livenessKey(id));
    if (live instanceof Promise) return live.then((isLive) => orRefuse(isLive, caller));
    return orRefuse(live, caller);
  }
}

interface Proved {
  readonly id: KeyId;
  readonly caller: Caller;
}

function orRefuse(isLive: boolean, caller: Caller): Caller {
  if (!isLive) throw refused('key_not_live');
  return caller;
}

export const keyNotFound = (id: string): PembaError =>
  new PembaError('key_not_found', `There is no key '${id}'`, { facts: { key_id: id } });

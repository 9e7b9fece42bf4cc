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
import { hash } from 'node:crypto';
import { PembaError } from '../errors.js';
import type { KeyId, Revision } from '../ids.js';
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
import { BoundedMap } from './bounded-map.js';
import { callerOf } from './caller.js';
import type { Caller } from './caller.js';
import { changeGrants } from './grants.js';
import type { Grant, Role } from './grants.js';
import { NO_PROOF, formatKey, newSecret, parseKey, proofOf, provesKey } from './key-text.js';
import type { KeyParts, RandomBytes } from './key-text.js';
import { DEPLOYMENT } from './system-graph.js';
import type { SystemGraph } from './system-graph.js';
import { refused } from './refusal.js';
import { REMEMBERED_MS } from './rights.js';

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
  /** By the hash of the key's text. */
  readonly #proved = new BoundedMap<string, Proved>(MAX_PROVED);
  readonly #proving = new Map<string, Promise<Proved>>();

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

  /** Who holds the key, if it has been proved here before and is live. */
  known(text: string): Caller | undefined {
    const proved = this.#proved.get(digestOf(text));
    return proved !== undefined && this.#isLive(proved) ? proved.caller : undefined;
  }

  /** Remembered as rights are: until the graph changes, and for a second at most. */
  #isLive(proved: Proved): boolean {
    const { revision, now } = this.#graph;
    if (proved.liveAt === revision && now < proved.liveUntil) return true;
    if (this.#graph.holds(livenessKey(proved.id)) !== true) return false;
    proved.liveAt = revision;
    proved.liveUntil = now + REMEMBERED_MS;
    return true;
  }

  /** Who holds the key; rejects with `unauthenticated`. */
  async authenticate(text: string): Promise<Caller> {
    const digest = digestOf(text);
    const { id, caller } = this.#proved.get(digest) ?? (await this.#proveOnce(text, digest));
    if (!(await this.#graph.holds(livenessKey(id)))) throw refused('key_not_live');
    return caller;
  }

  #proveOnce(text: string, digest: string): Promise<Proved> {
    const known = this.#proving.get(digest);
    if (known !== undefined) return known;
    if (this.#proving.size >= MAX_PROVING) {
      throw new PembaError('overloaded', 'too many keys are being looked at for the first time');
    }
    const proving = this.#prove(text, digest).finally(() => this.#proving.delete(digest));
    this.#proving.set(digest, proving);
    return proving;
  }

  async #prove(text: string, digest: string): Promise<Proved> {
    const parts = parseKey(text);
    if (parts === undefined) throw refused('malformed_key');
    const stored = await findKeyProof(this.#engine.database, parts.id);
    const isProved = await provesKey(parts.secret, stored ?? NO_PROOF);
    if (stored === undefined || !isProved) throw refused('wrong_key');
    const caller = callerOf({ kind: 'key', keyId: parts.id, label: stored.label });
    const proved: Proved = { id: parts.id, caller, liveAt: undefined, liveUntil: 0 };
    this.#proved.set(digest, proved);
    return proved;
  }
}

interface Proved {
  readonly id: KeyId;
  readonly caller: Caller;
  /** The graph's revision when it was last found live. */
  liveAt: Revision | undefined;
  /** Milliseconds since 1970. */
  liveUntil: number;
}

const digestOf = (text: string): string => hash('sha256', text, 'base64');

export const keyNotFound = (id: string): PembaError =>
  new PembaError('key_not_found', `There is no key '${id}'`, { facts: { key_id: id } });

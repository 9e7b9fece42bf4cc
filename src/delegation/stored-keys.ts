/**
 * Keys of the database, sealed there, open in memory. They are read every second, so a change reaches
 * every process within that time; while the database is away, what was read goes on to count for as
 * long as `key-schedule.ts` finds safe.
 *
 * A row counts only if it opens under the master key and holds the key of its id. Whoever can write to
 * the database but has not the master key can take keys away, and add none.
 */
import type { KeyObject } from 'node:crypto';
import type { Clock } from '../clock.js';
import { PembaError } from '../errors.js';
import type { RandomBytes } from '../identity/key-text.js';
import type { Timers } from '../identity/timers.js';
import type { StoreId } from '../ids.js';
import { appendDeeds } from '../storage/audit.js';
import { OURSELVES } from '../storage/audit-chain.js';
import type { Deed } from '../storage/audit-chain.js';
import type { Database, Session } from '../storage/database.js';
import { changeSigningKeys, readSigningKeys } from '../storage/signing-keys.js';
import type { SigningKeyRecord } from '../storage/signing-keys.js';
import type { JsonObject } from '../tuple/tuple.js';
import {
  IN_TOUCH_MS,
  JWKS_MAX_AGE_SECONDS,
  dropped,
  needsUpkeep,
  nextChange,
  rotated,
  statesAt,
  upkeep,
  withoutNext,
} from './key-schedule.js';
import type { KeyState, Rules } from './key-schedule.js';
import { keySetDocument } from './key-set-document.js';
import type { MasterKey } from './sealed-key.js';
import { SigningKey } from './signing-key.js';
import type { SigningAlgorithm } from './signing-key.js';
import type { ListedKey, PublishedKeys, SigningKeyEvents, SigningKeys } from './signing-keys.js';

export interface StoredKeysParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly timers: Timers;
  readonly events: SigningKeyEvents;
  readonly masterKey: () => MasterKey;
  readonly algorithm: SigningAlgorithm;
  readonly lifetimeMs: number;
  readonly pollIntervalMs: number;
  /** Whose audit log tells of changes, where there is one. */
  readonly auditStore: StoreId | undefined;
}

type Records = readonly SigningKeyRecord[];
type Decision = (stored: Records, rules: Rules<SigningKeyRecord>) => Records;

/** How the keys stand between two instants. */
interface View {
  readonly from: number;
  readonly until: number;
  readonly states: readonly (readonly [SigningKeyRecord, KeyState])[];
  /** Undefined when it was made with another master key. */
  readonly signing: SigningKey | undefined;
  readonly published: ReadonlyMap<string, SigningKey>;
  readonly document: { readonly body: string; readonly etag: string };
}

export class StoredKeys implements SigningKeys {
  readonly #parts: StoredKeysParts;
  #masterKey: MasterKey | undefined;
  #records: Records = [];
  /** By id; undefined for what does not open. */
  #opened: ReadonlyMap<string, SigningKey | undefined> = new Map();
  /** By the clock that never runs backwards. */
  #readAt = -Infinity;
  #view: View | undefined;
  #signingId: string | undefined;
  /** The end of what was begun last: reading and changing take turns. */
  #turn: Promise<unknown> = Promise.resolve();
  #isFailing = false;
  #isStopped = false;
  #cancelTimer: () => void = () => undefined;

  constructor(parts: StoredKeysParts) {
    this.#parts = parts;
  }

  /** Throws `cannot_start` when there are keys that the master key does not open. */
  async start(): Promise<void> {
    this.#masterKey = this.#parts.masterKey();
    const { algorithm } = this.#parts;
    // Once a process, and not at each poll: two that are set differently would never come to rest.
    await this.#change((stored, rules) => {
      if (stored.some((key) => this.#open(key) === undefined)) throw wrongMasterKey();
      return withoutNext(stored, (key) => key.algorithm !== algorithm, rules);
    });
    this.#pollLater();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTimer();
    await this.#turn;
  }

  sign(typ: string, claims: JsonObject): string {
    const { signing } = this.#current();
    if (signing === undefined) {
      throw new PembaError('unavailable', 'nothing can be signed: the signing key is not readable');
    }
    return signing.sign(typ, claims);
  }

  verificationKey(kid: string): KeyObject | undefined {
    return this.#current().published.get(kid)?.publicKey;
  }

  jwks(): { readonly keys: readonly JsonObject[] } {
    return { keys: [...this.#current().published.values()].map(({ jwk }) => jwk) };
  }

  published(): PublishedKeys {
    const { document } = this.#current();
    const leftSeconds = Math.floor((IN_TOUCH_MS - this.#ageMs()) / 1000);
    return { ...document, maxAgeSeconds: Math.min(JWKS_MAX_AGE_SECONDS, leftSeconds) };
  }

  list(): readonly ListedKey[] {
    return this.#current().states.map(([{ id, algorithm, createdAt, activeFrom }, state]) => ({
      id,
      algorithm: algorithm as SigningAlgorithm,
      state,
      createdAt,
      activeFrom,
    }));
  }

  async rotate(deed?: Deed): Promise<readonly ListedKey[]> {
    await this.#change(rotated, deed);
    return this.list();
  }

  async drop(id: string, deed?: Deed): Promise<readonly ListedKey[]> {
    await this.#change((stored, rules) => {
      if (stored.some((key) => key.id === id)) return dropped(stored, id, rules);
      throw new PembaError('signing_key_not_found', `There is no signing key '${id}'`, {
        facts: { key_id: id },
      });
    }, deed);
    return this.list();
  }

  /** Reads the keys, and does what is due. Never rejects. */
  async refresh(): Promise<void> {
    const { database, clock, events } = this.#parts;
    try {
      const records = await this.#inTurn(async () => {
        const readAt = clock.monotonic();
        const read = await readSigningKeys(database);
        this.#adopt(read, readAt);
        return read;
      });
      const isDue = needsUpkeep(records, clock.now());
      if (isDue && !this.#isStopped) await this.#change(upkeep);
      this.#isFailing = false;
    } catch (error) {
      // Told once, not every second.
      if (!this.#isFailing) events.failed(error);
      this.#isFailing = true;
    }
  }

  #pollLater(): void {
    if (this.#isStopped) return;
    const { timers, pollIntervalMs } = this.#parts;
    this.#cancelTimer = timers.after(pollIntervalMs, () => {
      void this.refresh().then(() => {
        this.#pollLater();
      });
    });
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** What others see of it, they see at once and whole: it is one transaction. */
  #change(decide: Decision, deed?: Deed): Promise<void> {
    const { database, clock, events } = this.#parts;
    return this.#inTurn(async () => {
      const readAt = clock.monotonic();
      const made: SigningKeyRecord[] = [];
      let removed: readonly string[] = [];
      const after = await changeSigningKeys(
        database,
        (stored) => decide(stored, this.#rules(made)),
        (session, before, decided) => {
          const kept = new Set(decided.map(({ id }) => id));
          removed = before.flatMap(({ id }) => (kept.has(id) ? [] : [id]));
          return this.#record(session, made, deed);
        },
      );
      for (const key of made) events.made(key);
      for (const id of removed) events.removed(id);
      this.#adopt(after, readAt);
    });
  }

  #rules(made: SigningKeyRecord[]): Rules<SigningKeyRecord> {
    const { clock, lifetimeMs, algorithm, random } = this.#parts;
    const now = clock.now();
    const make = (activeFrom: Date): SigningKeyRecord => {
      const key = SigningKey.generate(algorithm);
      const sealed = this.#master().seal(key, random);
      const record = { id: key.id, algorithm, createdAt: new Date(now), activeFrom, sealed };
      made.push(record);
      return record;
    };
    return { now, lifetimeMs, make };
  }

  /** In the transaction: what an administrator did, or that keys were made because it was time. */
  async #record(session: Session, made: Records, deed: Deed | undefined): Promise<void> {
    const { auditStore, clock } = this.#parts;
    if (auditStore === undefined || (deed === undefined && made.length === 0)) return;
    const done: Deed = deed ?? { action: 'signing_key.create', by: OURSELVES, details: {} };
    const details = made.length === 0 ? {} : { made: made.map(({ id }) => id) };
    const told = { ...done, details: { ...done.details, ...details } };
    await appendDeeds(session, auditStore, [told], new Date(clock.now()));
  }

  #adopt(records: Records, readAt: number): void {
    const opened = new Map(records.map((key) => [key.id, this.#open(key)]));
    for (const [id, key] of opened) {
      if (key === undefined && !this.#opened.has(id)) this.#parts.events.unreadable(id);
    }
    this.#records = records;
    this.#opened = opened;
    this.#readAt = readAt;
    this.#view = this.#viewAt(this.#parts.clock.now());
  }

  #open({ id, sealed }: SigningKeyRecord): SigningKey | undefined {
    return this.#opened.has(id) ? this.#opened.get(id) : this.#master().open(id, sealed);
  }

  #master(): MasterKey {
    if (this.#masterKey === undefined) throw new PembaError('internal', 'not started');
    return this.#masterKey;
  }

  /** Throws `unavailable` when it is too long ago that the keys were read. */
  #current(): View {
    if (this.#ageMs() >= IN_TOUCH_MS) {
      throw new PembaError('unavailable', 'the signing keys have not been read for too long');
    }
    // All were removed, and new ones are about to be made: nobody is to keep an empty set.
    if (this.#records.length === 0) {
      throw new PembaError('unavailable', 'there are no signing keys at the moment');
    }
    const now = this.#parts.clock.now();
    const view = this.#view;
    if (view !== undefined && now >= view.from && now < view.until) return view;
    this.#view = this.#viewAt(now);
    return this.#view;
  }

  #viewAt(now: number): View {
    const states = statesAt(this.#records, now);
    const published = states.flatMap(([{ id }, state]) => {
      const key = state === 'gone' ? undefined : this.#opened.get(id);
      return key === undefined ? [] : [key];
    });
    const active = states.find(([, state]) => state === 'active')?.[0];
    const signing = active && this.#opened.get(active.id);
    if (signing !== undefined && signing.id !== this.#signingId) {
      this.#signingId = signing.id;
      this.#parts.events.signing(signing.id);
    }
    return {
      from: now,
      until: nextChange(this.#records, now),
      states,
      signing,
      published: new Map(published.map((key) => [key.id, key])),
      document: keySetDocument(published),
    };
  }

  #ageMs = (): number => this.#parts.clock.monotonic() - this.#readAt;
}

const wrongMasterKey = (): PembaError =>
  new PembaError(
    'cannot_start',
    'The signing keys in the database do not open under the master key: they were made with ' +
      'another. Set PEMBA_MASTER_KEY to that one (an embedded database has it in DATA_DIR, in ' +
      'master.key). If it is lost, "pemba signing-keys reset" removes the keys: what they have ' +
      'signed is refused then.',
  );

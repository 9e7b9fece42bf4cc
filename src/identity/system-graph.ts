/**
 * Questions to the system store, by the same check as any other store's. They are answered from
 * memory, so also while the database is away; a grant or a revocation reaches every process as any
 * change does, through the log.
 */
import { Config } from '../config.js';
import type { Revision, StoreId } from '../ids.js';
import { check, checkNow } from '../operations/check.js';
import type { CheckRequest } from '../operations/check.js';
import type { Engine } from '../operations/engine.js';
import { listObjects } from '../operations/list.js';
import type { ObjectRef, RelationTuple, Subject, TupleKey } from '../tuple/tuple.js';
import type { Caller } from './caller.js';
import { principalSubject } from './principal.js';
import type { KnownPrincipal } from './principal.js';
import { MAX_ROLES } from './token-principal.js';

export const DEPLOYMENT: ObjectRef = { type: 'deployment', id: 'pemba' };

/** More stores or modules than anybody has who is not an administrator of all. */
const MAX_LISTED = 100_000;

export class SystemGraph {
  readonly storeId: StoreId;
  readonly #engine: Engine;

  constructor(engine: Engine, storeId: StoreId) {
    // A setting limits what requests bring along, not what the gate adds.
    const limit = { maxContextualTuples: MAX_ROLES + 1 };
    this.#engine = { ...engine, config: Object.assign(new Config(), engine.config, limit) };
    this.storeId = storeId;
  }

  /** What answers are computed at now; undefined until the store has been loaded. */
  get revision(): Revision | undefined {
    return this.#engine.replicas.peek(this.storeId)?.revision;
  }

  get now(): number {
    return this.#engine.clock.now();
  }

  /** In the same turn, unless the store has to be loaded. */
  holds(
    key: TupleKey,
    contextualTuples: readonly RelationTuple[] = [],
  ): boolean | Promise<boolean> {
    const request: CheckRequest = {
      storeId: this.storeId,
      consistency: { kind: 'minimize_latency' },
      key,
      contextualTuples,
      context: {},
    };
    const now = checkNow(this.#engine, request);
    return now === undefined
      ? check(this.#engine, request).then(({ result }) => result)
      : now.result;
  }

  /** Ids of the objects of a type that the caller has a relation to. */
  async idsOf(type: string, relation: string, caller: Caller): Promise<readonly string[]> {
    const { result } = await listObjects(this.#engine, {
      storeId: this.storeId,
      consistency: { kind: 'minimize_latency' },
      question: { type, relation, subject: subjectOf(caller) },
      contextualTuples: roleTuples(caller),
      context: {},
      limit: MAX_LISTED,
      continuationToken: '',
    });
    return result.names.map((name) => name.slice(type.length + 1));
  }
}

export const subjectOf = ({ principal }: Caller): Subject =>
  // Whoever asks for the rights of anyone has not looked whether there are any.
  principalSubject(principal as KnownPrincipal);

export const roleTuples = (caller: Caller): readonly RelationTuple[] =>
  caller.roles.map((id) => ({
    object: { type: 'role', id },
    relation: 'assignee',
    subject: subjectOf(caller),
  }));

export const storeObject = (storeId: StoreId): ObjectRef => ({ type: 'store', id: storeId });

export const deploymentOf = (storeId: StoreId): RelationTuple => ({
  object: storeObject(storeId),
  relation: 'deployment',
  subject: { kind: 'object', ...DEPLOYMENT },
});

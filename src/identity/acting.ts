/**
 * Which service of a store a caller is. It is granted, as a tuple of the system store, so it reaches
 * every process and ends there as any grant does: nothing that a request says makes a caller a
 * service, unless the caller holds the right to say so.
 *
 * What was found is remembered with the caller until the rights change, as `Rights` does it.
 */
import { PembaError, invalidRequest } from '../errors.js';
import type { ServiceId, StoreId } from '../ids.js';
import type { Caller } from './caller.js';
import { REMEMBERED_MS } from './rights.js';
import type { Rights } from './rights.js';
import type { SystemGraph } from './system-graph.js';

/** A caller that asks for more stores than this within a second finds them forgotten. */
const MAX_KNOWN = 1000;

interface Known {
  readonly revision: number;
  readonly until: number;
  readonly services: readonly ServiceId[];
}

export class Acting {
  readonly #rights: Rights | undefined;
  readonly #graph: SystemGraph | undefined;
  readonly #known = new WeakMap<Caller, Map<StoreId, Known>>();

  /** Without rights, callers are not authenticated, and are whoever they say. */
  constructor(rights: Rights | undefined, graph: SystemGraph | undefined) {
    this.#rights = rights;
    this.#graph = graph;
  }

  /**
   * As which service the caller acts: the one that it is, or the one that it names. In the same turn
   * where that is remembered. Throws or rejects with `forbidden`, or `invalid_request` for `field`.
   */
  actorOf(
    caller: Caller,
    storeId: StoreId,
    asked: ServiceId | undefined,
    field = 'actor',
  ): ServiceId | Promise<ServiceId> {
    if (this.#graph === undefined || this.#rights === undefined) {
      if (asked !== undefined) return asked;
      throw invalidRequest(field, 'value is required while callers are not authenticated');
    }
    const known = this.#known.get(caller)?.get(storeId);
    if (known !== undefined && this.#isGood(known)) {
      const actor = ownOf(known.services, asked, field);
      if (actor !== undefined) return actor;
    }
    return this.#find(caller, storeId, asked, field);
  }

  /** The services of the store that the caller is by itself; `all` when callers are not known. */
  async servicesOf(caller: Caller, storeId: StoreId): Promise<'all' | readonly ServiceId[]> {
    if (this.#graph === undefined) return 'all';
    return this.#services(this.#graph, caller, storeId);
  }

  async #find(
    caller: Caller,
    storeId: StoreId,
    asked: ServiceId | undefined,
    field: string,
  ): Promise<ServiceId> {
    const services = await this.servicesOf(caller, storeId);
    if (services === 'all') throw new TypeError('callers are authenticated');
    const own = ownOf(services, asked, field);
    if (own !== undefined) return own;
    if (asked === undefined) {
      throw new PembaError('forbidden', 'the caller is no service of this store', {
        facts: { right: 'acts_as' },
      });
    }
    const asserts = await this.#rights?.verdict(caller, 'store:assert_actor', storeId);
    if (asserts?.kind === 'allowed') return asked;
    throw new PembaError('forbidden', `${field}: the caller does not act as service:${asked}`, {
      facts: { field, right: 'store:assert_actor' },
    });
  }

  async #services(
    graph: SystemGraph,
    caller: Caller,
    storeId: StoreId,
  ): Promise<readonly ServiceId[]> {
    const known = this.#known.get(caller)?.get(storeId);
    if (known !== undefined && this.#isGood(known)) return known.services;
    // Noted before it is asked: what changes meanwhile makes this stale.
    const { revision, now } = graph;
    const ids = await graph.idsOf('actor', 'identity', caller);
    const services = ids
      .filter((id) => id.startsWith(`${storeId}/`))
      .map((id) => id.slice(storeId.length + 1) as ServiceId);
    if (revision !== undefined) {
      const byStore = this.#known.get(caller) ?? new Map<StoreId, Known>();
      if (byStore.size >= MAX_KNOWN) byStore.clear();
      byStore.set(storeId, { revision, until: now + REMEMBERED_MS, services });
      this.#known.set(caller, byStore);
    }
    return services;
  }

  #isGood({ revision, until }: Known): boolean {
    return revision === this.#graph?.revision && this.#graph.now < until;
  }
}

function ownOf(
  services: readonly ServiceId[],
  asked: ServiceId | undefined,
  field: string,
): ServiceId | undefined {
  if (asked !== undefined) return services.find((service) => service === asked);
  if (services.length > 1) {
    throw invalidRequest(
      field,
      `value is required, as the caller is several services: ${services.join(', ')}`,
    );
  }
  return services[0];
}

/**
 * What callers may do: questions to the system graph, each remembered with the caller until the
 * graph changes, and for a second at most, because grants can expire.
 */
import type { StoreId } from '../ids.js';
import { isStoreRight } from './caller.js';
import type {
  Caller,
  DeploymentRight,
  Remembered,
  Right,
  StoreRight,
  Verdict,
  Visible,
} from './caller.js';
import { DEPLOYMENT, deploymentOf, roleTuples, storeObject, subjectOf } from './system-graph.js';
import type { SystemGraph } from './system-graph.js';

export const REMEMBERED_MS = 1000;
/** A caller that asks for more stores than this within a second finds them forgotten. */
const MAX_REMEMBERED = 1000;

const ALLOWED: Verdict = { kind: 'allowed' };
const FORBIDDEN: Verdict = { kind: 'forbidden' };
const HIDDEN: Verdict = { kind: 'hidden' };

const STORE_RELATIONS: Readonly<Record<StoreRight, string>> = {
  'store:see': 'can_see',
  'store:query': 'can_query',
  'store:read': 'can_read',
  'store:write': 'can_write',
  'store:model': 'can_model',
  'store:administer': 'can_administer',
  'store:delete': 'can_administer',
  'store:assert_actor': 'can_assert_actor',
};

const DEPLOYMENT_RELATIONS: Readonly<Record<DeploymentRight, string>> = {
  'deployment:admin': 'admin',
  'deployment:create': 'creator',
  'deployment:observe': 'observer',
};

/** What administrators may do with the system store by its own endpoints; the rest has others. */
const SYSTEM_STORE_RIGHTS = new Set<StoreRight>([
  'store:see',
  'store:query',
  'store:read',
  'store:administer',
]);

export class Rights {
  readonly #graph: SystemGraph;

  constructor(graph: SystemGraph) {
    this.#graph = graph;
  }

  /** What is known without asking; undefined where it has to be found out. */
  remembered(caller: Caller, right: Right, storeId: StoreId): Verdict | undefined {
    if (caller.principal.kind === 'anyone') return ALLOWED;
    const known = caller.remembered.get(`${right} ${storeId}`);
    return known !== undefined && this.#isGood(known) ? known.verdict : undefined;
  }

  /** In the same turn, as is the rule. `storeId` goes with the rights to a store. */
  verdict(caller: Caller, right: Right, storeId?: StoreId): Verdict | Promise<Verdict> {
    if (caller.principal.kind === 'anyone' || right === 'public' || right === 'authenticated') {
      return ALLOWED;
    }
    const name = storeId === undefined ? right : `${right} ${storeId}`;
    const { revision } = this.#graph;
    const known = caller.remembered.get(name);
    if (known !== undefined && this.#isGood(known)) return known.verdict;
    const found = isStoreRight(right)
      ? this.#ofStore(caller, right, storeId)
      : this.#ofDeployment(caller, right);
    if (found instanceof Promise) return found;
    // Found in this turn, so it belongs to this revision.
    if (revision !== undefined) this.#remember(caller, name, revision, found);
    return found;
  }

  /** The stores that a list may show the caller. */
  async visible(caller: Caller): Promise<Visible> {
    if (caller.principal.kind === 'anyone') return 'all';
    const isAdmin = await this.verdict(caller, 'deployment:admin');
    if (isAdmin.kind === 'allowed') return 'all';
    return (await this.#graph.idsOf('store', 'can_see', caller)) as readonly StoreId[];
  }

  #isGood({ revision, until }: Remembered): boolean {
    return revision === this.#graph.revision && this.#graph.now < until;
  }

  #remember(caller: Caller, name: string, revision: number, verdict: Verdict): void {
    const { remembered } = caller;
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(name, { revision, until: this.#graph.now + REMEMBERED_MS, verdict });
  }

  #ofDeployment(caller: Caller, right: DeploymentRight): Verdict | Promise<Verdict> {
    const held = this.#graph.holds(
      {
        object: DEPLOYMENT,
        relation: DEPLOYMENT_RELATIONS[right],
        subject: subjectOf(caller),
      },
      roleTuples(caller),
    );
    return after(held, (isHeld) => (isHeld ? ALLOWED : FORBIDDEN));
  }

  #ofStore(
    caller: Caller,
    right: StoreRight,
    storeId: StoreId | undefined,
  ): Verdict | Promise<Verdict> {
    if (storeId === undefined) return HIDDEN;
    if (storeId === this.#graph.storeId) {
      return after(this.#ofDeployment(caller, 'deployment:admin'), ({ kind }) => {
        if (kind !== 'allowed') return HIDDEN;
        return SYSTEM_STORE_RIGHTS.has(right) ? ALLOWED : FORBIDDEN;
      });
    }
    return after(this.#holds(caller, STORE_RELATIONS[right], storeId), (isHeld) => {
      if (isHeld) return ALLOWED;
      if (right === 'store:write') return this.#modules(caller, storeId);
      return this.#lacking(caller, storeId);
    });
  }

  #lacking(caller: Caller, storeId: StoreId): Verdict | Promise<Verdict> {
    return after(this.#holds(caller, STORE_RELATIONS['store:see'], storeId), (isSeen) =>
      isSeen ? FORBIDDEN : HIDDEN,
    );
  }

  #modules(caller: Caller, storeId: StoreId): Verdict | Promise<Verdict> {
    return after(this.#holds(caller, 'module_writer', storeId), (isWriter) => {
      if (!isWriter) return this.#lacking(caller, storeId);
      return this.#graph.idsOf('module', 'writer', caller).then((ids) => ({
        kind: 'modules' as const,
        modules: new Set(moduleNames(ids, storeId)),
      }));
    });
  }

  #holds(caller: Caller, relation: string, storeId: StoreId): boolean | Promise<boolean> {
    return this.#graph.holds(
      { object: storeObject(storeId), relation, subject: subjectOf(caller) },
      [deploymentOf(storeId), ...roleTuples(caller)],
    );
  }
}

const moduleNames = (ids: readonly string[], storeId: StoreId): readonly string[] =>
  ids.filter((id) => id.startsWith(`${storeId}/`)).map((id) => id.slice(storeId.length + 1));

/** Goes on in the same turn where it can. */
function after<Value, Result>(
  value: Value | Promise<Value>,
  next: (value: Value) => Result | Promise<Result>,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then(next) : next(value);
}

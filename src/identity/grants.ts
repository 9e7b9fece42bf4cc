/** Roles, as they are granted and taken away: tuples of the system store. */
import { PembaError, invalidRequest } from '../errors.js';
import type { StoreId } from '../ids.js';
import type { Engine } from '../operations/engine.js';
import { read } from '../operations/read.js';
import { write } from '../operations/write.js';
import type { Attribution, Deed } from '../storage/audit-chain.js';
import { formatSubject, formatTupleKey } from '../tuple/tuple.js';
import type { JsonObject, ObjectRef, RelationTuple, Subject, TupleKey } from '../tuple/tuple.js';
import type { Caller } from './caller.js';
import { DEPLOYMENT, storeObject, subjectOf } from './system-graph.js';

export const DEPLOYMENT_ROLES = ['admin', 'creator', 'observer'] as const;
export const STORE_ROLES = ['reader', 'writer', 'modeller', 'admin', 'asserter'] as const;

/** What somebody is to be. */
export type Role =
  | { readonly of: 'deployment'; readonly role: (typeof DEPLOYMENT_ROLES)[number] }
  | {
      readonly of: 'store';
      readonly role: (typeof STORE_ROLES)[number];
      readonly storeId: StoreId;
    }
  /** A writer of the relations that one module of the store's model defines. */
  | { readonly of: 'module'; readonly storeId: StoreId; readonly module: string }
  /** Whose calls are those of `service:{id}` in the store. */
  | { readonly of: 'actor'; readonly storeId: StoreId; readonly service: string };

export interface Grant {
  readonly role: Role;
  /** `key:01J…`, `user:corp/anne`, `service:corp/orders`, `role:corp/operators#assignee`. */
  readonly subject: Subject;
}

const moduleObject = (storeId: StoreId, module: string): ObjectRef => ({
  type: 'module',
  id: `${storeId}/${module}`,
});

export const actorObject = (storeId: StoreId, service: string): ObjectRef => ({
  type: 'actor',
  id: `${storeId}/${service}`,
});

export function grantKey({ role, subject }: Grant): TupleKey {
  switch (role.of) {
    case 'deployment':
      return { object: DEPLOYMENT, relation: role.role, subject };
    case 'store':
      return { object: storeObject(role.storeId), relation: role.role, subject };
    case 'module':
      return { object: moduleObject(role.storeId, role.module), relation: 'writer', subject };
    case 'actor':
      return { object: actorObject(role.storeId, role.service), relation: 'identity', subject };
  }
}

/** What is granted on a store's modules and actors is known to the store, and stays known to it. */
const supporting = (grants: readonly Grant[]): readonly RelationTuple[] =>
  grants.flatMap(({ role }): readonly RelationTuple[] => {
    switch (role.of) {
      case 'module': {
        const writers = { ...moduleObject(role.storeId, role.module), relation: 'writer' };
        return [
          {
            object: storeObject(role.storeId),
            relation: 'module_writer',
            subject: { kind: 'userset', ...writers },
          },
        ];
      }
      case 'actor':
        return [
          {
            object: storeObject(role.storeId),
            relation: 'actor',
            subject: { kind: 'object', ...actorObject(role.storeId, role.service) },
          },
        ];
      default:
        return [];
    }
  });

export interface GrantChange {
  readonly add: readonly Grant[];
  readonly remove: readonly Grant[];
  /** With the grants, such as a key's liveness. */
  readonly beside?: readonly RelationTuple[];
  readonly deed?: Deed;
}

/** What is granted already, or not granted, is no mistake: the same change may be sent again. */
export async function changeGrants(
  engine: Engine,
  systemStore: StoreId,
  { add, remove, beside = [], deed }: GrantChange,
): Promise<void> {
  add.forEach(({ subject }, i) => {
    assertGrantable(subject, `add[${i}].subject`);
  });
  const writes = [...beside, ...add.map(grantKey), ...supporting(add)];
  await write(engine, {
    storeId: systemStore,
    writes: unique(writes),
    deletes: remove.map(grantKey),
    onDuplicate: 'replace',
    onMissing: 'ignore',
    ...(deed !== undefined && {
      deed: { ...deed, details: { ...deed.details, ...told(add, remove) } },
    }),
  });
}

/** For the audit log: the tuples, which are few and say it all. */
const told = (add: readonly Grant[], remove: readonly Grant[]): JsonObject => ({
  add: add.map((grant) => formatTupleKey(grantKey(grant))),
  remove: remove.map((grant) => formatTupleKey(grantKey(grant))),
});

function assertGrantable(subject: Subject, field: string): void {
  const isPrincipal =
    subject.kind === 'object' && ['user', 'service', 'key'].includes(subject.type);
  const isRole =
    subject.kind === 'userset' && subject.type === 'role' && subject.relation === 'assignee';
  if (!isPrincipal && !isRole) {
    throw invalidRequest(
      field,
      `'${formatSubject(subject)}' is nobody: name key:ID, user:ISSUER/ID, service:ISSUER/ID or ` +
        'role:ISSUER/NAME#assignee',
    );
  }
}

function unique<Tuple extends TupleKey>(tuples: readonly Tuple[]): readonly Tuple[] {
  return [...new Map(tuples.map((tuple) => [JSON.stringify(tuple), tuple])).values()];
}

/** Whoever makes a store administers it. */
export async function grantCreator(
  engine: Engine,
  systemStore: StoreId,
  {
    caller,
    storeId,
    by,
  }: {
    readonly caller: Caller;
    readonly storeId: StoreId;
    readonly by: Attribution | undefined;
  },
): Promise<void> {
  const role = { of: 'store', role: 'admin', storeId } as const;
  await changeGrants(engine, systemStore, {
    add: [{ role, subject: subjectOf(caller) }],
    remove: [],
    ...(by !== undefined && {
      deed: { action: 'store.create', by, details: { store_id: storeId } },
    }),
  });
}

/** A list for people to read; more grants than this are a mistake that roles would mend. */
const MAX_LISTED = 10_000;

/** Everything that is granted on the deployment, or on a store with its modules and actors. */
export async function listGrants(
  engine: Engine,
  systemStore: StoreId,
  storeId: StoreId | undefined,
): Promise<readonly Grant[]> {
  const object = storeId === undefined ? DEPLOYMENT : storeObject(storeId);
  const tuples = await tuplesOf(engine, systemStore, object);
  for (const part of tuples.flatMap(partOf)) {
    tuples.push(...(await tuplesOf(engine, systemStore, part)));
  }
  if (tuples.length > MAX_LISTED) {
    throw new PembaError('limit_exceeded', `there are more than ${MAX_LISTED} grants to list`);
  }
  return tuples.flatMap(grantOf);
}

/** The module or the actor that a tuple of a store makes known. */
const partOf = ({ relation, subject }: TupleKey): readonly ObjectRef[] =>
  (relation === 'module_writer' && subject.kind === 'userset') ||
  (relation === 'actor' && subject.kind === 'object')
    ? [subject]
    : [];

async function tuplesOf(
  engine: Engine,
  systemStore: StoreId,
  { type, id }: ObjectRef,
): Promise<TupleKey[]> {
  const tuples: TupleKey[] = [];
  let continuationToken = '';
  do {
    const page = await read(engine, {
      storeId: systemStore,
      filter: { objectType: type, objectId: id },
      continuationToken,
    });
    tuples.push(...page.tuples.map(({ tuple }) => tuple));
    continuationToken = page.continuationToken;
  } while (continuationToken !== '' && tuples.length <= MAX_LISTED);
  return tuples;
}

/** None for the tuples that only support grants. */
function grantOf({ object, relation, subject }: TupleKey): readonly Grant[] {
  switch (object.type) {
    case 'deployment':
      return DEPLOYMENT_ROLES.filter((role) => role === relation).map((role) => ({
        role: { of: 'deployment', role },
        subject,
      }));
    case 'store':
      return STORE_ROLES.filter((role) => role === relation).map((role) => ({
        role: { of: 'store', role, storeId: object.id as StoreId },
        subject,
      }));
    case 'module': {
      const [storeId, module] = partsOf(object);
      return [{ role: { of: 'module', storeId, module }, subject }];
    }
    case 'actor': {
      const [storeId, service] = partsOf(object);
      return [{ role: { of: 'actor', storeId, service }, subject }];
    }
    default:
      throw new PembaError('internal', `no grant is a tuple of ${object.type}`);
  }
}

/** Of `{store id}/{name}`. */
function partsOf({ id }: ObjectRef): readonly [StoreId, string] {
  const end = id.indexOf('/');
  return [id.slice(0, end) as StoreId, id.slice(end + 1)];
}

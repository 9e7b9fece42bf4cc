/** The attributes of one entity: read from the database, written through the store's log. */
import { PembaError } from '../errors.js';
import type { StoreId } from '../ids.js';
import { ConsistencyTokens } from '../replica/consistency-tokens.js';
import type { Plan } from '../schema/plan.js';
import { findAttributes } from '../storage/attributes.js';
import type { Deed } from '../storage/audit-chain.js';
import { attributesProblem } from '../tuple/attributes.js';
import type { EntityAttributes } from '../tuple/attributes.js';
import { formatObject } from '../tuple/tuple.js';
import type { JsonObject, ObjectRef } from '../tuple/tuple.js';
import type { Engine } from './engine.js';
import { resolve } from './resolve.js';
import { planOfOwners, submit } from './write.js';
import type { Written } from './write.js';

export interface AttributesRequest {
  readonly storeId: StoreId;
  readonly entity: ObjectRef;
}

export interface AttributesCommand extends AttributesRequest {
  /** Undefined to have none any more. */
  readonly attributes: JsonObject | undefined;
  /** Only entities of types that these modules define; any when absent. */
  readonly modules?: ReadonlySet<string>;
  readonly deed?: Deed;
}

export interface ReadAttributes {
  readonly attributes: JsonObject;
  /** They are as fresh as this. */
  readonly consistencyToken: string;
}

/** Throws `attributes_not_found` for an entity without any. */
export async function readAttributes(
  engine: Engine,
  { storeId, entity }: AttributesRequest,
): Promise<ReadAttributes> {
  const { revision, tokenKey, attributes } = await findAttributes(engine.database, storeId, entity);
  if (attributes === undefined) {
    throw new PembaError('attributes_not_found', `'${formatObject(entity)}' has no attributes`);
  }
  return { attributes, consistencyToken: new ConsistencyTokens(storeId, tokenKey).of(revision) };
}

/**
 * All attributes of the entity at once. Nothing happens if they are as they should be. Whose a type
 * is, the newest model says; an entity of a type that no model has any more can only lose its
 * attributes.
 */
export async function writeAttributes(
  engine: Engine,
  command: AttributesCommand,
): Promise<Written> {
  const { storeId, entity, attributes, modules, deed } = command;
  const resolved = await resolve(engine, { storeId, consistency: { kind: 'minimize_latency' } });
  const plan = await planOfOwners(engine, storeId, resolved);
  if (attributes !== undefined) admit(engine, plan, entity, attributes);
  const problem = modules && ownerProblem(plan, entity, modules);
  if (problem !== undefined) throw new PembaError('forbidden', problem);
  const revision = await submit(engine, storeId, {
    writes: [],
    deletes: [],
    attributes: [{ operation: 'attributes', entity, attributes }],
    onMissing: 'ignore',
    onDuplicate: 'ignore',
    ...(deed && { deed: { ...deed, details: { ...deed.details, entity: formatObject(entity) } } }),
  });
  const { replica, modelId } = resolved;
  return { storeId, modelId, consistencyToken: replica.tokens.of(revision) };
}

function admit(engine: Engine, plan: Plan, { type }: ObjectRef, attributes: JsonObject): void {
  if (!plan.model.types.has(type)) throw typeNotFound(type);
  const problem = attributesProblem(attributes, engine.config.maxAttributesBytes);
  if (problem !== undefined) throw new PembaError('invalid_attributes', problem);
}

const typeNotFound = (type: string): PembaError =>
  new PembaError('type_not_found', `type '${type}' not found`, { facts: { type } });

/** What is wrong with attributes that are to be stored, in one sentence; undefined if nothing. */
export function entityProblem(
  engine: Engine,
  plan: Plan,
  { entity, attributes }: EntityAttributes,
  modules: ReadonlySet<string> | undefined,
): string | undefined {
  if (!plan.model.types.has(entity.type)) return typeNotFound(entity.type).message;
  return (
    attributesProblem(attributes, engine.config.maxAttributesBytes) ??
    (modules && ownerProblem(plan, entity, modules))
  );
}

/** Of a type that a module extends, the attributes stay with the module that defines it. */
function ownerProblem(
  plan: Plan,
  { type }: ObjectRef,
  modules: ReadonlySet<string>,
): string | undefined {
  const module = plan.model.types.get(type)?.source?.module;
  if (module !== undefined && modules.has(module)) return undefined;
  const owner = module === undefined ? 'belongs to no module' : `belongs to the module ${module}`;
  return (
    `the caller may write the attributes of types of ${[...modules].sort().join(', ')}: ` +
    `'${type}' ${owner}`
  );
}

/**
 * The shop of `schema/shop/`, for a first look around. It is made once in the life of a database:
 * under an id that is claimed first, by steps that may be taken again, so that a start that was
 * killed half-way is completed by the next one, and a store that was deleted stays deleted.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { StoreId } from '../ids.js';
import { modelFromModules } from '../schema/modules.js';
import { claimSetting, putSetting } from '../storage/settings.js';
import { findStore, insertStore } from '../storage/stores.js';
import { parseObject, parseSubject } from '../tuple/tuple.js';
import type { JsonObject, RelationTuple } from '../tuple/tuple.js';
import type { Engine } from './engine.js';
import { writeModel } from './models.js';
import { write } from './write.js';

const FOLDER = fileURLToPath(new URL('../../schema/shop/', import.meta.url));
const SETTING = 'example_store';

interface Claim {
  readonly id: StoreId;
  readonly made: boolean;
}

/** The example's id, made now or earlier; undefined when it has been deleted. */
export async function exampleStore(engine: Engine): Promise<StoreId | undefined> {
  const wanted: Claim = { id: engine.newId() as StoreId, made: false };
  const claim = (await claimSetting(engine.database, SETTING, wanted)) as Claim;
  if (claim.made) return (await findStore(engine.database, claim.id))?.id;
  const now = new Date(engine.clock.now());
  await insertStore(engine.database, {
    id: claim.id,
    name: 'shop',
    createdAt: now,
    updatedAt: now,
  });
  const replica = await engine.replicas.open(claim.id);
  if (replica.newestModel === undefined) await writeModel(engine, claim.id, readModel());
  await write(engine, {
    storeId: claim.id,
    writes: readTuples(),
    deletes: [],
    onDuplicate: 'ignore',
    onMissing: 'error',
  });
  await putSetting(engine.database, SETTING, { ...claim, made: true });
  return claim.id;
}

function readModel(): ReturnType<typeof modelFromModules> {
  const modules = readdirSync(FOLDER).filter((file) => file.endsWith('.fga'));
  const files = new Map(modules.map((file) => [file, readFileSync(FOLDER + file, 'utf8')]));
  return modelFromModules(readFileSync(`${FOLDER}fga.mod`, 'utf8'), files);
}

interface ExampleTuple {
  readonly user: string;
  readonly relation: string;
  readonly object: string;
  readonly condition?: { readonly name: string; readonly context?: JsonObject };
}

function readTuples(): readonly RelationTuple[] {
  const tuples = JSON.parse(readFileSync(`${FOLDER}tuples.json`, 'utf8')) as ExampleTuple[];
  return tuples.map(({ user, relation, object: objectText, condition }) => {
    const object = parseObject(objectText);
    const subject = parseSubject(user);
    if (object === undefined || subject === undefined) {
      throw new TypeError(`schema/shop/tuples.json: ${user} ${relation} ${objectText}`);
    }
    return {
      object,
      relation,
      subject,
      ...(condition && { condition: { name: condition.name, context: condition.context ?? {} } }),
    };
  });
}

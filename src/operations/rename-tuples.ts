/**
 * Tuples under another name, a batch a transaction, as a rename of a type or a relation needs it:
 *
 *   copy   gives every tuple of the old name an exact copy under the new one, and takes away what has
 *          the new name without an original. Only while the newest model admits nothing under the new
 *          name: copies count for nothing until a model does.
 *   clean  deletes the tuples of the old name, only when the newest model admits none any more.
 *
 * So neither changes an answer. Both may be broken off and begun again. A call that begins at the
 * beginning and matches nothing has found everything in order at the revision of its token.
 */
import { PembaError, invalidRequest } from '../errors.js';
import type { Revision, StoreId } from '../ids.js';
import { ConsistencyTokens } from '../replica/consistency-tokens.js';
import { hasDirect } from '../schema/model.js';
import type { Model } from '../schema/model.js';
import type { Deed } from '../storage/audit-chain.js';
import { PLACES, readRenamed, readRenamedAttributes } from '../storage/renamed-tuples.js';
import type { Place, Wanted } from '../storage/renamed-tuples.js';
import type { WriteRequest } from '../storage/write-ledger.js';
import { renamedTuple, reversed, typeAfter } from '../tuple/rename.js';
import type { Rename } from '../tuple/rename.js';
import { formatObject, formatTupleKey, parseObject, parseTupleKey } from '../tuple/tuple.js';
import type { Engine } from './engine.js';
import { headOfStore } from './head.js';
import { decodePageToken, encodePageToken, invalidPageToken } from './page-token.js';
import type { QueryIdentity } from './page-token.js';
import { noModel } from './resolve.js';
import { submit } from './write.js';

/** Keeps a call well under a client's usual timeout. */
const BATCHES_PER_CALL = 10;

export interface RenameTuplesRequest {
  readonly storeId: StoreId;
  readonly rename: Rename;
  readonly step: 'copy' | 'clean';
  /** Counts and changes nothing. */
  readonly dryRun: boolean;
  readonly continuationToken: string;
  readonly deed?: Deed;
}

export interface Renaming {
  /** Tuples and attributes that were not in order in this call; they are, unless it was a dry run. */
  readonly matched: number;
  /** '' at the end. */
  readonly continuationToken: string;
  readonly consistencyToken: string;
}

interface Stage {
  readonly wanted: Wanted;
  readonly place: Place | 'attributes';
}

const stagesOf = (step: RenameTuplesRequest['step'], { relation }: Rename): readonly Stage[] => {
  const wanted: readonly Wanted[] = step === 'copy' ? ['missing', 'surplus'] : ['old'];
  const places = [...PLACES, ...(relation === undefined ? (['attributes'] as const) : [])];
  return wanted.flatMap((each) => places.map((place) => ({ wanted: each, place })));
};

export async function renameTuples(
  engine: Engine,
  request: RenameTuplesRequest,
): Promise<Renaming> {
  const { storeId, rename, step, dryRun } = request;
  const head = await headOfStore(engine, storeId);
  if (head.newestModel === undefined) throw noModel(storeId);
  const { plan } = await engine.plans.get(storeId, head.newestModel);
  assertDead(plan.model, step === 'copy' ? reversed(rename) : rename);
  const { type, relation = null, to } = rename;
  const identity: QueryIdentity = ['rename-tuples', storeId, step, type, relation, to];
  const stages = stagesOf(step, rename);
  let { stage: at, after } = positionOf(head.tokenKey, identity, request.continuationToken);
  let revision: Revision = head.revision;
  let matched = 0;
  for (let batch = 0; batch < BATCHES_PER_CALL;) {
    const stage = stages[at];
    if (stage === undefined) break;
    const found = await batchOf(engine, storeId, rename, { stage, after });
    if (found.count > 0 && !dryRun) {
      revision = await submit(engine, storeId, {
        ...found.request,
        ...(request.deed !== undefined && { deed: request.deed }),
      });
    }
    matched += found.count;
    if (found.count > 0) batch++;
    after = found.last;
    if (found.count < engine.config.batchSize) {
      at++;
      after = '';
    }
  }
  return {
    matched,
    consistencyToken: new ConsistencyTokens(storeId, head.tokenKey).of(revision),
    continuationToken:
      at < stages.length ? encodePageToken(head.tokenKey, identity, [at, after]) : '',
  };
}

/** That the model admits no tuple of the name. */
function assertDead(model: Model, { type, relation }: Rename): void {
  const name = relation === undefined ? type : `${type}#${relation}`;
  const definition = model.types.get(type);
  const isAdmitted =
    relation === undefined
      ? definition !== undefined
      : hasDirect(definition?.relations.get(relation)?.rewrite ?? NOTHING) ||
        [...model.types.values()].some(({ relations }) =>
          [...relations.values()].some(({ restrictions }) =>
            restrictions.some((each) => each.type === type && each.relation === relation),
          ),
        );
  if (!isAdmitted) return;
  throw new PembaError(
    'model_conflict',
    `the store's newest model admits tuples of '${name}': they count, and are nobody's copies`,
    { facts: { name } },
  );
}

const NOTHING = { kind: 'computed', relation: '' } as const;

interface Batch {
  readonly count: number;
  readonly request: WriteRequest;
  /** Where to go on. */
  readonly last: string;
}

async function batchOf(
  engine: Engine,
  storeId: StoreId,
  rename: Rename,
  { stage: { wanted, place }, after }: { readonly stage: Stage; readonly after: string },
): Promise<Batch> {
  const { database, clock, config } = engine;
  const page = { wanted, limit: config.batchSize, now: new Date(clock.now()) };
  const nothing = { deletes: [], writes: [], onMissing: 'ignore', onDuplicate: 'replace' } as const;
  if (place === 'attributes') {
    const found = await readRenamedAttributes(database, storeId, rename, {
      ...page,
      after: parseObject(after),
    });
    const last = found.at(-1);
    const attributes = found.map((each) =>
      wanted === 'missing'
        ? { ...each, entity: { ...each.entity, type: typeAfter(rename, each.entity.type) } }
        : { ...each, attributes: undefined },
    );
    return {
      count: found.length,
      request: { ...nothing, attributes },
      last: last === undefined ? '' : formatObject(last.entity),
    };
  }
  const found = await readRenamed(database, storeId, rename, place, {
    ...page,
    after: parseTupleKey(after),
  });
  const last = found.at(-1);
  return {
    count: found.length,
    request:
      wanted === 'missing'
        ? { ...nothing, writes: found.map((tuple) => renamedTuple(rename, tuple)) }
        : { ...nothing, deletes: found },
    last: last === undefined ? '' : formatTupleKey(last),
  };
}

function positionOf(
  tokenKey: Uint8Array,
  identity: QueryIdentity,
  token: string,
): { readonly stage: number; readonly after: string } {
  const position = decodePageToken(tokenKey, identity, token);
  if (position === undefined) return { stage: 0, after: '' };
  const [stage, after] = position;
  if (typeof stage !== 'number' || typeof after !== 'string') throw invalidPageToken();
  return { stage, after };
}

/** Throws `invalid_request`. */
export function assertRename({ type, relation, to }: Rename): void {
  if (to === (relation ?? type)) throw invalidRequest('to', 'is the name that it has');
}

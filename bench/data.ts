/**
 * The world that the benchmarks run in, the same for the same size and seed: organisations' users in
 * nested groups, a tree of folders, documents with Zipf-skewed viewers, some public, some banned,
 * some with approvers.
 */
import { asRevision } from '../src/ids.js';
import { ResidentGraph } from '../src/graph/resident.js';
import type { RelationTuple, Subject } from '../src/tuple/tuple.js';

export const SCHEMA = `model
  schema 1.1
type user
type group
  relations
    define member: [user, group#member]
type folder
  relations
    define parent: [folder]
    define viewer: [user, group#member]
    define view: viewer or view from parent
type document
  relations
    define parent: [folder]
    define viewer: [user, user:*, group#member]
    define editor: [user, group#member]
    define owner: [user]
    define banned: [user]
    define approver: [user]
    define view: (viewer or editor or owner or view from parent) but not banned
    define approve: approver and (editor or owner)
`;

export interface WorldSize {
  readonly users: number;
  readonly groups: number;
  readonly folders: number;
  readonly documents: number;
}

/** By their tuples, about; `small` has 26,000. */
export const SIZES = {
  small: { users: 4_000, groups: 1_000, folders: 200, documents: 1_800 },
  '1M': { users: 200_000, groups: 50_000, folders: 10_000, documents: 90_000 },
  '5M': { users: 200_000, groups: 50_000, folders: 50_000, documents: 460_000 },
  '10M': { users: 200_000, groups: 50_000, folders: 100_000, documents: 950_000 },
} as const satisfies Readonly<Record<string, WorldSize>>;

/** xorshift32: fast, and the same everywhere. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** 0 … below - 1 */
  below(below: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % below;
  }

  /** Skewed towards 0. */
  zipf(below: number): number {
    const u = (this.below(1_000_000) + 1) / 1_000_001;
    return Math.min(below - 1, Math.floor(below ** u) - 1);
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

/** Ids as long as real ones: a UUID's worth of characters. */
const idOf = (prefix: string, n: number): string =>
  `${prefix}-${n.toString(16).padStart(8, '0')}-4c1e-9f27-5d03b8a6`;

export const userId = (n: number): string => idOf('u', n);
export const groupId = (n: number): string => idOf('g', n);
export const folderId = (n: number): string => idOf('f', n);
export const documentId = (n: number): string => idOf('d', n);

export const user = (n: number): Subject => ({ kind: 'object', type: 'user', id: userId(n) });
export const members = (n: number): Subject => ({
  kind: 'userset',
  type: 'group',
  id: groupId(n),
  relation: 'member',
});
export const folder = (n: number): Subject => ({ kind: 'object', type: 'folder', id: folderId(n) });

export function* tuplesOf(size: WorldSize, seed: number): Generator<RelationTuple> {
  const random = new Random(seed);
  yield* groupTuples(size, random);
  for (let n = 0; n < size.folders; n++) {
    const id = folderId(n);
    if (n > 0) yield tuple('folder', id, 'parent', folder(Math.floor((n - 1) / 6)));
    for (let i = 0; i < 2; i++) {
      yield tuple('folder', id, 'viewer', members(random.below(size.groups)));
    }
  }
  for (let n = 0; n < size.documents; n++) yield* documentTuples(n, size, random);
}

export function generate(
  size: WorldSize,
  seed: number,
  sink: (tuple: RelationTuple) => void,
): void {
  for (const tuple of tuplesOf(size, seed)) sink(tuple);
}

const tuple = (type: string, id: string, relation: string, subject: Subject): RelationTuple => ({
  object: { type, id },
  relation,
  subject,
});

/** Three levels: a tenth of the groups holds some of another tenth, which holds some of the rest. */
function* groupTuples(size: WorldSize, random: Random): Generator<RelationTuple> {
  const tenth = Math.floor(size.groups / 10);
  for (let n = 0; n < size.groups; n++) {
    const id = groupId(n);
    const level = n < tenth ? 0 : n < 2 * tenth ? 1 : 2;
    if (level < 2) {
      const first = (level + 1) * tenth;
      const below = level === 0 ? tenth : size.groups - 2 * tenth;
      for (let i = 0; i < 4; i++) {
        yield tuple('group', id, 'member', members(first + random.below(below)));
      }
    }
    for (let i = 0; i < 6; i++) {
      yield tuple('group', id, 'member', user(random.below(size.users)));
    }
  }
}

function* documentTuples(n: number, size: WorldSize, random: Random): Generator<RelationTuple> {
  const document = (relation: string, subject: Subject): RelationTuple =>
    tuple('document', documentId(n), relation, subject);
  yield document('parent', folder(random.below(size.folders)));
  yield document('owner', user(random.below(size.users)));
  for (let i = random.below(6); i >= 0; i--) {
    yield document('viewer', user(random.zipf(size.users)));
  }
  for (let i = random.below(4); i >= 0; i--) {
    yield document('viewer', members(random.zipf(size.groups)));
  }
  if (random.chance(2)) yield document('viewer', { kind: 'wildcard', type: 'user' });
  yield document('editor', user(random.below(size.users)));
  yield document('editor', members(random.below(size.groups)));
  if (random.chance(20)) yield document('banned', user(random.zipf(size.users)));
  if (random.chance(30)) yield document('approver', user(random.below(size.users)));
}

export function buildGraph(size: WorldSize, seed: number): ResidentGraph {
  const graph = new ResidentGraph(asRevision(0));
  generate(size, seed, (tuple) => {
    graph.load(tuple);
  });
  return graph;
}

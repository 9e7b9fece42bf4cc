/** Tuples beside the random world, each there for one case of the engine's benchmark. */
import type { Scale } from './scale.js';
import { documentId, groupId, user } from './data.js';
import type { Random, WorldSize } from './data.js';
import type { ObjectRef, RelationTuple, Subject, TupleKey } from '../src/tuple/tuple.js';

/** So many of each, so that a case is not always in the processor's first cache. */
const COPIES = 100;
export const CHAIN_LENGTH = 50;
const FOLDER_CHAIN = 20;
export const FAN_OUT = 1000;
const JUDGED_DOCUMENTS = 1000;
export const listed = ({ many }: Scale): readonly number[] => [10, 1000, many];

const document = (id: string): ObjectRef => ({ type: 'document', id });
const group = (id: string): ObjectRef => ({ type: 'group', id });
const folder = (id: string): ObjectRef => ({ type: 'folder', id });
const member = (id: string): Subject => ({ kind: 'object', type: 'user', id });
const membersOf = (id: string): Subject => ({
  kind: 'userset',
  type: 'group',
  id,
  relation: 'member',
});

export function* landmarks(scale: Scale): Generator<RelationTuple> {
  const { size, many } = scale;
  for (let copy = 0; copy < COPIES; copy++) {
    yield* groupChain(copy);
    yield* folderChain(copy);
  }
  yield { object: document('wide'), relation: 'viewer', subject: membersOf('wide') };
  for (let n = 0; n < many; n++) {
    yield { object: group('wide'), relation: 'member', subject: member(`wide-${n}`) };
  }
  for (let n = 0; n < FAN_OUT; n++) {
    const id = groupId(Math.floor((n * size.groups) / FAN_OUT));
    yield { object: document('fan-out'), relation: 'viewer', subject: membersOf(id) };
  }
  for (let n = 0; n < JUDGED_DOCUMENTS; n++) {
    yield { object: document(`judged-${n}`), relation: 'approver', subject: user(n) };
    yield { object: document(`judged-${n}`), relation: 'owner', subject: user(n) };
  }
  for (const count of listed(scale)) {
    for (let n = 0; n < count; n++) {
      yield { object: folder(`of-${count}-${n}`), relation: 'viewer', subject: reader(count) };
    }
  }
}

function* groupChain(copy: number): Generator<RelationTuple> {
  const id = (n: number): string => `chain-${copy}-${n}`;
  for (let n = 1; n < CHAIN_LENGTH; n++) {
    yield { object: group(id(n - 1)), relation: 'member', subject: membersOf(id(n)) };
  }
  yield { object: group(id(CHAIN_LENGTH - 1)), relation: 'member', subject: member(id(0)) };
}

/** The folders 0 … 19, the first viewed by someone, and a document below each. */
function* folderChain(copy: number): Generator<RelationTuple> {
  const id = (n: number): string => `way-${copy}-${n}`;
  const at = (n: number): Subject => ({ kind: 'object', type: 'folder', id: id(n) });
  yield { object: folder(id(0)), relation: 'viewer', subject: member(id(0)) };
  for (let n = 0; n < FOLDER_CHAIN; n++) {
    if (n > 0) yield { object: folder(id(n)), relation: 'parent', subject: at(n - 1) };
    yield { object: document(id(n)), relation: 'parent', subject: at(n) };
  }
}

/** Views so many folders, and no other: documents are also viewed by everybody. */
export const reader = (count: number): Subject => member(`reader-${count}`);

export const chainKey = (n: number): TupleKey => ({
  object: group(`chain-${n % COPIES}-0`),
  relation: 'member',
  subject: member(`chain-${n % COPIES}-0`),
});

/** A viewer so many parents up. */
export const parentKey =
  (hops: number) =>
  (n: number): TupleKey => ({
    object: document(`way-${n % COPIES}-${hops - 1}`),
    relation: 'view',
    subject: member(`way-${n % COPIES}-0`),
  });

export const wideKey = (random: Random, many: number): TupleKey => ({
  object: document('wide'),
  relation: 'view',
  subject: member(`wide-${random.below(many)}`),
});

export const fanOutKey = (random: Random, size: WorldSize): TupleKey => ({
  object: document('fan-out'),
  relation: 'view',
  subject: user(random.below(size.users)),
});

export const approvalKey = (random: Random): TupleKey => {
  const n = random.below(JUDGED_DOCUMENTS);
  return { object: document(`judged-${n}`), relation: 'approve', subject: user(n) };
};

export const documentKey = (n: number, relation: string, subject: Subject): TupleKey => ({
  object: document(documentId(n)),
  relation,
  subject,
});

/** Random tuples and requests of a small universe, and all that a graph holds of it. */
import type { ResidentGraph } from '../../src/graph/resident.js';
import type { EdgeFacts, Node } from '../../src/graph/reader.js';
import type { StoreId } from '../../src/ids.js';
import type { WriteRequest } from '../../src/storage/write-ledger.js';
import { WILDCARD_FORM } from '../../src/tuple/filter.js';
import type { RelationTuple, Subject, TupleKey } from '../../src/tuple/tuple.js';
import type { Random } from '../reference/random.js';
import { request, tuple, tupleText } from '../support/storage.js';

const TYPES = ['document', 'folder', 'group', 'user'];
const RELATIONS = ['viewer', 'owner', 'member'];
const FORMS = ['', 'member', WILDCARD_FORM];
const SUBJECTS = ['user:a', 'user:b', 'user:*', 'group:1', 'group:1#member', 'document:1'];
/** Few enough that requests meet, enough that not all do. */
const IDS = 6;

const KINDS = TYPES.flatMap((objectType) =>
  RELATIONS.flatMap((relation) =>
    TYPES.flatMap((subjectType) =>
      FORMS.map((form) => ({ objectType, relation, subjectType, form })),
    ),
  ),
);

export function randomTuple(random: Random): RelationTuple {
  const object = `${random.pick(TYPES)}:${random.between(1, IDS)}`;
  const name = `${object}#${random.pick(RELATIONS)}@${random.pick(SUBJECTS)}`;
  return tuple(name, {
    ...(random.chance(0.3) && {
      condition: { name: 'c', context: { level: random.between(1, 3) } },
    }),
    ...(random.chance(0.2) && { expiresAt: Date.UTC(2100, 0, random.between(1, 3)) }),
  });
}

/** Of distinct tuples; never refused. */
export function randomRequest(random: Random): WriteRequest {
  const count = random.between(1, 4);
  const tuples = Array.from({ length: count }, () => randomTuple(random));
  const distinct = [...new Map(tuples.map((one) => [tupleText(keyOf(one)), one])).values()];
  const writeCount = random.between(0, distinct.length);
  return request({
    writes: distinct.slice(0, writeCount),
    deletes: distinct.slice(writeCount),
    onMissing: 'ignore',
    onDuplicate: 'replace',
  });
}

const keyOf = ({ object, relation, subject }: RelationTuple): TupleKey => ({
  object,
  relation,
  subject,
});

/** Statements that make the store's first revision, of one tuple; nobody gets notice of it. */
export function silentWrite(storeId: StoreId): readonly string[] {
  const key = `'document', '1', 'viewer', 'user', 'a', '', NULL, NULL, NULL, now()`;
  return [
    `INSERT INTO relation_tuple VALUES ('${storeId}', ${key})`,
    `INSERT INTO tuple_change VALUES ('${storeId}', 1, 0, 'write', ${key})`,
    `UPDATE store SET head_revision = 1 WHERE store_id = '${storeId}'`,
  ];
}

/**
 * What the graph holds, as `storedTuples` tells it: every edge of every node. Throws when the edges
 * found from their objects, those found from their subjects and those asked for one by one differ.
 */
export function edgesOf(graph: ResidentGraph): string[] {
  const forward: string[] = [];
  const reverse: string[] = [];
  for (const { objectType, relation, subjectType, form } of KINDS) {
    const kind = graph.kinds.kind(objectType, relation, subjectType, form);
    const told = (object: Node, subject: Node, facts: EdgeFacts): string => {
      if (graph.edge(object, kind, subject) === undefined) throw new Error('an edge has vanished');
      return tupleText({
        object: { type: typeOf(graph, object), id: graph.nodeId(object) },
        relation,
        subject: subjectOf(typeOf(graph, subject), graph.nodeId(subject), form),
        ...facts,
      });
    };
    for (let node = 0; node < graph.nodeCount; node += 1) {
      graph.someSubject(node, kind, (subject, facts) => {
        forward.push(told(node, subject, facts));
        return false;
      });
      graph.someObject(node, kind, (object, facts) => {
        reverse.push(told(object, node, facts));
        return false;
      });
    }
  }
  forward.sort();
  if (forward.join() !== reverse.sort().join()) throw new Error('the two directions differ');
  return forward;
}

const typeOf = (graph: ResidentGraph, node: Node): string =>
  graph.kinds.typeName(graph.nodeType(node));

function subjectOf(type: string, id: string, form: string): Subject {
  if (form === WILDCARD_FORM) return { kind: 'wildcard', type };
  if (form !== '') return { kind: 'userset', type, id, relation: form };
  return { kind: 'object', type, id };
}

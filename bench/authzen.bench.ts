/** AuthZEN's questions beside the native ones that ask the same, of one server. */
import { join } from 'node:path';
import { formatObject, formatSubject } from '../src/tuple/tuple.js';
import type { ObjectRef, Subject, TupleKey } from '../src/tuple/tuple.js';
import type { Benchmark, Ground } from './ground.js';
import { BUSY_COLUMNS, HttpLoad } from './http-load.js';
import { randomKeys } from './http.bench.js';
import { interleave } from './measure.js';
import { COMPARISON, column, comparisonRow } from './report.js';
import { startPemba } from './servers.js';
import type { StoredWorld } from './stored-world.js';

const CONNECTIONS = 64;
/** Enough that a body is not always the same, few enough to hand to the generator. */
const BODIES = 500;
const LONG_WAY = 'application/json; version=1';

interface Pair {
  readonly case: string;
  /** JSON by its plain name unless told; another keeps a question from the short way. */
  readonly contentType?: string;
  readonly isLogged?: boolean;
  readonly connections?: number;
  readonly native: string;
  readonly path: string;
  readonly bodies: readonly (readonly [native: object, authzen: object])[];
}

export const authzenBenchmark: Benchmark = {
  name: 'authzen',
  async run(ground) {
    const world = await ground.world();
    const settings = { PEMBA_DECISION_LOG: `file:${join(ground.directory, 'decisions')}` };
    const [generator, server, logging] = await Promise.all([
      ground.program('load-program.js'),
      startPemba(ground, { url: world.url, workers: 1 }),
      startPemba(ground, { url: world.url, workers: 1, settings }),
    ]);
    const rows = [];
    for (const pair of await openApart(
      pairs(ground, world),
      `${server.url}/stores/${world.storeId}`,
    )) {
      const load = (path: string, side: 0 | 1): HttpLoad =>
        new HttpLoad(generator, pair.isLogged === true ? logging : server, {
          ...(pair.contentType !== undefined && { contentType: pair.contentType }),
          path: `/stores/${world.storeId}/${path}`,
          bodies: pair.bodies.map((bodies) => JSON.stringify(bodies[side])),
          connections: pair.connections ?? CONNECTIONS,
          forMs: ground.scale.loadMs,
        });
      const [native, authzen] = [load(pair.native, 0), load(pair.path, 1)];
      const comparison = await interleave(native.run(), authzen.run(), ground.scale.runs);
      const kept = 100 / comparison.ratio;
      rows.push({ case: pair.case, ...comparisonRow(comparison), kept, ...authzen.busy() });
    }
    await Promise.all([generator.stop(), server.stop(), logging.stop()]);
    return [
      {
        title: 'evaluation and searches',
        note:
          'The reference is the native question: check, list-users, list-objects; `kept` is its ' +
          'throughput by that.',
        columns: [
          column('case', 'case', 'text'),
          ...COMPARISON,
          column('kept', 'kept', 'percent'),
          ...BUSY_COLUMNS,
        ],
        rows,
      },
    ];
  },
};

/**
 * Where everybody may, list-users says `user:*` and a search names all users that there are: those
 * questions are a case of their own.
 */
async function openApart(pairs: readonly Pair[], store: string): Promise<readonly Pair[]> {
  const apart: Pair[] = [];
  for (const pair of pairs) {
    if (pair.native !== 'list-users') {
      apart.push(pair);
      continue;
    }
    const open: Pair['bodies'][number][] = [];
    const closed: Pair['bodies'][number][] = [];
    for (const bodies of pair.bodies) {
      const response = await fetch(`${store}/${pair.native}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(bodies[0]),
      });
      const isOpen = (await response.text()).includes('"wildcard"');
      (isOpen ? open : closed).push(bodies);
    }
    apart.push({ ...pair, bodies: closed });
    // One by one: such an answer takes so long that others would time out behind it.
    if (open.length > 0) {
      const name = `${pair.case}, where everybody may, 1 connection`;
      apart.push({ ...pair, case: name, bodies: open, connections: 1 });
    }
  }
  return apart;
}

function pairs(ground: Ground, world: StoredWorld): readonly Pair[] {
  const keys = randomKeys(ground, BODIES);
  const target = { authorization_model_id: world.modelId };
  const evaluations = {
    native: 'check',
    path: 'access/v1/evaluation',
    bodies: keys.map((key) => [{ ...target, tuple_key: tupleKey(key) }, evaluation(key)] as const),
  };
  return [
    { ...evaluations, case: 'evaluation' },
    { ...evaluations, case: 'evaluation, through Fastify', contentType: LONG_WAY },
    { ...evaluations, case: 'evaluation, decisions logged', isLogged: true },
    {
      case: 'subject search',
      native: 'list-users',
      path: 'access/v1/search/subject',
      bodies: keys.map(({ object, relation, subject: { type } }) => [
        { ...target, object, relation, user_filters: [{ type }] },
        { subject: { type }, action: { name: relation }, resource: object },
      ]),
    },
    {
      case: 'resource search',
      native: 'list-objects',
      path: 'access/v1/search/resource',
      bodies: keys.map(({ object: { type }, relation, subject }) => [
        { ...target, type, relation, user: formatSubject(subject) },
        { subject: entity(subject), action: { name: relation }, resource: { type } },
      ]),
    },
  ];
}

const tupleKey = ({ object, relation, subject }: TupleKey): object => ({
  user: formatSubject(subject),
  relation,
  object: formatObject(object),
});

const evaluation = ({ object, relation, subject }: TupleKey): object => ({
  subject: entity(subject),
  action: { name: relation },
  resource: object,
});

/** The world's questions are about single users. */
function entity(subject: Subject): ObjectRef {
  if (subject.kind !== 'object') throw new TypeError('a question about a single subject');
  return { type: subject.type, id: subject.id };
}

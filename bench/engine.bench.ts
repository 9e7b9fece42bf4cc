/** Checks, lists and changes on the graph in memory, in nanoseconds and in memory reads. */
import { asRevision } from '../src/ids.js';
import type { ResidentGraph } from '../src/graph/resident.js';
import type { TupleChange, TupleKey } from '../src/tuple/tuple.js';
import { Asker } from './asker.js';
import type { Benchmark, Ground } from './ground.js';
import { Random, documentId, groupId, members, user } from './data.js';
import { listed, documentKey, landmarks, reader } from './landmarks.js';
import { interleave, timeOf, timedLoop, timingOf } from './measure.js';
import type { Loop, Run, Timing } from './measure.js';
import { pointerChase } from './pointer-chase.js';
import { Questions } from './questions.js';
import { COMPARISON, column, comparisonRow } from './report.js';
import type { Row, Table } from './report.js';
import { SEED } from './scale.js';
import { surveyedGraph } from './survey.js';

const READS = 'The reference is one dependent random read of an array as large as the graph.';
const COLUMNS = [column('case', 'case', 'text'), ...COMPARISON];

export const engineBenchmark: Benchmark = {
  name: 'engine',
  async run(ground) {
    const { size } = ground.scale;
    const { graph, survey } = surveyedGraph(size, SEED, landmarks(ground.scale));
    const asker = new Asker(graph);
    const cases = new Questions(asker, survey, ground.scale).cases();
    const chase = pointerChase(graph.bytes);
    const checks = async (
      loopOf: (keys: readonly TupleKey[]) => Loop,
      referenceOf: (keys: readonly TupleKey[]) => Loop = () => chase,
    ): Promise<Row[]> => {
      const rows: Row[] = [];
      for (const { name, questions: keys } of cases) {
        rows.push({ case: name, ...(await compare(ground, referenceOf(keys), loopOf(keys))) });
      }
      return rows;
    };
    const namesOf = (keys: readonly TupleKey[]): Loop => countTrue(keys, (key) => asker.check(key));
    const proofsOf = (keys: readonly TupleKey[]): Loop =>
      countTrue(keys, (key) => asker.prove(key));
    const about = `${graph.tupleCount.toLocaleString('en-GB')} tuples. ${READS}`;
    const tables: Table[] = [
      {
        title: 'check, its names looked up, as the server does',
        note: about,
        columns: COLUMNS,
        rows: await checks(namesOf),
      },
      {
        title: 'check, nodes known',
        note: about,
        columns: COLUMNS,
        rows: await checks((keys) => nodeLoop(asker, keys)),
      },
    ];
    const proofs: Table = {
      title: 'a proof of a check',
      note: 'The reference is the check alone, of the same questions.',
      columns: COLUMNS,
      rows: await checks(proofsOf, namesOf),
    };
    const others = [
      ...(await lists(ground, asker, chase)),
      ...(await changes(ground, graph, chase)),
      await nesting(ground, asker, cases.at(-1)?.questions ?? [], chase),
    ];
    return [
      ...tables,
      proofs,
      { title: 'lists and changes', note: about, columns: COLUMNS, rows: others },
    ];
  },
};

async function compare({ scale }: Ground, chase: Loop, loop: Loop): Promise<Row> {
  const reference = timedLoop(chase, scale.loopMs);
  return comparisonRow(await interleave(reference, timedLoop(loop, scale.loopMs), scale.runs));
}

const countTrue =
  (keys: readonly TupleKey[], ask: (key: TupleKey) => boolean): Loop =>
  (first, count) => {
    let yes = 0;
    for (let i = first; i < first + count; i++) {
      const key = keys[i % keys.length];
      if (key !== undefined && ask(key)) yes++;
    }
    return yes;
  };

function nodeLoop(asker: Asker, keys: readonly TupleKey[]): Loop {
  const questions = keys.map((key) => asker.resolve(key));
  return (first, count) => {
    let yes = 0;
    for (let i = first; i < first + count; i++) {
      const question = questions[i % questions.length];
      if (question !== undefined && asker.checkNodes(question)) yes++;
    }
    return yes;
  };
}

async function lists(ground: Ground, asker: Asker, chase: Loop): Promise<Row[]> {
  const rows: Row[] = [];
  const add = async (name: string, loop: Loop): Promise<void> => {
    rows.push({ case: name, ...(await compare(ground, chase, loop)) });
  };
  for (const count of listed(ground.scale)) {
    const loop = repeat(() => asker.countObjects('folder', reader(count)));
    await add(`list-objects, folders, ${shown(loop(0, 1))} results`, loop);
  }
  const { documents, users } = ground.scale.size;
  const random = new Random(13);
  const subjects = Array.from({ length: LIST_SUBJECTS }, () => user(random.zipf(users)));
  const objects = repeat((i) => {
    const subject = subjects[i % LIST_SUBJECTS];
    return subject === undefined ? 0 : asker.countObjects('document', subject);
  });
  const mean = (loop: Loop): string => shown(loop(0, LIST_SUBJECTS) / LIST_SUBJECTS);
  await add(`list-objects, documents, ${mean(objects)} results on average`, objects);
  const ids = Array.from({ length: LIST_SUBJECTS }, () => documentId(random.below(documents)));
  const viewers = repeat((i) => asker.viewersOf(ids[i % LIST_SUBJECTS] ?? '').length);
  await add(`list-users, ${mean(viewers)} results on average`, viewers);
  return rows;
}

/** Users whose documents, and documents whose users, are listed in turn. */
const LIST_SUBJECTS = 50;
const shown = (count: number): string => Math.round(count).toLocaleString('en-GB');

const repeat =
  (operation: (i: number) => number): Loop =>
  (first, count) => {
    let sum = 0;
    for (let i = first; i < first + count; i++) sum += operation(i);
    return sum;
  };

/** In a batch that a clock can measure, and few enough to leave the graph as large as it was. */
const CHANGES_PER_BATCH = 10;

async function changes(ground: Ground, graph: ResidentGraph, chase: Loop): Promise<Row[]> {
  const { size, questions, runs, loopMs } = ground.scale;
  const random = new Random(17);
  const keys = Array.from({ length: questions }, () =>
    documentKey(random.below(size.documents), 'viewer', user(random.below(size.users))),
  );
  const apply = (list: readonly TupleChange[]): Timing => {
    const samples: number[] = [];
    for (let i = 0; i + CHANGES_PER_BATCH <= list.length; i += CHANGES_PER_BATCH) {
      const spent = timeOf(applying(graph, list), i, CHANGES_PER_BATCH);
      samples.push(spent / CHANGES_PER_BATCH);
    }
    return timingOf(samples, samples.reduce((sum, sample) => sum + sample, 0) / samples.length);
  };
  const add = (): Timing => apply(keys.map((tuple) => ({ operation: 'write', tuple })));
  const remove = (): Timing => apply(keys.map((tuple) => ({ operation: 'delete', tuple })));
  const adding: Run = () => {
    const timing = add();
    remove();
    return timing;
  };
  const removing: Run = () => {
    add();
    return remove();
  };
  const chasing = timedLoop(chase, loopMs);
  return [
    { case: 'apply an added tuple', ...comparisonRow(await interleave(chasing, adding, runs)) },
    { case: 'apply a deleted tuple', ...comparisonRow(await interleave(chasing, removing, runs)) },
  ];
}

/**
 * A group becomes a member of another one, or stops being one, and a check follows: what depends on
 * nesting must not have to be found out anew.
 */
async function nesting(
  ground: Ground,
  asker: Asker,
  keys: readonly TupleKey[],
  chase: Loop,
): Promise<Row> {
  const { groups } = ground.scale.size;
  const random = new Random(19);
  const nestings = Array.from({ length: NESTINGS }, (): TupleKey => {
    const object = { type: 'group', id: groupId(random.below(groups)) };
    return { object, relation: 'member', subject: members(random.below(groups)) };
  });
  const loop = repeat((i) => {
    const tuple = nestings[(i >> 1) % NESTINGS];
    if (tuple === undefined) return 0;
    const operation = i % 2 === 0 ? 'write' : 'delete';
    asker.graph.apply(asRevision(asker.graph.revision + 1), [{ operation, tuple }]);
    const key = keys[i % keys.length];
    return key !== undefined && asker.check(key) ? 1 : 0;
  });
  return {
    case: 'nest a group or take it out, and a mixed check',
    ...(await compare(ground, chase, loop)),
  };
}

const NESTINGS = 1000;

/** Each change a revision of its own, as single writes are. */
const applying =
  (graph: ResidentGraph, list: readonly TupleChange[]): Loop =>
  (first, count) => {
    for (const change of list.slice(first, first + count)) {
      graph.apply(asRevision(graph.revision + 1), [change]);
    }
    return graph.revision;
  };

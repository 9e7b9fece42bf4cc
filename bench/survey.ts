/** The graph of a world, and what has to be known of its tuples to ask questions of a wanted kind. */
import { ResidentGraph } from '../src/graph/resident.js';
import { asRevision } from '../src/ids.js';
import type { RelationTuple } from '../src/tuple/tuple.js';
import { tuplesOf } from './data.js';
import type { WorldSize } from './data.js';

type Pair = readonly [document: number, other: number];

/** Of the documents only some are noted: enough for the questions. */
const DOCUMENTS_NOTED = 20_000;

export class Survey {
  readonly size: WorldSize;
  readonly groupUsers = new Map<number, number[]>();
  readonly groupGroups = new Map<number, number[]>();
  readonly viewers: Pair[] = [];
  readonly viewerGroups: Pair[] = [];
  readonly banned = new Set<number>();

  constructor(size: WorldSize) {
    this.size = size;
  }

  note({ object, relation, subject }: RelationTuple): void {
    if (subject.kind === 'wildcard') return;
    const from = numberIn(object.id);
    const to = numberIn(subject.id);
    if (object.type === 'group') {
      const lists = subject.kind === 'userset' ? this.groupGroups : this.groupUsers;
      const list = lists.get(from);
      if (list === undefined) lists.set(from, [to]);
      else list.push(to);
    } else if (object.type === 'document' && from < DOCUMENTS_NOTED) {
      if (relation === 'banned') this.banned.add(from);
      if (relation !== 'viewer') return;
      (subject.kind === 'userset' ? this.viewerGroups : this.viewers).push([from, to]);
    }
  }
}

/** The inverse of `idOf` in the world. */
const numberIn = (id: string): number => Number.parseInt(id.slice(2, 10), 16);

export interface SurveyedGraph {
  readonly graph: ResidentGraph;
  readonly survey: Survey;
}

export function surveyedGraph(
  size: WorldSize,
  seed: number,
  additions: Iterable<RelationTuple> = [],
): SurveyedGraph {
  const graph = new ResidentGraph(asRevision(0));
  const survey = new Survey(size);
  for (const tuple of tuplesOf(size, seed)) {
    graph.load(tuple);
    survey.note(tuple);
  }
  for (const tuple of additions) graph.load(tuple);
  return { graph, survey };
}

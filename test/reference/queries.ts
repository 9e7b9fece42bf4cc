/** The questions a world is asked, as values: so that one can be repeated in a smaller world. */
import { formatSubject } from '../../src/tuple/tuple.js';
import type { ObjectRef, RelationTuple, Subject } from '../../src/tuple/tuple.js';
import type { Surroundings } from './engine.js';
import { Random } from './random.js';
import type { Truth } from './well-founded.js';
import type { GeneratedWorld } from './worlds.js';

interface Node {
  readonly object: ObjectRef;
  readonly relation: string;
}

export interface Check extends Node {
  readonly subject: Subject;
  readonly at: Surroundings;
}

export type Query =
  | ({ readonly kind: 'check' } & Check)
  | { readonly kind: 'batch'; readonly checks: readonly Check[] }
  | {
      readonly kind: 'listObjects';
      readonly type: string;
      readonly relation: string;
      readonly subject: Subject;
      readonly at: Surroundings;
    }
  | ({
      readonly kind: 'listUsers';
      readonly filter: { readonly type: string; readonly relation?: string };
      readonly at: Surroundings;
    } & Node)
  /** Expands the node and looks for the subject in it. */
  | ({ readonly kind: 'expand'; readonly subject: Subject } & Node);

/** How much is asked in each surroundings after each step. Every kind finds bugs of its own; the
 * numbers divide the time about evenly between them. */
const SUBJECTS = 8;
const CHECKS = 200;
const BATCH_SIZE = 30;
const LIST_OBJECTS = 12;
const LIST_USERS = 12;
const EXPANDS = 30;
/** Nine of ten checks of a random world are plainly false. This share is chosen among the rest. */
const TELLING_SHARE = 0.6;

/** Needs to be told the answers, in order to ask where there is something to be got wrong. */
export function randomQueries(
  world: GeneratedWorld,
  stored: readonly RelationTuple[],
  seed: number,
  truthOf: (check: Check) => Truth,
): readonly Query[] {
  const random = new Random(seed);
  const rounds = world.surroundings.map((at) => {
    const tuples = [...stored, ...at.contextualTuples];
    const checks = randomChecks(random, world, randomSubjects(random, world, tuples), at, truthOf);
    return { checks, lists: randomLists(random, checks) };
  });
  const checks = rounds.flatMap((round) => round.checks);
  return [
    ...checks.map((check): Query => ({ kind: 'check', ...check })),
    ...rounds.flatMap((round) => round.lists),
    { kind: 'batch', checks: Array.from({ length: BATCH_SIZE }, () => random.pick(checks)) },
    ...(world.model.conditions.size > 0 ? [] : random.sample(checks, EXPANDS).map(asExpand)),
  ];
}

function asExpand({ object, relation, subject }: Check): Query {
  return { kind: 'expand', object, relation, subject };
}

/** Mostly subjects of tuples; besides them any userset, wildcard or object, known or not. */
function randomSubjects(
  random: Random,
  world: GeneratedWorld,
  tuples: readonly RelationTuple[],
): readonly Subject[] {
  const known = tuples.map((tuple) => tuple.subject).filter((subject) => isOfModel(world, subject));
  const node = random.pick(nodesOf(world));
  const users = world.objects.filter((object) => object.type === 'user');
  const subjects: readonly Subject[] = [
    ...random.sample(known, SUBJECTS - 4),
    { kind: 'userset', ...node.object, relation: node.relation },
    { kind: 'wildcard', type: random.chance(0.7) ? 'user' : node.object.type },
    { kind: 'object', ...random.pick(users) },
    { kind: 'object', ...random.pick(world.objects) },
  ];
  return [...new Map(subjects.map((each) => [formatSubject(each), each])).values()];
}

/** Outdated tuples name relations that no query may ask for. */
function isOfModel({ model }: GeneratedWorld, subject: Subject): boolean {
  const type = model.types.get(subject.type);
  if (type === undefined) return false;
  return subject.kind !== 'userset' || type.relations.has(subject.relation);
}

function nodesOf(world: GeneratedWorld): readonly Node[] {
  return world.objects.flatMap((object) =>
    [...(world.model.types.get(object.type)?.relations.keys() ?? [])].map((relation) => ({
      object,
      relation,
    })),
  );
}

function randomChecks(
  random: Random,
  world: GeneratedWorld,
  subjects: readonly Subject[],
  at: Surroundings,
  truthOf: (check: Check) => Truth,
): readonly Check[] {
  const all = nodesOf(world).flatMap((node) =>
    subjects.map((subject): Check => ({ ...node, subject, at })),
  );
  const telling = all.filter((check) => truthOf(check) !== 'false');
  const chosen = random.sample(telling, CHECKS * TELLING_SHARE);
  return random.shuffled([...chosen, ...random.sample(all, CHECKS - chosen.length)]);
}

/** Lists that some of the checks belong to. */
function randomLists(random: Random, checks: readonly Check[]): readonly Query[] {
  const objects = random.sample(checks, LIST_OBJECTS).map((check): Query => {
    const { object, relation, subject, at } = check;
    return { kind: 'listObjects', type: object.type, relation, subject, at };
  });
  const users = random.sample(checks, LIST_USERS).map((check): Query => {
    const { object, relation, at } = check;
    const { subject } = random.chance(0.7) ? check : random.pick(checks);
    const { type } = subject;
    const filter = subject.kind === 'userset' ? { type, relation: subject.relation } : { type };
    return { kind: 'listUsers', object, relation, filter, at };
  });
  return [...objects, ...users];
}

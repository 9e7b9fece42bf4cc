/**
 * Clients that write to and read from all processes at once for a while.
 *
 *   owners    write and delete their own tuples, several at a time, and look what became of it
 *   swappers  turn pairs round: each write deletes two tuples and writes their two rivals
 *   watchers  look at the pairs
 */
import { Random } from '../reference/random.js';
import { History } from './history.js';
import type { Freshness } from './history.js';
import { batchCheck, check, expand, listObjects, listUsers } from './questions.js';
import type { Question } from './questions.js';
import { Session, send } from './session.js';
import type { ServedStore } from './session.js';

export const MODEL = `model
  schema 1.1
type user
type group
  relations
    define member: [user]
type document
  relations
    define granted: [user, group#member]
    define viewer: granted
type slot
  relations
    define holder: [user]
type pair
  relations
    define side: [user]
`;

const OWNERS = 6;
const SWAPPERS = 3;
const WATCHERS = 2;
const DOCUMENTS = 4;
const PAIRS = 3;

const FRESHNESS: readonly Freshness[] = ['token', 'token', 'head', 'own', 'nothing'];

export interface Workload {
  /** Of the processes, which are on one database. */
  readonly urls: readonly string[];
  readonly seed: number;
  /** How long the clients go on for. Default: 0. */
  readonly atLeastMs?: number;
  /** They go on after that until this is true, but not for ever. Default: it is. */
  readonly isEnough?: (history: History) => boolean;
}

/** A machine that is busy with other things takes some ten times as long for anything. */
const LONGEST_MS = 25_000;
const LOOK_MS = 50;

/** Resolves with the history; rejects as soon as a client gets an answer that is none. */
export async function run(workload: Workload): Promise<History> {
  const { urls, seed, atLeastMs = 0, isEnough = () => true } = workload;
  const store = { id: await createStore(urls[0] ?? ''), urls };
  const history = new History();
  const lefts = pairs.flatMap(({ tuples }) => tuples('left'));
  await new Session(store, history).write(0, { deletes: [], writes: lefts });
  const startedAt = performance.now();
  const stop = new AbortController();
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - startedAt;
    if (elapsedMs < atLeastMs) return;
    if (elapsedMs > LONGEST_MS || isEnough(history)) stop.abort();
  }, LOOK_MS);
  const rounds = [
    ...numbers(OWNERS).map((i) => ownerRound(`u${i}`)),
    ...numbers(SWAPPERS).map(() => swapperRound),
    ...numbers(WATCHERS).map(() => watcherRound),
  ];
  const clients = rounds.map(async (round, i) => {
    const client = newClient(store, history, new Random(seed + i));
    while (!stop.signal.aborted) await round(client);
  });
  try {
    await Promise.all(clients);
  } finally {
    clearInterval(timer);
    stop.abort();
    await Promise.allSettled(clients);
  }
  await readAll(store, history);
  return history;
}

export async function createStore(url: string): Promise<string> {
  const { json } = await send('POST', `${url}/stores`, { name: 'consistency' });
  const id = String(json.id);
  const model = await send('POST', `${url}/stores/${id}/authorization-models`, MODEL);
  if (model.status !== 201) throw new Error(`the model was refused: ${JSON.stringify(model.json)}`);
  return id;
}

interface Client {
  readonly session: Session;
  readonly random: Random;
  /** One of the processes. */
  anywhere(): number;
}

type Round = (client: Client) => Promise<void>;

const newClient = (store: ServedStore, history: History, random: Random): Client => ({
  session: new Session(store, history),
  random,
  anywhere: () => random.between(0, store.urls.length - 1),
});

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

function ownerRound(name: string): Round {
  const documents = numbers(DOCUMENTS).map((i) => `document:${name}-${i}`);
  const membership = `group:${name}#member@user:${name}`;
  const subjects = [`user:${name}`, `group:${name}#member`];
  const grants = documents.flatMap((document) =>
    subjects.map((subject) => `${document}#granted@${subject}`),
  );
  const tuples = [membership, membership, ...grants];
  const present = new Set<string>();
  const ask = (random: Random): Question => {
    const document = random.pick(documents);
    return random.pick([
      check(`${document}#viewer@user:${name}`),
      batchCheck(documents.map((one) => `${one}#viewer@user:${name}`)),
      listObjects({ relation: 'viewer', user: `user:${name}` }, documents),
      listUsers({ object: document, relation: 'viewer' }, [`user:${name}`]),
      expand({ object: document, relation: 'granted' }, subjects),
    ]);
  };
  return async (client) => {
    const { session, random } = client;
    const toggled = [...new Set(random.sample(tuples, random.between(1, 3)))];
    const deletes = toggled.filter((tuple) => present.has(tuple));
    const writes = toggled.filter((tuple) => !present.has(tuple));
    const done = await session.write(client.anywhere(), { deletes, writes });
    if (!done) throw new Error(`a write of ${name}'s own tuples was refused`);
    for (const tuple of deletes) present.delete(tuple);
    for (const tuple of writes) present.add(tuple);
    await readSome(client, ask);
  };
}

type Side = 'left' | 'right';

const pairs = numbers(PAIRS).map((i) => ({
  name: `pair:${i}`,
  /** Both are always of the same side. */
  tuples: (side: Side) => [`slot:${i}-${side}#holder@user:it`, `pair:${i}#side@user:${side}`],
}));

async function swapperRound(client: Client): Promise<void> {
  const { session, random } = client;
  const { tuples } = random.pick(pairs);
  const [from, to] = random.pick<[Side, Side]>([
    ['left', 'right'],
    ['right', 'left'],
  ]);
  await session.write(client.anywhere(), { deletes: tuples(from), writes: tuples(to) });
  await readSome(client, askForPairs);
}

const watcherRound: Round = (client) => readSome(client, askForPairs);

function askForPairs(random: Random): Question {
  const sides: readonly Side[] = ['left', 'right'];
  const all = pairs.flatMap(({ tuples }) => sides.flatMap(tuples));
  const users = sides.map((side) => `user:${side}`);
  const slots = all.filter((tuple) => tuple.startsWith('slot:')).map(objectOf);
  const place = { object: random.pick(pairs).name, relation: 'side' };
  return random.pick([
    batchCheck(random.shuffled(all)),
    listObjects({ relation: 'holder', user: 'user:it' }, slots),
    listUsers(place, users),
    expand(place, users),
  ]);
}

const objectOf = (tuple: string): string => tuple.slice(0, tuple.indexOf('#'));

async function readSome(client: Client, ask: (random: Random) => Question): Promise<void> {
  const { session, random } = client;
  for (let left = random.between(1, 3); left > 0; left -= 1) {
    await session.read(client.anywhere(), random.pick(FRESHNESS), ask(random));
  }
}

/** At the end, whatever is there, from every process. */
async function readAll(store: ServedStore, history: History): Promise<void> {
  const session = new Session(store, history);
  for (const server of store.urls.keys()) {
    for (const { name, tuples } of pairs) {
      await session.read(server, 'head', batchCheck([...tuples('left'), ...tuples('right')]));
      await session.read(
        server,
        'head',
        expand({ object: name, relation: 'side' }, ['user:left', 'user:right']),
      );
    }
    for (const owner of numbers(OWNERS)) {
      const user = `user:u${owner}`;
      const documents = numbers(DOCUMENTS).map((i) => `document:u${owner}-${i}`);
      await session.read(server, 'head', listObjects({ relation: 'viewer', user }, documents));
    }
  }
}

/** Stores of the source, made here, or gone on with. */
import type { Json } from '../../api.js';
import { CommandError, EXIT } from '../../command-error.js';
import { allStores } from '../../store.js';
import type { Surroundings } from '../../surroundings.js';
import type { Rejects } from '../../tuple/rejects.js';
import { moveAssertions, moveModels } from './move-models.js';
import { moveTuples } from './move-tuples.js';
import { NO_TUPLES, Problems } from './moved-store.js';
import type { MovedStore } from './moved-store.js';
import type { SourceApi } from './source-api.js';
import { tuplesOf } from './source-store.js';
import type { SourceStore } from './source-store.js';
import { TuplePages } from './tuple-pages.js';

export interface Destination {
  readonly around: Surroundings;
  readonly rejects: Rejects;
  readonly isResumed: boolean;
}

/** A store of the source, and the one here that it goes on into, if any. */
export interface Pair {
  readonly store: SourceStore;
  readonly held: string | undefined;
}

/** Before anything is written: all have a name that is free, or is that of the run before. */
export async function pairsOf(
  stores: readonly SourceStore[],
  { around, isResumed }: Destination,
): Promise<readonly Pair[]> {
  const pairs: Pair[] = [];
  for (const store of stores) {
    const twin = stores.find(({ id, name }) => name === store.name && id !== store.id);
    if (twin !== undefined) {
      const problem = `two stores of the source are named ${store.name}: ${store.id}, ${twin.id}`;
      throw taken(`${problem}; move them one by one, by --from-store ID --as NAME`);
    }
    const named = await allStores(around, store.name);
    pairs.push({ store, held: heldOf(store, named, isResumed) });
  }
  return pairs;
}

function heldOf(
  { name }: SourceStore,
  named: readonly Json[],
  isResumed: boolean,
): string | undefined {
  const [first, second] = named.map(({ id }) => String(id));
  if (first === undefined) return undefined;
  if (second !== undefined) {
    throw taken(`there are several stores named ${name} already; give another by --as`);
  }
  if (isResumed) return first;
  const problem = `there is a store named ${name} already, ${first}`;
  throw taken(`${problem}; --resume goes on with it, --as gives another name`);
}

const taken = (problem: string): CommandError => new CommandError(problem, EXIT.failed);

export async function moveStore(
  source: SourceApi,
  { store, held }: Pair,
  { around, rejects }: Destination,
): Promise<MovedStore> {
  const api = around.api();
  const output = around.output();
  const to = held ?? String((await api.post('/stores', { name: store.name }))['id']);
  const problems = new Problems(store, output);
  const models = await moveModels(source, store, api, to, problems);
  const assertions = await moveAssertions(source, store, api, to, { models, problems });
  const done = { ...store, to, models, assertions, problems: problems.all };
  if (models.every((model) => model.to === undefined)) {
    if (await hasTuples(source, store)) problems.add('its tuples are left: no model says of what');
    return { ...done, tuples: NO_TUPLES };
  }
  const pages = new TuplePages(tuplesOf(source, store.id));
  const bar = await output.progress(store.name);
  try {
    return {
      ...done,
      tuples: await moveTuples(pages, { api, store: to, name: store.name, rejects, bar }),
    };
  } finally {
    bar.stop();
  }
}

async function hasTuples(source: SourceApi, { id }: SourceStore): Promise<boolean> {
  for await (const page of tuplesOf(source, id)) if (page.length > 0) return true;
  return false;
}

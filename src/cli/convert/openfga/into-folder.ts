/** A store of the source as files: what other commands take, and diffs show. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { modelToDsl } from '../../../schema/dsl.js';
import { modelFromWire } from '../../../schema/wire.js';
import type { Json } from '../../api.js';
import { usageError } from '../../command-error.js';
import type { Output } from '../../print.js';
import { put, writingTo } from '../../tuple/export.js';
import { NO_TUPLES } from './moved-store.js';
import type { MovedStore } from './moved-store.js';
import type { SourceApi } from './source-api.js';
import { assertionsOf, modelsOfSource, tuplesOf } from './source-store.js';
import type { SourceModel, SourceStore } from './source-store.js';

/** By its name, where that is a folder's and nobody else's. */
export function foldersOf(
  stores: readonly SourceStore[],
  out: string,
  isResumed: boolean,
): readonly string[] {
  return stores.map(({ id, name }) => {
    const isAlone = stores.every((other) => other.id === id || other.name !== name);
    const folder = join(out, isAlone && /^\w[\w.@-]*$/.test(name) ? name : id);
    if (!existsSync(folder) || isResumed) return folder;
    throw usageError(`${folder} is there already; --resume writes it anew`);
  });
}

export async function saveStore(
  source: SourceApi,
  store: SourceStore,
  folder: string,
  output: Output,
): Promise<MovedStore> {
  const models = await modelsOfSource(source, store.id);
  makeFolder(folder);
  for (const [i, { id, body }] of models.entries()) {
    const name = `${String(i + 1).padStart(4, '0')}-${id}.json`;
    writeFileSync(join(folder, 'models', name), document(body));
  }
  writeDsl(models.at(-1), store, folder, output);
  const assertions = new Map<string, readonly Json[]>();
  for (const { id } of models) {
    const found = await assertionsOf(source, store.id, id);
    if (found.length > 0) assertions.set(id, found);
  }
  writeFileSync(join(folder, 'assertions.json'), document(Object.fromEntries(assertions)));
  const tuples = await saveTuples(source, store, join(folder, 'tuples.jsonl'), output);
  return {
    ...store,
    to: folder,
    models: models.map(({ id }) => ({ from: id, to: id })),
    assertions: [...assertions.values()].reduce((sum, { length }) => sum + length, 0),
    tuples: { ...NO_TUPLES, read: tuples, written: tuples },
    problems: [],
  };
}

const document = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** What an earlier run left there must not be taken for what is there now. */
function makeFolder(folder: string): void {
  try {
    rmSync(join(folder, 'models'), { recursive: true, force: true });
    rmSync(join(folder, 'model.fga'), { force: true });
    mkdirSync(join(folder, 'models'), { recursive: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw usageError(`${folder} cannot be written: ${reason}`);
  }
}

function writeDsl(
  newest: SourceModel | undefined,
  { name }: SourceStore,
  folder: string,
  { note }: Output,
): void {
  if (newest === undefined) return;
  try {
    writeFileSync(join(folder, 'model.fga'), modelToDsl(modelFromWire(newest.body)));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    note(`${name}: the newest model is there as JSON only: ${reason}`);
  }
}

async function saveTuples(
  source: SourceApi,
  store: SourceStore,
  file: string,
  output: Output,
): Promise<number> {
  const bar = await output.progress(store.name);
  try {
    return await writingTo(file, async (target) => {
      let count = 0;
      for await (const tuples of tuplesOf(source, store.id)) {
        await put(target, tuples.map((tuple) => `${JSON.stringify(tuple)}\n`).join(''));
        count += tuples.length;
        bar.update(count);
      }
      return count;
    });
  } finally {
    bar.stop();
  }
}

/** `pemba convert openfga`: the stores of a running OpenFGA server, into a server or into files. */
import { CommandError, EXIT, usageError } from '../../command-error.js';
import { print } from '../../print.js';
import type { Surroundings } from '../../surroundings.js';
import { Rejects } from '../../tuple/rejects.js';
import { foldersOf, saveStore } from './into-folder.js';
import { moveStore, pairsOf } from './into-server.js';
import { isWhole, movedText } from './moved-store.js';
import type { MovedStore } from './moved-store.js';
import { SourceApi } from './source-api.js';
import { storesOf } from './source-store.js';
import type { SourceStore } from './source-store.js';

export interface OpenfgaOptions {
  readonly from: string;
  readonly fromStore?: readonly string[];
  readonly as?: string;
  readonly resume?: boolean;
  readonly rejects?: string;
  readonly out?: string;
}

export async function runOpenfga(
  around: Surroundings,
  options: OpenfgaOptions,
  token: string | undefined,
): Promise<void> {
  const { out } = options;
  const output = around.output();
  if (out !== undefined && options.rejects !== undefined) {
    throw usageError('--rejects: with --out nothing is rejected');
  }
  const source = new SourceApi(options.from, token, output.note);
  const stores = renamed(await storesOf(source, options.fromStore), options.as);
  const moved =
    out === undefined
      ? await intoServer(source, stores, around, options)
      : await intoFolders(source, stores, around, { ...options, out });
  const text = moved.map(movedText).join('\n');
  print(output, { stores: moved }, text === '' ? 'The source has no stores.' : text);
  if (!moved.every(isWhole)) {
    const left = moved.filter((each) => !isWhole(each)).map(({ name }) => name);
    throw new CommandError(`not all of ${left.join(', ')} was taken; see above`, EXIT.failed);
  }
}

function renamed(stores: readonly SourceStore[], name: string | undefined): readonly SourceStore[] {
  if (name === undefined) return stores;
  const [store, another] = stores;
  if (store === undefined || another !== undefined) {
    throw usageError(`--as ${name}: for one store; name it by --from-store ID`);
  }
  return [{ ...store, name }];
}

async function intoServer(
  source: SourceApi,
  stores: readonly SourceStore[],
  around: Surroundings,
  { rejects: file, resume: isResumed = false }: OpenfgaOptions,
): Promise<readonly MovedStore[]> {
  // All is read again, so what is rejected is told again.
  const rejects = new Rejects(file, false, around.output().note);
  const destination = { around, rejects, isResumed };
  try {
    const pairs = await pairsOf(stores, destination);
    return await eachInTurn(pairs, (pair) => moveStore(source, pair, destination));
  } finally {
    await rejects.end();
  }
}

function intoFolders(
  source: SourceApi,
  stores: readonly SourceStore[],
  around: Surroundings,
  { out, resume = false }: OpenfgaOptions & { readonly out: string },
): Promise<readonly MovedStore[]> {
  const folders = foldersOf(stores, out, resume);
  return eachInTurn(stores, (store, i) =>
    saveStore(source, store, folders[i] ?? out, around.output()),
  );
}

async function eachInTurn<Item>(
  items: readonly Item[],
  move: (item: Item, index: number) => Promise<MovedStore>,
): Promise<readonly MovedStore[]> {
  const moved: MovedStore[] = [];
  try {
    for (const [i, item] of items.entries()) moved.push(await move(item, i));
    return moved;
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode === EXIT.failed) throw error;
    const done = moved.length === 0 ? '' : ` ${moved.map(({ name }) => name).join(', ')}: done.`;
    const onward = 'What was moved so far stays; --resume goes on from there.';
    throw new CommandError(`${error.message}\n${onward}${done}`, error.exitCode, error.code);
  }
}

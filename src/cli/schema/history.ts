/** The models that a store has had: listed, read again, and made the newest one again. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { modelToDsl } from '../../schema/dsl.js';
import { CommandError, EXIT, usageError } from '../command-error.js';
import { consent } from '../confirm.js';
import { print, table } from '../print.js';
import type { StoreOption, Surroundings } from '../surroundings.js';
import { differencesOf } from './differences.js';
import { gitAuthor } from './git.js';
import { moduleTexts } from './module-files.js';
import { assertComplete, awaitRollout, waitingOf } from './rollout.js';
import type { WaitOptions } from './rollout.js';
import { isSameModel, modelOf, modelsOf, newestModel, writeModel } from './server-models.js';
import type { ServerModel } from './server-models.js';

export interface LogOptions extends StoreOption {
  readonly limit: string;
}

export async function logModels(options: LogOptions, around: Surroundings): Promise<void> {
  if (!/^[1-9]\d{0,4}$/.test(options.limit)) {
    throw usageError(`--limit ${options.limit}: a whole number from 1 to 99999`);
  }
  const store = around.store(options);
  const models = await modelsOf(around.api(), store, Number(options.limit));
  print(
    around.output(),
    models.map(({ id, metadata }) => ({ id, ...metadata })),
    table(['ID', 'WRITTEN', 'BY', 'REVISION', 'MESSAGE'], models.map(rowOf)),
  );
}

const rowOf = ({ id, metadata }: ServerModel): readonly string[] => [
  id,
  metadata.created_at ?? '-',
  metadata.author ?? metadata.written_by ?? '-',
  metadata.git_revision?.replace(/^([0-9a-f]{12})[0-9a-f]+/, '$1') ?? '-',
  metadata.message ?? '',
];

export interface PullOptions extends StoreOption {
  readonly out?: string;
}

export async function pullModel(
  id: string | undefined,
  options: PullOptions,
  around: Surroundings,
): Promise<void> {
  const output = around.output();
  const store = around.store(options);
  const found = await modelNamed(id, store, around);
  const { out } = options;
  if (out === undefined) {
    const dsl = modelToDsl(found.model);
    print(output, { id: found.id, dsl, ...found.metadata }, dsl.trimEnd());
    return;
  }
  const files = moduleTexts(found.model) ?? new Map([['model.fga', modelToDsl(found.model)]]);
  const folder = resolve(out);
  for (const name of files.keys()) {
    // The names are whoever's that wrote the model.
    if (!resolve(folder, name).startsWith(folder + sep)) {
      throw new CommandError(`the model has a module in ${name}, outside of ${out}`, EXIT.failed);
    }
  }
  for (const [name, text] of files) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  const names = [...files.keys()];
  print(output, { id: found.id, files: names }, names.map((name) => join(out, name)).join('\n'));
}

async function modelNamed(
  id: string | undefined,
  store: string,
  around: Surroundings,
): Promise<ServerModel> {
  if (id !== undefined) return modelOf(around.api(), store, id);
  const newest = await newestModel(around.api(), store);
  if (newest !== undefined) return newest;
  throw new CommandError('the store has no model', EXIT.refused);
}

export interface RollbackOptions extends StoreOption, WaitOptions {
  readonly to?: string;
  readonly expectCurrent?: string;
  readonly message?: string;
  readonly author?: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** Models are immutable and the newest counts: an earlier one comes back as a new one. */
export async function rollBack(options: RollbackOptions, around: Surroundings): Promise<void> {
  const output = around.output();
  const api = around.api();
  const store = around.store(options);
  const waiting = waitingOf(options, around.now);
  const everywhere = async (id: string, json: object): Promise<void> => {
    const rollout = await awaitRollout(api, store, id, waiting);
    print(output, { authorization_model_id: id, ...json, rollout }, id);
    assertComplete(rollout, waiting);
  };
  const [current, previous] = await modelsOf(api, store, 2);
  if (current === undefined) throw new CommandError('the store has no model', EXIT.refused);
  if (options.expectCurrent !== undefined && options.expectCurrent !== current.id) {
    const message = `the store's newest model is ${current.id}, not ${options.expectCurrent}`;
    throw new CommandError(message, EXIT.refused);
  }
  const wanted = options.to === undefined ? previous : await modelOf(api, store, options.to);
  if (wanted === undefined) throw new CommandError('there is no model before it', EXIT.refused);
  const { worst = 'safe', lines, json } = differencesOf(current.model, wanted.model, output.paint);
  for (const line of lines) output.note(line);
  const attachments = attachmentsOf(current, wanted);
  const others = Object.keys(attachments).filter(
    (name) => JSON.stringify(attachments[name]) !== JSON.stringify(current.attachments[name]),
  );
  if (others.length > 0) output.note(`Also as they were: ${others.join(', ')}`);
  const isSame = isSameModel(current.model, wanted.model) && others.length === 0;
  if (isSame) output.note(`Nothing has changed: ${current.id} is the same as ${wanted.id}.`);
  if (options.dryRun === true) {
    const value = { authorization_model_id: current.id, written: false, changes: json };
    print(output, value, current.id);
    return;
  }
  if (isSame) {
    await everywhere(current.id, { written: false, changes: json });
    return;
  }
  if (worst !== 'safe') await consent(options.yes, `a change is ${worst}`);
  const id = await writeModel(api, store, {
    model: wanted.model,
    attachments,
    metadata: {
      message: options.message ?? `rollback to ${wanted.id}`,
      author: options.author ?? (await gitAuthor('.')),
      git_revision: wanted.metadata.git_revision,
    },
    expected: current.id,
  });
  await everywhere(id, { written: true, changes: json });
}

/** Of those that the newest model has and the wanted one had not, null takes them away. */
const attachmentsOf = (
  current: ServerModel,
  wanted: ServerModel,
): Readonly<Record<string, unknown>> => ({
  ...Object.fromEntries(Object.keys(current.attachments).map((name) => [name, null])),
  ...wanted.attachments,
});

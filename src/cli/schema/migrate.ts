/**
 * `pemba schema migrate`: a relation or a type gets another name, and its tuples with it. Where the
 * rename stands is read from the store's newest model (`schema/rename.ts`), so whoever was broken off
 * begins again and goes on. Every step leaves the answers as they are; a model is written only after the
 * model, and where it rests on copies on the tuples, that this command has seen. A step begins when every
 * process answers with the model before it: one that was behind would miss the tuples that are deleted.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { modelToDsl } from '../../schema/dsl.js';
import type { Model } from '../../schema/model.js';
import { renameState, renamedModel, withNewName, withOldName } from '../../schema/rename.js';
import type { Rename } from '../../tuple/rename.js';
import type { Api, Json } from '../api.js';
import { CommandError, EXIT, usageError } from '../command-error.js';
import type { Output } from '../print.js';
import type { StoreOption, Surroundings } from '../surroundings.js';
import { mentions, renamedAttachments } from './renamed-attachments.js';
import { assertComplete, awaitRollout, waitingOf } from './rollout.js';
import type { Rollout, WaitOptions, Waiting } from './rollout.js';
import { newestModel, writeModel } from './server-models.js';
import type { ServerModel } from './server-models.js';

export interface MigrateOptions extends StoreOption, WaitOptions {
  readonly keepOld?: boolean;
  readonly dryRun?: boolean;
}

export interface Migration {
  readonly api: Api;
  readonly store: string;
  readonly output: Output;
  readonly rename: Rename;
  /** Undefined where nobody waits for other processes. */
  readonly waiting: Waiting | undefined;
}

export async function migrateNames(
  rename: Rename,
  options: MigrateOptions,
  around: Surroundings,
): Promise<void> {
  const output = around.output();
  const waiting = waitingOf(options, around.now);
  const migration = { api: around.api(), store: around.store(options), output, rename, waiting };
  if (options.dryRun === true) {
    await forecast(migration);
    return;
  }
  const outcome = await migrate(migration, options);
  if (output.json) output.write(`${JSON.stringify(outcome, null, 2)}\n`);
  else output.write(`${outcome.authorization_model_id}\n`);
  assertComplete(outcome.rollout, waiting);
}

export interface Outcome {
  readonly authorization_model_id: string;
  /** Tuples and attributes of entities. */
  readonly copied: number;
  readonly deleted: number;
  /** Kept with the model, and saying the old name in a way that this command does not know. */
  readonly look_at: readonly string[];
  /** Of that model. Incomplete, it has ended the migration where it stood. */
  readonly rollout: Rollout | undefined;
}

export async function migrate(
  migration: Migration,
  { keepOld = false }: Pick<MigrateOptions, 'keepOld'> = {},
): Promise<Outcome> {
  const { api, store, output, rename, waiting } = migration;
  let copied = 0;
  let deleted = 0;
  for (;;) {
    const current = await currentModel(migration);
    const state = renameState(current.model, rename);
    if (state.kind === 'impossible') throw usageError(state.reason);
    const rollout = await awaitRollout(api, store, current.id, waiting);
    const done = (): Outcome => {
      const lookAt = mentions(current.attachments, rename);
      if (lookAt.length > 0) output.note(`Look at what is kept with it: ${lookAt.join(', ')}`);
      return { authorization_model_id: current.id, copied, deleted, look_at: lookAt, rollout };
    };
    if (rollout?.complete === false) return done();
    switch (state.kind) {
      case 'before':
        await push(migration, current, {
          model: withNewName(current.model, rename),
          message: `${nameOf(rename)} is also ${rename.to}`,
        });
        break;
      case 'copying':
        copied += await switchOver(migration, current);
        break;
      case 'cleaning':
        if (keepOld) return done();
        deleted += await finish(migration, current);
        break;
      case 'after':
        if (keepOld) return done();
        deleted += await work(migration, 'clean');
        return done();
    }
  }
}

const nameOf = ({ type, relation }: Rename): string =>
  relation === undefined ? type : `${type}#${relation}`;

/** How often writes may come in between, with ever longer pauses for them to be copied in. */
const ATTEMPTS = 100;
const PAUSE_MS = 20;

/** Copies until nothing is missing, and then, if nothing changes meanwhile, lets the copies count. */
async function switchOver(migration: Migration, current: ServerModel): Promise<number> {
  const { rename } = migration;
  const isType = rename.relation === undefined;
  const model = isType ? renamedModel(current.model, rename) : withOldName(current.model, rename);
  let copied = await work(migration, 'copy');
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { matched, token } = await pass(migration, 'copy');
    if (matched > 0) {
      copied += matched;
      continue;
    }
    const isDone = await push(migration, current, {
      model,
      message: isType ? `${rename.type} is ${rename.to}` : `${nameOf(rename)} is ${rename.to} now`,
      attachments: renamedAttachments(current.attachments, rename),
      unchangedSince: token,
    });
    if (isDone) return copied;
    await sleep(Math.random() * PAUSE_MS);
  }
  throw tooBusy();
}

/** The last model, when no tuple of the old name is left. */
async function finish(migration: Migration, current: ServerModel): Promise<number> {
  const { rename } = migration;
  let deleted = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    deleted += await work(migration, 'clean');
    const { matched, token } = await pass(migration, 'clean');
    deleted += matched;
    const isDone =
      matched === 0 &&
      (await push(migration, current, {
        model: renamedModel(current.model, rename),
        message: `${nameOf(rename)} is ${rename.to} alone`,
        unchangedSince: token,
      }));
    if (isDone) return deleted;
    await sleep(Math.random() * PAUSE_MS);
  }
  throw tooBusy();
}

const tooBusy = (): CommandError =>
  new CommandError(
    'the store is written to so often that no moment was found; run this again when it is calmer',
    EXIT.failed,
  );

/** Until a pass has matched nothing. */
async function work(migration: Migration, step: Step): Promise<number> {
  const progress = await migration.output.progress(
    step === 'copy' ? 'copying tuples' : 'deleting tuples of the old name',
  );
  let sum = 0;
  try {
    for (;;) {
      const { matched } = await pass(migration, step, (count) => {
        progress.update(sum + count);
      });
      sum += matched;
      if (matched === 0) return sum;
    }
  } finally {
    progress.stop();
  }
}

type Step = 'copy' | 'clean';

interface Pass {
  readonly matched: number;
  /** Of a pass that matched nothing: the revision at which all was in order. */
  readonly token: string;
}

async function pass(
  { api, store, rename }: Migration,
  step: Step,
  onProgress: (matched: number) => void = () => undefined,
  isDry = false,
): Promise<Pass> {
  let matched = 0;
  let token: string | undefined;
  let continuation = '';
  do {
    const response = await api.open('POST', `/stores/${store}/rename-tuples`, {
      body: { ...rename, step, dry_run: isDry, continuation_token: continuation },
    });
    const answer = (await response.json()) as Json;
    matched += Number(answer['matched']);
    token ??= response.headers.get('pemba-consistency-token') ?? '';
    continuation = String(answer['continuation_token']);
    onProgress(matched);
  } while (continuation !== '');
  return { matched, token };
}

/** False if tuples have changed since. A successor of the model is nobody's to replace. */
async function push(
  { api, store, output }: Migration,
  current: ServerModel,
  written: {
    readonly model: Model;
    readonly message: string;
    readonly attachments?: Json;
    readonly unchangedSince?: string;
  },
): Promise<boolean> {
  const { model, message, attachments = {}, unchangedSince } = written;
  try {
    const id = await writeModel(api, store, {
      model,
      attachments,
      metadata: { message: `migrate: ${message}` },
      expected: current.id,
      ...(unchangedSince !== undefined && { unchangedSince }),
    });
    output.note(`${id}  ${message}`);
    return true;
  } catch (error) {
    const isConflict =
      error instanceof CommandError && error.code === 'authorization_model_conflict';
    if (!isConflict || unchangedSince === undefined) throw error;
    const newest = await newestModel(api, store);
    if (newest?.id !== current.id) throw error;
    return false;
  }
}

async function currentModel({ api, store }: Migration): Promise<ServerModel> {
  const current = await newestModel(api, store);
  if (current !== undefined) return current;
  throw new CommandError('the store has no model', EXIT.refused);
}

/** Each model that would be written, and how many tuples would be. */
async function forecast(migration: Migration): Promise<void> {
  const { output, rename } = migration;
  const { model } = await currentModel(migration);
  const state = renameState(model, rename);
  if (state.kind === 'impossible') throw usageError(state.reason);
  const isBefore = state.kind === 'before' || state.kind === 'copying';
  const { matched } = await pass(migration, isBefore ? 'copy' : 'clean', undefined, true);
  const models =
    state.kind === 'after'
      ? []
      : [
          ...(state.kind === 'before' ? [withNewName(model, rename)] : []),
          ...(isBefore && rename.relation !== undefined ? [withOldName(model, rename)] : []),
          renamedModel(model, rename),
        ];
  const texts = models.map(modelToDsl);
  const what = isBefore ? 'copied' : 'deleted';
  if (output.json) {
    const value = { state: state.kind, tuples: matched, models: texts };
    output.write(`${JSON.stringify(value, null, 2)}\n`);
    return;
  }
  texts.forEach((text, i) => {
    output.write(`# model ${i + 1} of ${texts.length}\n${text.trimEnd()}\n\n`);
  });
  output.write(`${matched} tuples (and attributes) would be ${what} first. Nothing was done.\n`);
}

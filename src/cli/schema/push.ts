/**
 * `pemba schema push`: the schema is validated, its store files are tested, what differs from the
 * server's newest model is shown and agreed to, and then it is written, unless that one has got a
 * successor meanwhile. At last every process of the server answers with it.
 */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DEFAULT_MODEL_LIMITS } from '../../schema/limits.js';
import { invalidModel } from '../../schema/problem.js';
import { validateModel } from '../../schema/validate.js';
import { CommandError, EXIT } from '../command-error.js';
import { consent } from '../confirm.js';
import type { StoreOption, Surroundings } from '../surroundings.js';
import { classIn, differencesOf, isAsGrave } from './differences.js';
import { schemaPath, storeFiles } from './find-schema.js';
import { gitAuthor, gitRevision } from './git.js';
import { readSchema } from './read-schema.js';
import type { ReadSchema } from './read-schema.js';
import { assertComplete, awaitRollout, waitingOf } from './rollout.js';
import type { WaitOptions } from './rollout.js';
import { isSameModel, newestModel, writeModel } from './server-models.js';
import type { ServerModel } from './server-models.js';

export interface PushOptions extends StoreOption, WaitOptions {
  readonly expectCurrent?: string;
  readonly message?: string;
  readonly author?: string;
  readonly yes?: boolean;
  readonly test: boolean;
  readonly impact: boolean;
  readonly tests?: string;
  readonly failOn?: string;
  readonly dryRun?: boolean;
}

/** What is to be written, and what it would follow. */
export interface Push {
  readonly path: string;
  readonly schema: ReadSchema;
  readonly store: string;
  readonly current: ServerModel | undefined;
  readonly options: PushOptions;
}

/** What a step has found out. What it cannot let pass it throws. */
export interface Found {
  /** Members of the JSON that is printed. */
  readonly json: object;
  readonly lines: readonly string[];
  /** What somebody has to agree to. */
  readonly stake?: string | undefined;
}

export type Step = (push: Push, around: Surroundings) => Promise<Found> | Found;

/** Of each relation; `pemba schema impact` shows more. */
const IMPACT_SAMPLES = '5';

/** In their order, before anything is written. */
export const STEPS: readonly Step[] = [testsPass, differencesShown, accessShown];

export async function pushSchema(
  given: string,
  options: PushOptions,
  around: Surroundings,
  steps: readonly Step[] = STEPS,
): Promise<void> {
  const output = around.output();
  const store = around.store(options);
  const waiting = waitingOf(options, around.now);
  const path = await schemaPath(given);
  const schema = await validSchema(path);
  const current = await newestModel(around.api(), store);
  assertExpected(current, options.expectCurrent);
  const say = (id: string | undefined, json: object): void => {
    const value = { authorization_model_id: id ?? current?.id ?? null, ...json };
    if (output.json) output.write(`${JSON.stringify(value, null, 2)}\n`);
    else if (id !== undefined) output.write(`${id}\n`);
  };
  const everywhere = async (id: string, json: object): Promise<void> => {
    const rollout =
      options.dryRun === true ? undefined : await awaitRollout(around.api(), store, id, waiting);
    say(id, { ...json, rollout });
    assertComplete(rollout, waiting);
  };
  if (current !== undefined && isSameModel(current.model, schema.model)) {
    output.note(`Nothing has changed: ${current.id} is this model.`);
    await everywhere(current.id, { written: false, changes: [] });
    return;
  }
  let json: object = {};
  const stakes: string[] = [];
  for (const step of steps) {
    const found = await step({ path, schema, store, current, options }, around);
    for (const line of found.lines) output.note(line);
    json = { ...json, ...found.json };
    if (found.stake !== undefined) stakes.push(found.stake);
  }
  if (options.dryRun === true) {
    output.note('Nothing was written.');
    say(undefined, { written: false, ...json });
    return;
  }
  if (stakes.length > 0) await consent(options.yes, stakes.join('; '));
  const folder = dirname(path);
  const id = await writeModel(around.api(), store, {
    model: schema.model,
    metadata: {
      message: options.message,
      author: options.author ?? (await gitAuthor(folder)),
      git_revision: await gitRevision(folder),
    },
    expected: current?.id,
  });
  await everywhere(id, { written: true, ...json });
}

async function validSchema(path: string): Promise<ReadSchema> {
  const schema = await readSchema(path, { readFile: (name) => readFile(name, 'utf8') });
  const { model, positions } = schema;
  const problems = validateModel(model, {
    limits: DEFAULT_MODEL_LIMITS,
    ...(positions !== undefined && { positions }),
  });
  if (problems.length > 0) throw invalidModel(problems);
  return schema;
}

function assertExpected(current: ServerModel | undefined, expected: string | undefined): void {
  const id = current?.id ?? 'none';
  if (expected === undefined || expected === id) return;
  throw new CommandError(`the store's newest model is ${id}, not ${expected}`, EXIT.refused);
}

async function testsPass({ path, options }: Push, around: Surroundings): Promise<Found> {
  if (!options.test) return { json: {}, lines: [] };
  const files = await storeFiles(path, options.tests);
  if (files.length === 0) return { json: { tests: [] }, lines: [] };
  const { runStoreFile } = await import('../store-file/run.js');
  const { fileText, fileToJson, isPassed, sumText } = await import('../store-file/report.js');
  const results = [];
  for (const file of files) {
    const result = await runStoreFile(file, {
      readFile: (name) => readFile(name, 'utf8'),
      clock: () => performance.now(),
      now: around.now(),
    });
    results.push(result);
  }
  const { paint } = around.output();
  const lines = results.map((result) => fileText(result, paint));
  if (results.every(isPassed)) return { json: { tests: results.map(fileToJson) }, lines };
  for (const line of lines) around.output().note(line);
  throw new CommandError(`nothing was written: ${sumText(results)}`, EXIT.failed);
}

function differencesShown({ schema, current, options }: Push, around: Surroundings): Found {
  const limit = options.failOn === undefined ? undefined : classIn(options.failOn);
  if (current === undefined) return { json: { changes: [] }, lines: [] };
  const {
    worst = 'safe',
    lines,
    json,
  } = differencesOf(current.model, schema.model, around.output().paint);
  const found = { json: { changes: json }, lines };
  if (limit !== undefined && isAsGrave(worst, limit)) {
    for (const line of lines) around.output().note(line);
    throw new CommandError(`nothing was written: a change is ${worst}`, EXIT.failed);
  }
  return worst === 'safe' ? found : { ...found, stake: `a change is ${worst}` };
}

/** Whose access it would change, on the store's live tuples. */
async function accessShown(
  { schema, store, current, options }: Push,
  around: Surroundings,
): Promise<Found> {
  if (current === undefined || !options.impact) return { json: {}, lines: [] };
  const { reviewImpact } = await import('./impact.js');
  const lines: string[] = [];
  const { totals, text, isAny } = await reviewImpact(
    around,
    store,
    { model: schema.model, samples: IMPACT_SAMPLES },
    { hasChanges: false, say: (paragraph) => lines.push('', ...paragraph) },
  );
  return { json: { impact: totals }, lines, ...(isAny && { stake: text }) };
}

/** Models and their assertions, from the source into a store here. */
import type { Api, Json } from '../../api.js';
import { CommandError, EXIT } from '../../command-error.js';
import { modelsOf } from '../../schema/server-models.js';
import { modelToWire } from '../../../schema/wire.js';
import { matchModels } from './match-models.js';
import type { Match } from './match-models.js';
import type { MovedModel, Problems } from './moved-store.js';
import type { SourceApi } from './source-api.js';
import { assertionsOf, modelsOfSource } from './source-store.js';
import type { SourceModel, SourceStore } from './source-store.js';

export async function moveModels(
  source: SourceApi,
  store: SourceStore,
  api: Api,
  to: string,
  problems: Problems,
): Promise<readonly MovedModel[]> {
  const models = await modelsOfSource(source, store.id);
  const held = (await modelsOf(api, to, Infinity)).toReversed();
  const matches = matchModels(
    models,
    held.map(({ id, model }) => ({ id, body: { ...modelToWire(model) } })),
  );
  if (matches === undefined) {
    const problem = `the store ${to} has models that ${store.name} at the source has not`;
    throw new CommandError(`${problem}: it is another store; --as gives a name`, EXIT.failed);
  }
  const moved: MovedModel[] = [];
  for (const [i, model] of models.entries()) {
    const id = await moveModel(api, to, model, matches[i] ?? { kind: 'new' }, problems);
    moved.push({ from: model.id, ...(id !== undefined && { to: id }) });
  }
  return moved;
}

async function moveModel(
  api: Api,
  to: string,
  { id, body }: SourceModel,
  match: Match,
  problems: Problems,
): Promise<string | undefined> {
  switch (match.kind) {
    case 'there':
      return match.id;
    case 'skipped':
      problems.add(`model ${id}: an earlier run could not write it, and newer ones are there`);
      return undefined;
    case 'new':
      return unlessRefused(problems, `model ${id}`, async () => {
        const answer = await api.post(`/stores/${to}/authorization-models`, body);
        return String(answer['authorization_model_id']);
      });
  }
}

/** Returns how many. Those of a model that was not taken have no place. */
export async function moveAssertions(
  source: SourceApi,
  store: SourceStore,
  api: Api,
  to: string,
  { models, problems }: { readonly models: readonly MovedModel[]; readonly problems: Problems },
): Promise<number> {
  let count = 0;
  for (const model of models) {
    const assertions = await assertionsOf(source, store.id, model.from);
    if (assertions.length === 0) continue;
    const what = `the ${assertions.length} assertions of model ${model.from}`;
    if (model.to === undefined) {
      problems.add(`${what} are left, as it is`);
      continue;
    }
    const path = `/stores/${to}/assertions/${model.to}`;
    const written = await unlessRefused(problems, what, () => put(api, path, assertions));
    count += written ?? 0;
  }
  return count;
}

async function put(api: Api, path: string, assertions: readonly Json[]): Promise<number> {
  await api.put(path, { assertions });
  return assertions.length;
}

/** What the server says of the caller or the store is no problem of the model: it ends the run. */
const OF_THE_CALLER = new Set([
  'unauthenticated',
  'forbidden',
  'rate_limit_exceeded',
  'store_id_not_found',
]);

async function unlessRefused<Result>(
  problems: Problems,
  what: string,
  write: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== EXIT.refused) throw error;
    if (error.code === undefined || OF_THE_CALLER.has(error.code)) throw error;
    problems.add(`${what}: ${error.message}`);
    return undefined;
  }
}

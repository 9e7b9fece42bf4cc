/** The models of a store, as commands read and write them. */
import { isDeepStrictEqual } from 'node:util';
import type { Model } from '../../schema/model.js';
import { METADATA_LENGTHS } from '../../schema/model-metadata.js';
import { modelFromWire, modelToWire } from '../../schema/wire.js';
import type { Api, Json } from '../api.js';
import { usageError } from '../command-error.js';

export interface ModelMetadata {
  readonly created_at?: string | undefined;
  readonly message?: string | undefined;
  readonly author?: string | undefined;
  readonly git_revision?: string | undefined;
  readonly written_by?: string | undefined;
}

export interface ServerModel {
  readonly id: string;
  readonly model: Model;
  readonly metadata: ModelMetadata;
  /** Everything that the server keeps with it: claims mapping, route table and so on. */
  readonly attachments: Json;
}

/** Newest first. */
export async function modelsOf(
  api: Api,
  store: string,
  limit: number,
): Promise<readonly ServerModel[]> {
  const models: ServerModel[] = [];
  const query = new URLSearchParams({ page_size: String(Math.min(limit, PAGE)) });
  for (;;) {
    const page = await api.get(`/stores/${store}/authorization-models?${query.toString()}`);
    models.push(...(page['authorization_models'] as readonly Json[]).map(modelIn));
    const token = String(page['continuation_token']);
    if (token === '' || models.length >= limit) return models.slice(0, limit);
    query.set('continuation_token', token);
  }
}

const PAGE = 50;

export const newestModel = async (api: Api, store: string): Promise<ServerModel | undefined> =>
  (await modelsOf(api, store, 1))[0];

export async function modelOf(api: Api, store: string, id: string): Promise<ServerModel> {
  const path = `/stores/${store}/authorization-models/${encodeURIComponent(id)}`;
  return modelIn((await api.get(path))['authorization_model'] as Json);
}

function modelIn(wire: Json): ServerModel {
  const {
    id,
    metadata = {},
    schema_version: version,
    type_definitions: types,
    conditions,
    ...attachments
  } = wire;
  return {
    id: String(id),
    model: modelFromWire({ schema_version: version, type_definitions: types, conditions }),
    metadata: metadata as ModelMetadata,
    attachments,
  };
}

export const isSameModel = (one: Model, other: Model): boolean =>
  isDeepStrictEqual(modelToWire(one), modelToWire(other));

export interface NewModel {
  readonly model: Model;
  /** In place of those that the store has. */
  readonly attachments?: Json;
  readonly metadata: Pick<ModelMetadata, 'message' | 'author' | 'git_revision'>;
  /** The newest model as it was seen, if any. */
  readonly expected: string | undefined;
  /** A consistency token: refused if tuples have changed since. */
  readonly unchangedSince?: string;
}

/** Returns its id. */
export async function writeModel(api: Api, store: string, written: NewModel): Promise<string> {
  const { model, attachments, metadata, expected = 'none', unchangedSince } = written;
  const answer = await api.call('POST', `/stores/${store}/authorization-models`, {
    body: { ...modelToWire(model), ...attachments },
    headers: {
      ...metadataHeaders(metadata),
      'pemba-expect-current-model': expected,
      ...(unchangedSince !== undefined && { 'pemba-expect-unchanged-since': unchangedSince }),
    },
  });
  return String(answer['authorization_model_id']);
}

function metadataHeaders(metadata: NewModel['metadata']): Readonly<Record<string, string>> {
  const said = (['message', 'author', 'git_revision'] as const).flatMap((name) => {
    const text = metadata[name];
    if (text === undefined || text === '') return [];
    const max = METADATA_LENGTHS[name];
    if (text.length > max) throw usageError(`the ${name} can have ${max} characters at most`);
    return [[`pemba-model-${name.replace('_', '-')}`, encodeURIComponent(text)] as const];
  });
  return Object.fromEntries(said);
}

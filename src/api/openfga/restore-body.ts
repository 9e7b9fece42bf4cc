/** The lines of a backup as they arrive, held against the digest that stands in the last of them. */
import { createHash } from 'node:crypto';
import { Ajv } from 'ajv';
import { PembaError, invalidRequest } from '../../errors.js';
import type { ModelId, StoreId } from '../../ids.js';
import type { BackupContent, BackupLine } from '../../operations/restore.js';
import type { Attachments } from '../../schema/attachments.js';
import { METADATA_LENGTHS } from '../../schema/model-metadata.js';
import type { ModelMetadata } from '../../schema/model-metadata.js';
import { parseJson } from '../json-body.js';
import type { JsonSchema } from '../json-schema.js';
import { AJV_OPTIONS, schemaProblem } from '../schema-problem.js';
import { STORE_NAME } from './administrative.js';
import { contentOf } from './content-line.js';
import { BACKUP_FORMAT } from './export-lines.js';
import type { WireEnd } from './export-lines.js';
import type { ArrivingLines, ImportBodyLimits } from './import-body.js';
import { ASSERTION, object } from './request-schemas.js';
import { instantOf } from './wire.js';

interface WireParts {
  readonly store: { readonly id: string; readonly name: string; readonly revision: number };
  readonly model: {
    readonly id: string;
    readonly created_at: string;
    readonly body: object;
    readonly attachments: Attachments;
    readonly metadata: ModelMetadata;
  };
  readonly assertions: { readonly model_id: string; readonly body: readonly object[] };
  readonly end: WireEnd & { readonly models: number; readonly assertions: number };
}

const required = (properties: Parameters<typeof object>[0]): JsonSchema =>
  object(properties, Object.keys(properties));

const ID = { type: 'string', pattern: '^[0-9A-HJKMNP-TV-Z]{26}$' };
const COUNT = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const ANY_OBJECT = { type: 'object' };
const METADATA = {
  ...object({
    message: { type: 'string', maxLength: METADATA_LENGTHS.message },
    author: { type: 'string', maxLength: METADATA_LENGTHS.author },
    git_revision: { type: 'string', maxLength: METADATA_LENGTHS.git_revision },
    written_by: { type: 'string', maxLength: 512 },
  }),
  additionalProperties: false,
};
/** Leaves room for the revisions that the restored tuples make. */
const REVISION = { ...COUNT, maximum: 2 ** 52 };

const ajv = new Ajv({ ...AJV_OPTIONS, strict: false });
const partOf = <Name extends keyof WireParts>(
  name: Name,
  schema: Parameters<typeof object>[0],
): ((line: object) => WireParts[Name]) => {
  const isPart = ajv.compile<Pick<WireParts, Name>>(required({ [name]: required(schema) }));
  return (line) => {
    if (isPart(line)) return line[name];
    throw schemaProblem(isPart.errors ?? []);
  };
};

const PARTS = {
  store: partOf('store', {
    ...{ id: ID, name: { type: 'string', pattern: STORE_NAME.source } },
    ...{ format: { const: BACKUP_FORMAT }, revision: REVISION },
  }),
  model: partOf('model', {
    ...{ id: ID, created_at: { type: 'string' }, body: ANY_OBJECT, attachments: ANY_OBJECT },
    metadata: METADATA,
  }),
  assertions: partOf('assertions', { model_id: ID, body: { type: 'array', items: ASSERTION } }),
  end: partOf('end', {
    ...{ revision: COUNT, models: COUNT, assertions: COUNT, tuples: COUNT, attributes: COUNT },
    sha256: { type: 'string' },
  }),
};

/** Throws `invalid_request`, which names the line, for what is none of a backup. */
export async function* backupLines(
  arriving: AsyncIterable<ArrivingLines>,
  { maxJsonDepth }: ImportBodyLimits,
): AsyncGenerator<readonly BackupLine[], void, undefined> {
  const hash = createHash('sha256');
  let hasEnded = false;
  for await (const { texts, number } of arriving) {
    yield texts.flatMap((text, i) => {
      if (text === '') return [];
      const line = number + i;
      if (hasEnded) throw invalidRequest(`line ${line}`, 'is out of place, behind the end');
      const content = readLine(text, line, maxJsonDepth);
      hasEnded = content.kind === 'end';
      if (content.kind !== 'end') hash.update(`${text}\n`);
      else if (content.sha256 !== hash.digest('hex')) {
        throw invalidRequest(`line ${line}`, 'the digest is that of something else');
      }
      return [{ line, length: text.length, content }];
    });
  }
}

type Read =
  | Exclude<BackupContent, { readonly kind: 'end' }>
  | (BackupContent & { readonly kind: 'end'; readonly sha256: string });

function readLine(text: string, line: number, maxJsonDepth: number): Read {
  try {
    return read(parseJson(text, maxJsonDepth));
  } catch (error) {
    if (!(error instanceof PembaError)) throw error;
    throw new PembaError(error.code, `line ${line}: ${error.message}`, {
      facts: { ...error.facts, line },
      cause: error,
    });
  }
}

function read(value: unknown): Read {
  const line = typeof value === 'object' && value !== null ? value : {};
  if (Object.hasOwn(line, 'store')) {
    const { id, name, revision } = PARTS.store(line);
    return { kind: 'store', id: id as StoreId, name, revision };
  }
  if (Object.hasOwn(line, 'model')) {
    const { id, created_at, ...model } = PARTS.model(line);
    const createdAt = new Date(instantOf(created_at, 'model.created_at'));
    return { kind: 'model', model: { id: id as ModelId, createdAt, ...model } };
  }
  if (Object.hasOwn(line, 'assertions')) {
    const { model_id: modelId, body } = PARTS.assertions(line);
    return { kind: 'assertions', assertions: { modelId: modelId as ModelId, body } };
  }
  if (Object.hasOwn(line, 'end')) {
    const { revision, sha256, ...counts } = PARTS.end(line);
    return { kind: 'end', revision, counts, sha256 };
  }
  const content = contentOf(value);
  if (content === undefined) throw invalidRequest('body', 'is no line of a backup');
  return 'entity' in content
    ? { kind: 'attributes', attributes: content }
    : { kind: 'tuple', tuple: content };
}

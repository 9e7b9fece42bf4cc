/** What a store consists of, as COPY statements and the lines that these give. */
import type { ModelId, StoreId } from '../ids.js';
import type { Attachments } from '../schema/attachments.js';
import type { ModelMetadata } from '../schema/model-metadata.js';
import type { EntityAttributes } from '../tuple/attributes.js';
import { subjectFromColumns } from '../tuple/filter.js';
import type { JsonObject, RelationTuple } from '../tuple/tuple.js';
import { parseCopyLine } from './copy-text.js';
import type { CopyRow } from './copy-text.js';
import { KEY_COLUMNS } from './rows.js';

/** COPY takes no parameters. A store's id is a ULID, and quoted all the same. */
const quoted = (storeId: StoreId): string => `'${storeId.replaceAll("'", "''")}'`;

export const copyTuples = (storeId: StoreId): string =>
  `COPY (SELECT ${KEY_COLUMNS.join(', ')}, condition_name, condition_context,
     (extract(epoch FROM expires_at) * 1000)::bigint
   FROM relation_tuple WHERE store_id = ${quoted(storeId)}) TO STDOUT`;

export const copyAttributes = (storeId: StoreId): string =>
  `COPY (SELECT object_type, object_id, attributes
   FROM entity_attributes WHERE store_id = ${quoted(storeId)}) TO STDOUT`;

/** The oldest first. */
export const copyModels = (storeId: StoreId): string =>
  `COPY (SELECT model_id, (extract(epoch FROM created_at) * 1000)::bigint, body, attachments, metadata
   FROM authorization_model WHERE store_id = ${quoted(storeId)} ORDER BY model_id) TO STDOUT`;

export const copyAssertions = (storeId: StoreId): string =>
  `COPY (SELECT model_id, body
   FROM assertion WHERE store_id = ${quoted(storeId)} ORDER BY model_id) TO STDOUT`;

const PLAIN_END = '\t\\N\t\\N\t\\N';

export function tupleOfLine(line: string): RelationTuple {
  // Most tuples carry nothing, and nothing in them is escaped.
  const isPlain = line.endsWith(PLAIN_END) && line.indexOf('\\') === line.length - 8;
  const row = isPlain ? line.slice(0, -PLAIN_END.length).split('\t') : parseCopyLine(line);
  const [objectType, objectId, relation, subjectType, subjectId, subjectRelation] = row;
  const key = {
    object: { type: objectType ?? '', id: objectId ?? '' },
    relation: relation ?? '',
    subject: subjectFromColumns(subjectType ?? '', subjectId ?? '', subjectRelation ?? ''),
  };
  return isPlain ? key : { ...key, ...carried(row) };
}

function carried(row: CopyRow): Pick<RelationTuple, 'condition' | 'expiresAt'> {
  const [name, context, expiresAt] = row.slice(KEY_COLUMNS.length);
  return {
    ...(typeof name === 'string' && {
      condition: { name, context: JSON.parse(context ?? '{}') as JsonObject },
    }),
    ...(typeof expiresAt === 'string' && { expiresAt: Number(expiresAt) }),
  };
}

export function attributesOfLine(line: string): EntityAttributes {
  const [type, id, attributes] = parseCopyLine(line);
  return {
    entity: { type: type ?? '', id: id ?? '' },
    attributes: JSON.parse(attributes ?? '{}') as JsonObject,
  };
}

export interface KeptModel {
  readonly id: ModelId;
  readonly createdAt: Date;
  /** OpenFGA's JSON, as for `StoredModel`. */
  readonly body: unknown;
  readonly attachments: Attachments;
  readonly metadata: ModelMetadata;
}

export function modelOfLine(line: string): KeptModel {
  const [id, createdAt, body, attachments, metadata] = parseCopyLine(line);
  return {
    id: (id ?? '') as ModelId,
    createdAt: new Date(Number(createdAt)),
    body: JSON.parse(body ?? 'null'),
    attachments: JSON.parse(attachments ?? '{}') as Attachments,
    metadata: JSON.parse(metadata ?? '{}') as ModelMetadata,
  };
}

/** Of one model, all. */
export interface KeptAssertions {
  readonly modelId: ModelId;
  /** OpenFGA's JSON for them. */
  readonly body: unknown;
}

export function assertionsOfLine(line: string): KeptAssertions {
  const [modelId, body] = parseCopyLine(line);
  return { modelId: (modelId ?? '') as ModelId, body: JSON.parse(body ?? 'null') };
}

/**
 * The size of a model as OpenFGA counts it against its limit: the bytes of its protobuf message.
 * No message is built; every field of the schema has a number below 16, so that a tag is one byte,
 * and the rest follows from the lengths.
 */
import type { ParameterType } from '../condition/parameter.js';
import type {
  Model,
  ModelCondition,
  RelationDefinition,
  Rewrite,
  SourceInfo,
  SubjectRestriction,
  TypeDefinition,
} from './model.js';

/** The model's own id, a ULID, is part of the message. */
const ID_LENGTH = 26;
const ENUM_BYTES = 2;

export function encodedBytes(model: Model): number {
  return (
    field(ID_LENGTH) +
    text(model.schemaVersion) +
    sum(model.types.values(), (type) => field(typeBytes(type))) +
    sum(model.conditions.values(), (condition) =>
      field(text(condition.name) + field(conditionBytes(condition))),
    )
  );
}

function typeBytes(type: TypeDefinition): number {
  const relations = [...type.relations.values()];
  const metadata =
    sourceBytes(type.source) +
    sum(relations, ({ name, restrictions, source }) =>
      field(text(name) + field(sum(restrictions, restrictionBytes) + sourceBytes(source))),
    );
  return text(type.name) + sum(relations, relationBytes) + (metadata === 0 ? 0 : field(metadata));
}

const relationBytes = ({ name, rewrite }: RelationDefinition): number =>
  field(text(name) + field(rewriteBytes(rewrite)));

const restrictionBytes = ({ type, kind, relation, condition }: SubjectRestriction): number =>
  field(text(type) + text(relation) + (kind === 'wildcard' ? field(0) : 0) + text(condition ?? ''));

function rewriteBytes(rewrite: Rewrite): number {
  switch (rewrite.kind) {
    case 'direct':
      return field(0);
    case 'computed':
      return field(text(rewrite.relation));
    case 'from':
      return field(field(text(rewrite.tupleset)) + field(text(rewrite.relation)));
    case 'union':
    case 'intersection':
      return field(sum(rewrite.operands, (operand) => field(rewriteBytes(operand))));
    case 'exclusion':
      return field(field(rewriteBytes(rewrite.base)) + field(rewriteBytes(rewrite.subtract)));
  }
}

function conditionBytes({ name, expression, parameters, source }: ModelCondition): number {
  const metadata = sourceBytes(source);
  return (
    text(name) +
    text(expression) +
    sum(Object.entries(parameters), ([parameter, type]) =>
      field(text(parameter) + field(parameterBytes(type))),
    ) +
    (metadata === 0 ? 0 : field(metadata))
  );
}

const parameterBytes = (type: ParameterType): number =>
  ENUM_BYTES + ('of' in type ? field(parameterBytes(type.of)) : 0);

const sourceBytes = (source: SourceInfo | undefined): number =>
  text(source?.module ?? '') + (source?.file === undefined ? 0 : field(text(source.file)));

/** A tag, the length as a varint, and so many bytes. */
const field = (bytes: number): number => 1 + varintBytes(bytes) + bytes;

/** A string field; proto3 leaves out an empty one. */
const text = (value: string): number => (value === '' ? 0 : field(Buffer.byteLength(value)));

const varintBytes = (value: number): number => (value < 0x80 ? 1 : 1 + varintBytes(value >>> 7));

function sum<T>(items: Iterable<T>, bytesOf: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += bytesOf(item);
  return total;
}

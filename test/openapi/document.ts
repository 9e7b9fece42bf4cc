/** An OpenAPI document as the tests read it, and the rules that every one of them is held to. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';

export type Schema = Readonly<Record<string, unknown>>;

/** By media type. */
type Content = Readonly<Record<string, { readonly schema: Schema }>>;

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: Schema;
}

export interface Response {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly description?: string; schema: Schema }>>;
  readonly content?: Content;
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Response>>;
}

export interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export interface PlacedOperation extends Operation {
  readonly method: string;
  readonly path: string;
}

export const operationsOf = ({ paths }: Document): readonly PlacedOperation[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  );

/** Every schema of the document, with the place where it stands. */
export function* schemasOf(document: Document): Generator<readonly [string, Schema]> {
  for (const { operationId, parameters, requestBody, responses } of operationsOf(document)) {
    for (const { name, schema } of parameters) yield [`${operationId} ${name}`, schema];
    for (const [type, { schema }] of Object.entries(requestBody?.content ?? {})) {
      yield [`${operationId} request ${type}`, schema];
    }
    for (const [status, { headers = {}, content = {} }] of Object.entries(responses)) {
      for (const [name, { schema }] of Object.entries(headers)) {
        yield [`${operationId} ${status} ${name}`, schema];
      }
      for (const [type, { schema }] of Object.entries(content)) {
        yield [`${operationId} ${status} ${type}`, schema];
      }
    }
  }
  for (const [name, schema] of Object.entries(document.components.schemas)) yield [name, schema];
}

const RFC3339_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** A validator for which a member that the schema does not list is a fault, if it lists any. */
export class Judge {
  readonly #ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true, strictRequired: true });
  readonly #compiled = new Map<Schema, ValidateFunction>();

  constructor(document: Document) {
    this.#ajv.addFormat('date-time', RFC3339_UTC);
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      this.#ajv.addSchema(closed(schema) as Schema, `#/components/schemas/${name}`);
    }
  }

  /** Throws if the schema is none. */
  compile(schema: Schema): ValidateFunction {
    let validate = this.#compiled.get(schema);
    if (validate === undefined) {
      validate = this.#ajv.compile(closed(schema) as Schema);
      this.#compiled.set(schema, validate);
    }
    return validate;
  }

  /** What is wrong with the value, in one line each; empty if nothing. */
  problems(schema: Schema, value: unknown): readonly string[] {
    const validate = this.compile(schema);
    if (validate(value)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`,
    );
  }
}

/** The schema with `additionalProperties: false` wherever it lists properties and says nothing. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const members = Object.entries(schema).map(([key, value]) => [key, closed(value)] as const);
  const isOpen =
    Object.hasOwn(schema, 'properties') && !Object.hasOwn(schema, 'additionalProperties');
  return { ...Object.fromEntries(members), ...(isOpen && { additionalProperties: false }) };
}

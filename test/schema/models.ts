/** Random models for round trips: well formed and within the DSL, but not always sensible. */
import fc from 'fast-check';
import { SCALAR_TYPES } from '../../src/condition/parameter.js';
import type { ParameterType } from '../../src/condition/parameter.js';
import type {
  Model,
  ModelCondition,
  RelationDefinition,
  Rewrite,
  SubjectRestriction,
} from '../../src/schema/model.js';
import type { Positions } from '../../src/schema/positions.js';
import { validateModel } from '../../src/schema/validate.js';
import { modelFromDsl } from '../../src/schema/dsl.js';
import { DEFAULT_MODEL_LIMITS } from '../../src/schema/limits.js';
import { formatProblem } from '../../src/schema/problem.js';

interface Vocabulary {
  readonly names: readonly string[];
  readonly conditionNames: readonly string[];
  readonly parameterNames: readonly string[];
  readonly expressions: readonly string[];
}

/** Names that objects inherit, that the DSL also uses, and that look like two. */
const EVERYTHING: Vocabulary = {
  names: [
    ...['user', 'a', 'b_2', 'can-edit', 'x.y/z', '__proto__', 'constructor', 'toString'],
    ...['type', 'model', 'module', 'relation', 'schema', 'extend', 'selfish', '_'],
  ],
  conditionNames: ['c1', 'in_hours', '__proto__', 'constructor', 'hasOwnProperty'],
  parameterNames: ['x', 'y', '__proto__', 'valueOf'],
  expressions: [
    'x < 100',
    'x == "a # b"',
    `x == 'it' &&\n    y != "}" || true`,
    'x in ["define a: [user]", r"\\"]',
    '"""a\n\n # b""" == x',
  ],
};

export function modelsOf(vocabulary: Vocabulary): fc.Arbitrary<Model> {
  const name = fc.constantFrom(...vocabulary.names);
  const conditionName = fc.constantFrom(...vocabulary.conditionNames);
  const relations = mapOf(name, relationsOf(name, conditionName));
  return fc.record({
    schemaVersion: fc.constantFrom('1.1' as const, '1.2' as const),
    types: mapOf(name, fc.record({ relations }), 1),
    conditions: mapOf(conditionName, conditionsOf(vocabulary)),
  });
}

export const anyModel = modelsOf(EVERYTHING);

/** What is wrong with a model under the default limits, as a reader sees it. */
export const problemsOf = (model: Model, positions?: Positions): readonly string[] =>
  validateModel(model, { limits: DEFAULT_MODEL_LIMITS, positions }).map(formatProblem);

/** What is wrong with `type doc` of these lines, which begin at line 9, beside user and group. */
export function problemsOfRelations(...lines: readonly string[]): readonly string[] {
  const { model, positions } = modelFromDsl(
    `model
  schema 1.1
type user
type group
  relations
    define member: [user]
type doc
  relations
${lines.map((line) => `    ${line}\n`).join('')}`,
  );
  return problemsOf(model, positions);
}

function mapOf<T>(
  key: fc.Arbitrary<string>,
  value: fc.Arbitrary<T>,
  minLength = 0,
): fc.Arbitrary<ReadonlyMap<string, T & { readonly name: string }>> {
  return fc
    .uniqueArray(fc.tuple(key, value), { minLength, maxLength: 4, selector: ([unique]) => unique })
    .map((entries) => new Map(entries.map(([name, item]) => [name, { ...item, name }])));
}

function relationsOf(
  name: fc.Arbitrary<string>,
  conditionName: fc.Arbitrary<string>,
): fc.Arbitrary<Omit<RelationDefinition, 'name'>> {
  const rewrite = rewritesOf(name);
  const restrictions = fc.array(restrictionsOf(name, conditionName), {
    minLength: 1,
    maxLength: 4,
  });
  return fc.oneof(
    rewrite.map((tree) => ({ rewrite: tree, restrictions: [] })),
    fc.tuple(rewrite, restrictions).map(([tree, written]) => ({
      rewrite: withDirect(tree),
      restrictions: written,
    })),
  );
}

/** Without a direct part. */
export function rewritesOf(name: fc.Arbitrary<string>): fc.Arbitrary<Rewrite> {
  const { tree } = fc.letrec<{ tree: Rewrite }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.record({ kind: fc.constant('computed' as const), relation: name }),
      fc.record({ kind: fc.constant('from' as const), tupleset: name, relation: name }),
      fc.record({
        kind: fc.constantFrom('union' as const, 'intersection' as const),
        operands: fc.array(tie('tree'), { minLength: 2, maxLength: 4 }),
      }),
      fc.record({
        kind: fc.constant('exclusion' as const),
        base: tie('tree'),
        subtract: tie('tree'),
      }),
    ),
  }));
  return tree;
}

/** The first leaf is the only place where the DSL has a direct part. */
export function withDirect(tree: Rewrite): Rewrite {
  switch (tree.kind) {
    case 'direct':
    case 'computed':
    case 'from':
      return { kind: 'direct' };
    case 'union':
    case 'intersection': {
      const [first, ...others] = tree.operands;
      return { ...tree, operands: [withDirect(first!), ...others] };
    }
    case 'exclusion':
      return { ...tree, base: withDirect(tree.base) };
  }
}

function restrictionsOf(
  name: fc.Arbitrary<string>,
  conditionName: fc.Arbitrary<string>,
): fc.Arbitrary<SubjectRestriction> {
  const condition = fc.option(conditionName, { nil: undefined });
  const kind = fc.constantFrom('object' as const, 'wildcard' as const, 'userset' as const);
  return fc.tuple(name, kind, name, condition).map(([type, form, relation, conditional]) => ({
    type,
    kind: form,
    relation: form === 'userset' ? relation : '',
    ...(conditional !== undefined && { condition: conditional }),
  }));
}

function conditionsOf(vocabulary: Vocabulary): fc.Arbitrary<Omit<ModelCondition, 'name'>> {
  const scalar = fc.constantFrom(...SCALAR_TYPES.filter((type) => type !== 'any'));
  const container = fc.constantFrom(undefined, 'list' as const, 'map' as const);
  const type = fc
    .tuple(scalar, container)
    .map(([kind, around]): ParameterType =>
      around === undefined ? { kind } : { kind: around, of: { kind } },
    );
  const parameter = fc.tuple(fc.constantFrom(...vocabulary.parameterNames), type);
  return fc.record({
    expression: fc.constantFrom(...vocabulary.expressions),
    parameters: fc
      .uniqueArray(parameter, { minLength: 1, selector: ([name]) => name })
      .map((parameters) => Object.fromEntries(parameters)),
  });
}

/**
 * A model as TypeScript: types alone, gone when the program runs, for `PembaClient<Schema>` and the
 * decorators of `pemba/nest`. The same model makes the same text, in the form that Prettier gives it
 * with single quotes and lines of 100 characters.
 */
import type { ParameterType } from '../../condition/parameter.js';
import { hasDirect } from '../../schema/model.js';
import type {
  Model,
  RelationDefinition,
  SubjectRestriction,
  TypeDefinition,
} from '../../schema/model.js';

const LINE_LENGTH = 100;

/** `source` is how the file tells where it comes from. */
export function typesText(model: Model, source: string): string {
  const types = [...model.types.values()];
  const lines = [
    `// Made from ${oneLine(source)} by \`pemba schema types\`. Change the schema, and make it again.`,
    '',
    'export interface Schema {',
    '  /** By type and relation: the subjects of its tuples; `never` where it has none of its own. */',
    ...block(
      'types',
      types.map((type) => [type.name, () => relationsOf(type)]),
      1,
    ),
    '  /** By type, relation and condition: the subjects of tuples that name the condition. */',
    ...block(
      'conditional',
      types.filter(isConditional).map((type) => [type.name, () => conditionalOf(type)]),
      1,
    ),
    '  /** By condition: its parameters. */',
    ...block(
      'conditions',
      [...model.conditions.values()].map(({ name, parameters }) => [
        name,
        () => Object.entries(parameters).map(([key, type]): Entry => [key, [parameterText(type)]]),
      ]),
      1,
    ),
    '}',
    '',
  ];
  return lines.join('\n');
}

/** A member with the alternatives of its type, or with members of its own. */
type Entry = readonly [name: string, value: readonly string[] | (() => readonly Entry[])];

function block(name: string, entries: readonly Entry[], depth: number): readonly string[] {
  const indentation = '  '.repeat(depth);
  const head = `${indentation}readonly ${keyText(name)}:`;
  if (entries.length === 0) return [`${head} object;`];
  const inner = entries.flatMap(([key, value]) =>
    typeof value === 'function' ? block(key, value(), depth + 1) : member(key, value, depth + 1),
  );
  return [`${head} {`, ...inner, `${indentation}};`];
}

function member(name: string, alternatives: readonly string[], depth: number): readonly string[] {
  const indentation = '  '.repeat(depth);
  const head = `${indentation}readonly ${keyText(name)}:`;
  const line = `${head} ${alternatives.length === 0 ? 'never' : alternatives.join(' | ')};`;
  if (line.length <= LINE_LENGTH || alternatives.length < 2) return [line];
  const lines = alternatives.map((each) => `${indentation}  | ${each}`);
  return [head, ...lines.slice(0, -1), `${lines.at(-1) ?? ''};`];
}

const relationsOf = ({ relations }: TypeDefinition): readonly Entry[] =>
  [...relations.values()].map((relation): Entry => [
    relation.name,
    subjectsOf(directOf(relation).filter(({ condition }) => condition === undefined)),
  ]);

const isConditional = ({ relations }: TypeDefinition): boolean =>
  [...relations.values()].some(hasConditions);

const hasConditions = (relation: RelationDefinition): boolean =>
  directOf(relation).some(({ condition }) => condition !== undefined);

const conditionalOf = ({ relations }: TypeDefinition): readonly Entry[] =>
  [...relations.values()].filter(hasConditions).map((relation): Entry => [
    relation.name,
    () => {
      const restrictions = directOf(relation);
      const names = new Set(restrictions.flatMap(({ condition }) => condition ?? []));
      return [...names].map((name): Entry => [
        name,
        subjectsOf(restrictions.filter(({ condition }) => condition === name)),
      ]);
    },
  ]);

const directOf = ({ rewrite, restrictions }: RelationDefinition): readonly SubjectRestriction[] =>
  hasDirect(rewrite) ? restrictions : [];

const subjectsOf = (restrictions: readonly SubjectRestriction[]): readonly string[] => [
  ...new Set(restrictions.map(subjectText)),
];

function subjectText({ kind, type, relation }: SubjectRestriction): string {
  switch (kind) {
    case 'object':
      return `\`${inTemplate(type)}:\${string}\``;
    case 'wildcard':
      return quoted(`${type}:*`);
    case 'userset':
      return `\`${inTemplate(type)}:\${string}#${inTemplate(relation)}\``;
  }
}

/** As JSON carries it. */
function parameterText(type: ParameterType): string {
  switch (type.kind) {
    case 'bool':
      return 'boolean';
    case 'int':
    case 'uint':
    case 'double':
      return 'number';
    case 'string':
    case 'duration':
    case 'timestamp':
    case 'ipaddress':
      return 'string';
    case 'any':
      return 'unknown';
    case 'list':
      return `readonly ${parameterText(type.of).replace(/^readonly .*$/, '($&)')}[]`;
    case 'map':
      return `Readonly<Record<string, ${parameterText(type.of)}>>`;
  }
}

const keyText = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name));

/** With the quotes that take fewer escapes, single ones if there is nothing between them. */
function quoted(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\');
  const [singles, doubles] = [text.split("'").length, text.split('"').length];
  return singles > doubles
    ? `"${escaped.replaceAll('"', '\\"')}"`
    : `'${escaped.replaceAll("'", "\\'")}'`;
}

const inTemplate = (text: string): string => text.replace(/[\\`]|\$(?=\{)/g, '\\$&');

const oneLine = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]/gu, '\ufffd');

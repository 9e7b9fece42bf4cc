/**
 * The example in `schema/shop/`: it is valid, its tuples may stand, and every assertion of
 * `shop.fga.yaml` holds. Then the assertions are judged themselves: a model with any one part left
 * out must make one of them fail. Last, what `schema/README.md` quotes must be there.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { answerOf } from '../../src/cli/store-file/answers.js';
import { readStoreFile } from '../../src/cli/store-file/read-store-file.js';
import { questionText } from '../../src/cli/store-file/report.js';
import { isAsExpected } from '../../src/cli/store-file/run.js';
import type { Assertion, StoreFile } from '../../src/cli/store-file/store-file.js';
import { World, modelProblems } from '../../src/cli/store-file/world.js';
import { tupleOfMembers } from '../../src/cli/tuple/tuple-members.js';
import type { Model, RelationDefinition, Rewrite } from '../../src/schema/model.js';
import { rewriteText } from '../../src/schema/rewrite-text.js';
import { formatTupleKey } from '../../src/tuple/tuple.js';
import type { RelationTuple } from '../../src/tuple/tuple.js';

const FOLDER = join(import.meta.dirname, '..', '..', 'schema');

const read = (file: string): string => readFileSync(join(FOLDER, file), 'utf8');

let storeFile: StoreFile;
let model: Model;
let manifest: string;
let modules: readonly string[];
let tuples: readonly RelationTuple[];
let assertions: readonly Assertion[];

beforeAll(async () => {
  storeFile = await readStoreFile(join(FOLDER, 'shop', 'shop.fga.yaml'), {
    readFile: (path) => readFile(path, 'utf8'),
  });
  ({ model } = storeFile.schema);
  manifest = read('shop/fga.mod');
  modules = [...storeFile.schema.files].flatMap(([name, text]) =>
    name === 'fga.mod' ? [] : [text],
  );
  tuples = storeFile.tuples.map(({ tuple }) => tuple);
  assertions = storeFile.tests.flatMap((test) => test.assertions);
});

/** The assertions that do not hold under a model, a line for each. */
function* failuresUnder(answering: Model): Generator<string> {
  const schema = { ...storeFile.schema, model: answering };
  const world = new World({ ...storeFile, schema }, () => 0);
  for (const test of storeFile.tests) {
    const situation = world.of(test, 0);
    for (const assertion of test.assertions) {
      const { question, context, expected } = assertion;
      const got = answerOf(situation, question, context);
      if (!isAsExpected(expected, got)) {
        yield `${titleOf(assertion)}: ${JSON.stringify(got)}`;
      }
    }
  }
}

/** `user:anne can_view order:1001 is true` */
const titleOf = (assertion: Assertion): string =>
  `${questionText(assertion)} is ${String(assertion.expected)}`;

/** `order#can_view` */
function relationOf({ question }: Assertion): string {
  const type = question.kind === 'list_objects' ? question.type : question.object.type;
  return `${type}#${question.relation}`;
}

// ── models with a part left out ─────────────────────────────────────────────────────────────────

const NOBODY: Rewrite = { kind: 'union', operands: [] };

/** One part of the rewrite gives nobody, or one operand of an `and` is not there. */
function partsLeftOut(rewrite: Rewrite): readonly Rewrite[] {
  switch (rewrite.kind) {
    case 'direct':
    case 'computed':
    case 'from':
      return [NOBODY];
    case 'union':
    case 'intersection': {
      const { kind, operands } = rewrite;
      const emptied = operands.flatMap((operand, i) =>
        partsLeftOut(operand).map((part) => ({ kind, operands: operands.with(i, part) })),
      );
      const without = operands.map((_, i) => ({ kind, operands: operands.toSpliced(i, 1) }));
      return kind === 'union' ? emptied : [...emptied, ...without];
    }
    case 'exclusion':
      return [
        ...partsLeftOut(rewrite.base).map((base) => ({ ...rewrite, base })),
        ...partsLeftOut(rewrite.subtract).map((subtract) => ({ ...rewrite, subtract })),
      ];
  }
}

const withRelation = (type: string, relation: RelationDefinition): Model => {
  const definition = model.types.get(type)!; // the relation is of this model
  const relations = new Map(definition.relations).set(relation.name, relation);
  return { ...model, types: new Map(model.types).set(type, { ...definition, relations }) };
};

const isNoticed = (mutant: Model): boolean => failuresUnder(mutant).next().done !== true;

const relationsOf = (of: Model) =>
  [...of.types.values()].flatMap((type) =>
    [...type.relations.values()].map((relation) => ({
      name: `${type.name}#${relation.name}`,
      type: type.name,
      relation,
    })),
  );

// ────────────────────────────────────────────────────────────────────────────────────────────────

describe('the shop', () => {
  it('is a valid model', () => {
    expect(modelProblems(storeFile)).toEqual([]);
  });

  it('admits its tuples, each of which is there once', () => {
    expect(new World(storeFile, () => 0).problems).toEqual([]);
    expect(new Set(tuples.map(formatTupleKey)).size).toBe(tuples.length);
  });

  it('answers as its assertions say', () => {
    expect(assertions.length).toBeGreaterThan(100);
    expect([...failuresUnder(model)]).toEqual([]);
  });
});

describe('the module for delegation', () => {
  it('is the same in the shop, where any tool can read it', () => {
    expect(read('shop/delegation.fga')).toBe(read('delegation.fga'));
  });
});

describe('the assertions about the shop', () => {
  it('say of every relation that somebody has it and that somebody has not', () => {
    const said = assertions.map((each) => `${relationOf(each)} ${String(each.expected)}`);
    const wanted = relationsOf(model).flatMap(({ name }) => [`${name} true`, `${name} false`]);
    expect(wanted.filter((each) => !said.includes(each))).toEqual([]);
  });

  it('notice when any part of a relation is left out', () => {
    const unnoticed = relationsOf(model).flatMap(({ name, type, relation }) => {
      const mutants = [
        ...partsLeftOut(relation.rewrite).map((rewrite) => ({ ...relation, rewrite })),
        ...relation.restrictions.map((_, i) => ({
          ...relation,
          restrictions: relation.restrictions.toSpliced(i, 1),
        })),
      ];
      return mutants
        .filter((mutant) => !isNoticed(withRelation(type, mutant)))
        .map((mutant) => `${name}: ${rewriteText(mutant.rewrite, mutant.restrictions)}`);
    });
    expect(unnoticed).toEqual([]);
  });

  it('notice when a condition decides nothing', () => {
    const constant = [...model.conditions.values()].flatMap((condition) =>
      ['true', 'false'].map((expression) => ({ ...condition, expression })),
    );
    expect(constant.length).toBeGreaterThan(0);
    for (const condition of constant) {
      const conditions = new Map(model.conditions).set(condition.name, condition);
      expect(isNoticed({ ...model, conditions })).toBe(true);
    }
  });
});

describe('schema/README.md', () => {
  const blocks = [...read('README.md').matchAll(/^```(\w+)\n([^]*?)^```$/gm)];
  const quotes = (language: string): readonly string[] =>
    blocks.flatMap(([, tag, text]) => (tag === language && text !== undefined ? [text] : []));

  it('quotes the modules, leaving lines out', () => {
    const sources = modules.map((text) => text.split('\n'));
    const isExcerpt = (quote: string): boolean => {
      const lines = quote.split('\n').filter((line) => line !== '');
      return sources.some((source) => {
        let found = 0;
        for (const line of source) if (line === lines[found]) found += 1;
        return found === lines.length;
      });
    };
    expect(quotes('fga').length).toBeGreaterThan(0);
    expect(quotes('fga').filter((quote) => !isExcerpt(quote))).toEqual([]);
  });

  it('quotes tuples of the story', () => {
    const keys = tuples.map(formatTupleKey);
    expect(keys).toEqual(expect.arrayContaining(quotes('tuples').join('').trim().split('\n')));
    const written = quotes('json').map((text) => tupleOfMembers(JSON.parse(text)));
    expect(written.length).toBeGreaterThan(0);
    expect(tuples).toEqual(expect.arrayContaining(written));
  });

  it('quotes the manifest and assertions of the file', async () => {
    const [first, ...others] = quotes('yaml');
    expect(parse(first ?? '')).toEqual(parse(manifest));
    const path = join(FOLDER, 'shop', 'quote.fga.yaml');
    const quoted = await Promise.all(
      others.map((quote) => {
        const text = quote.includes('model_file:') ? quote : `model_file: ./fga.mod\n${quote}`;
        return readStoreFile(path, {
          readFile: (name) => (name === path ? Promise.resolve(text) : readFile(name, 'utf8')),
        });
      }),
    );
    const titles = quoted
      .flatMap(({ tests }) => tests.flatMap((test) => test.assertions))
      .map(titleOf);
    expect(titles.length).toBeGreaterThan(3);
    expect(assertions.map(titleOf)).toEqual(expect.arrayContaining(titles));
  });
});

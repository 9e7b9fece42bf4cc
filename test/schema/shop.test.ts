/**
 * The example in `schema/shop/`: it is valid, its tuples may stand, and every assertion of
 * `shop.fga.yaml` holds. Then the assertions are judged themselves: a model with any one part left
 * out must make one of them fail. Last, what `schema/README.md` quotes must be there.
 */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { PembaError } from '../../src/errors.js';
import { OverlayGraph } from '../../src/graph/overlay.js';
import { ResidentGraph } from '../../src/graph/resident.js';
import { asRevision } from '../../src/ids.js';
import { Binding } from '../../src/query/binding.js';
import { Budget } from '../../src/query/budget.js';
import { check } from '../../src/query/check.js';
import { listObjects } from '../../src/query/list-objects.js';
import { listUsers } from '../../src/query/list-users.js';
import type { Page } from '../../src/query/page.js';
import type { QueryScope } from '../../src/query/scope.js';
import { admissionProblem } from '../../src/schema/admit.js';
import { DEFAULT_MODEL_LIMITS } from '../../src/schema/limits.js';
import type { Model, RelationDefinition, Rewrite } from '../../src/schema/model.js';
import { modelFromModules } from '../../src/schema/modules.js';
import { compilePlan } from '../../src/schema/plan.js';
import { validateModel } from '../../src/schema/validate.js';
import { formatTupleKey, parseObject, parseSubject } from '../../src/tuple/tuple.js';
import type { JsonObject, ObjectRef, RelationTuple, Subject } from '../../src/tuple/tuple.js';

// ── the files ───────────────────────────────────────────────────────────────────────────────────

interface FileTuple {
  readonly user: string;
  readonly relation: string;
  readonly object: string;
  readonly condition?: { readonly name: string; readonly context: JsonObject };
}

interface FileTest {
  readonly name: string;
  readonly tuples?: readonly FileTuple[];
  readonly check?: readonly {
    readonly user: string;
    readonly object: string;
    readonly context?: JsonObject;
    readonly assertions: Readonly<Record<string, boolean>>;
  }[];
  readonly list_objects?: readonly {
    readonly user: string;
    readonly type: string;
    readonly context?: JsonObject;
    readonly assertions: Readonly<Record<string, readonly string[]>>;
  }[];
  readonly list_users?: readonly {
    readonly object: string;
    readonly user_filter: readonly [{ readonly type: string; readonly relation?: string }];
    readonly context?: JsonObject;
    readonly assertions: Readonly<Record<string, { readonly users: readonly string[] }>>;
  }[];
}

interface StoreFile {
  readonly model_file: string;
  readonly tuple_file: string;
  readonly tests: readonly FileTest[];
}

const read = (file: string): string =>
  readFileSync(new URL(`../../schema/${file}`, import.meta.url), 'utf8');

const storeFile = parse(read('shop/shop.fga.yaml')) as StoreFile;
const manifest = read(`shop/${storeFile.model_file}`);
const { contents } = parse(manifest) as { readonly contents: readonly string[] };
const modules = new Map(contents.map((file) => [file, read(`shop/${file}`)]));
const { model, positions } = modelFromModules(manifest, modules);
const fileTuples = JSON.parse(read(`shop/${storeFile.tuple_file}`)) as readonly FileTuple[];
const tuples = fileTuples.map(tupleOf);

function tupleOf({ object, relation, user, condition }: FileTuple): RelationTuple {
  const key = { object: objectOf(object), relation, subject: subjectOf(user) };
  return condition === undefined ? key : { ...key, condition };
}

function objectOf(text: string): ObjectRef {
  const object = parseObject(text);
  if (object === undefined) throw new TypeError(`not an object: ${text}`);
  return object;
}

function subjectOf(text: string): Subject {
  const subject = parseSubject(text);
  if (subject === undefined) throw new TypeError(`not a subject: ${text}`);
  return subject;
}

// ── the assertions ──────────────────────────────────────────────────────────────────────────────

type Answer = boolean | readonly string[];

/** Assertions about several relations, with the same subject, object or both. */
interface Group {
  readonly title: string;
  /** The type whose relations are asked for. */
  readonly type: string;
  /** Beside those of the file. */
  readonly tuples: readonly RelationTuple[];
  readonly context: JsonObject;
  readonly expected: Readonly<Record<string, Answer>>;
  readonly ask: (scope: QueryScope, relation: string) => Answer;
}

const ALL = { limit: 1000 };

function namesOf({ names, next }: Page): readonly string[] {
  if (next !== undefined) throw new RangeError(`the list goes on after ${next}`);
  return [...names].sort();
}

function groupsOf(test: FileTest): readonly Group[] {
  const own = (test.tuples ?? []).map(tupleOf);
  const checks = (test.check ?? []).map((each): Group => {
    const object = objectOf(each.object);
    const subject = subjectOf(each.user);
    return {
      title: `${each.user} on ${each.object}`,
      type: object.type,
      tuples: own,
      context: each.context ?? {},
      expected: each.assertions,
      ask: (scope, relation) => check(scope, { object, relation, subject }),
    };
  });
  const objects = (test.list_objects ?? []).map((each): Group => {
    const { type } = each;
    const subject = subjectOf(each.user);
    return {
      title: `every ${type} of ${each.user}`,
      type,
      tuples: own,
      context: each.context ?? {},
      expected: mapValues(each.assertions, (ids) => [...ids].sort()),
      ask: (scope, relation) =>
        namesOf(listObjects(scope, { type, relation, subject }, ALL)).map((id) => `${type}:${id}`),
    };
  });
  const users = (test.list_users ?? []).map((each): Group => {
    const object = objectOf(each.object);
    const [form] = each.user_filter;
    return {
      title: `every ${form.type} on ${each.object}`,
      type: object.type,
      tuples: own,
      context: each.context ?? {},
      expected: mapValues(each.assertions, (assertion) => [...assertion.users].sort()),
      ask: (scope, relation) => namesOf(listUsers(scope, { object, relation, form }, ALL)),
    };
  });
  return [...checks, ...objects, ...users];
}

const mapValues = <In, Out>(
  record: Readonly<Record<string, In>>,
  change: (value: In) => Out,
): Readonly<Record<string, Out>> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));

/** `user:anne on order:1: can_view, not can_place` */
function titleOf({ title, context, expected }: Group): string {
  const claims = Object.entries(expected).map(([relation, answer]) => {
    if (typeof answer === 'boolean') return answer ? relation : `not ${relation}`;
    return `${relation} is ${answer.join(' ') || 'nothing'}`;
  });
  const given = Object.keys(context).length === 0 ? '' : ` given ${JSON.stringify(context)}`;
  return `${title}${given}: ${claims.join(', ')}`;
}

// ── the answers ─────────────────────────────────────────────────────────────────────────────────

const LIMITS = {
  maxDepth: 25,
  maxSteps: 10_000,
  maxMs: 1000,
  maxConditionCost: 100,
  maxTreeNodes: 1000,
};

/** What a model answers to a group's questions, with the tuples of the files. */
function answersOf(answering: Model): (group: Group) => Readonly<Record<string, Answer>> {
  const graph = new ResidentGraph(asRevision(0));
  for (const tuple of tuples) graph.load(tuple);
  const binding = new Binding(compilePlan(answering), graph.kinds);
  return (group) => {
    const scope = {
      binding,
      graph: new OverlayGraph(graph, graph.kinds, group.tuples),
      context: group.context,
      now: 0,
    };
    const relations = Object.keys(group.expected);
    return Object.fromEntries(
      relations.map((relation) => {
        const budget = new Budget(LIMITS, () => 0);
        return [relation, group.ask({ ...scope, budget }, relation)];
      }),
    );
  };
}

const groups = storeFile.tests.flatMap(groupsOf);

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

function isNoticed(mutant: Model): boolean {
  const answers = answersOf(mutant);
  return groups.some((group) => {
    try {
      return !isDeepStrictEqual(answers(group), group.expected);
    } catch (error) {
      if (error instanceof PembaError) return true;
      throw error;
    }
  });
}

const relations = [...model.types.values()].flatMap((type) =>
  [...type.relations.values()].map((relation) => ({
    name: `${type.name}#${relation.name}`,
    type: type.name,
    relation,
  })),
);

// ────────────────────────────────────────────────────────────────────────────────────────────────

describe('the shop', () => {
  it('is a valid model', () => {
    expect(validateModel(model, { limits: DEFAULT_MODEL_LIMITS, positions })).toEqual([]);
  });

  it('admits its tuples, each of which is there once', () => {
    const plan = compilePlan(model);
    const own = groups.flatMap((group) => group.tuples);
    for (const tuple of [...tuples, ...own]) expect(admissionProblem(plan, tuple)).toBeUndefined();
    expect(new Set(tuples.map(formatTupleKey)).size).toBe(tuples.length);
  });

  const answers = answersOf(model);
  describe.each(storeFile.tests)('$name', (test) => {
    for (const group of groupsOf(test)) {
      it(titleOf(group), () => {
        expect(answers(group)).toEqual(group.expected);
      });
    }
  });
});

describe('the module for delegation', () => {
  it('is the same in the shop, where any tool can read it', () => {
    expect(read('shop/delegation.fga')).toBe(read('delegation.fga'));
  });
});

describe('the assertions about the shop', () => {
  it('say of every relation that somebody has it and that somebody has not', () => {
    const said = groups.flatMap(({ type, expected }) =>
      Object.entries(expected).map(([relation, answer]) => `${type}#${relation} ${String(answer)}`),
    );
    const wanted = relations.flatMap(({ name }) => [`${name} true`, `${name} false`]);
    expect(wanted.filter((each) => !said.includes(each))).toEqual([]);
  });

  it.each(relations)('notice when a part of $name is left out', ({ type, relation }) => {
    const mutants = [
      ...partsLeftOut(relation.rewrite).map((rewrite) => ({ ...relation, rewrite })),
      ...relation.restrictions.map((_, i) => ({
        ...relation,
        restrictions: relation.restrictions.toSpliced(i, 1),
      })),
    ];
    expect(mutants.filter((mutant) => !isNoticed(withRelation(type, mutant)))).toEqual([]);
  });

  it.each([...model.conditions.values()])('notice when $name decides nothing', (condition) => {
    for (const expression of ['true', 'false']) {
      const conditions = new Map(model.conditions);
      conditions.set(condition.name, { ...condition, expression });
      expect(isNoticed({ ...model, conditions })).toBe(true);
    }
  });
});

describe('schema/README.md', () => {
  const blocks = [...read('README.md').matchAll(/^```(\w+)\n([^]*?)^```$/gm)];
  const quotes = (language: string): readonly string[] =>
    blocks.flatMap(([, tag, text]) => (tag === language && text !== undefined ? [text] : []));

  it('quotes the modules, leaving lines out', () => {
    const sources = [...modules.values()].map((text) => text.split('\n'));
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
    const written = quotes('json').map((text) => JSON.parse(text) as unknown);
    expect(fileTuples).toEqual(expect.arrayContaining(written));
  });

  it('quotes the manifest and assertions of the file', () => {
    const [first, ...others] = quotes('yaml');
    expect(parse(first ?? '')).toEqual(parse(manifest));
    const tests = others.flatMap((quote) => (parse(quote) as StoreFile).tests);
    const titles = tests.flatMap(groupsOf).map(titleOf);
    expect(titles).toHaveLength(4);
    expect(groups.map(titleOf)).toEqual(expect.arrayContaining(titles));
  });
});

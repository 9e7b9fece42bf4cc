import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { entrypointProblems } from '../../src/schema/entrypoints.js';
import { DEFAULT_MODEL_LIMITS, PROBLEMS_MAX } from '../../src/schema/limits.js';
import type { Model, RelationDefinition, Rewrite, TypeDefinition } from '../../src/schema/model.js';
import { validateModel } from '../../src/schema/validate.js';
import { modelFromWire } from '../../src/schema/wire.js';
import { modelsOf, problemsOfRelations } from './models.js';

describe('a relation', () => {
  it('may not be in a cycle of computed relations, which is told once', () => {
    expect(
      problemsOfRelations(
        'define a: [user] or b',
        'define b: c but not viewer',
        'define c: a',
        'define viewer: [user]',
        'define reader: a',
      ),
    ).toEqual([
      "type 'doc', relation 'a' (line 9, column 12): an authorization model cannot contain a " +
        'cycle ' +
        'of computed relations: a → b → c → a',
    ]);
  });

  it('may come back to itself through tuples', () => {
    expect(
      problemsOfRelations(
        'define parent: [doc]',
        'define viewer: [user, doc#viewer] or viewer from parent or editor',
        'define editor: viewer from parent',
      ),
    ).toEqual([]);
  });

  it('must have an entrypoint, and the loop it is in is shown', () => {
    expect(
      problemsOfRelations(
        'define parent: [doc]',
        'define viewer: viewer from parent',
        'define editor: [doc#editor]',
        'define reader: [user] and viewer',
        'define writer: editor or viewer',
        'define friend: [user] but not editor',
      ),
    ).toEqual([
      "type 'doc', relation 'viewer' (line 10, column 12): no entrypoints defined: nobody can " +
        'ever ' +
        'have this relation, it is a potential loop: doc#viewer → doc#viewer',
      "type 'doc', relation 'editor' (line 11, column 12): no entrypoints defined: nobody can " +
        'ever ' +
        'have this relation, it is a potential loop: doc#editor → doc#editor',
      "type 'doc', relation 'reader' (line 12, column 12): no entrypoints defined: nobody can " +
        'ever ' +
        'have this relation, it is a potential loop: doc#reader → doc#viewer → doc#viewer',
      "type 'doc', relation 'writer' (line 13, column 12): no entrypoints defined: nobody can " +
        'ever ' +
        'have this relation, it is a potential loop: doc#writer → doc#editor → doc#editor',
      "type 'doc', relation 'friend' (line 14, column 12): no entrypoints defined: nobody can " +
        'ever ' +
        'have this relation, it is a potential loop: doc#friend → doc#editor → doc#editor',
    ]);
  });

  it('is not also without entrypoint for a reference that does not exist', () => {
    expect(problemsOfRelations('define a: b', 'define b: nothing', 'define c: a and b')).toEqual([
      "type 'doc', relation 'b' (line 10, column 15): relation 'nothing' is not defined on " +
        "type 'doc'",
    ]);
  });

  it('is judged at once, however large and tangled it is', () => {
    const names = Array.from({ length: 4000 }, (_, index) => `r${index}`);
    const chain = names.map((name, index) => [
      name,
      { union: { child: [computed(names[index + 1] ?? 'r0'), computed('r0'), computed('r1')] } },
    ]);
    const parents = names.map((name) => [
      `p${name}`,
      {
        tupleToUserset: { tupleset: { relation: 'up' }, computedUserset: { relation: `p${name}` } },
      },
    ]);
    const model = modelFromWire({
      schema_version: '1.1',
      type_definitions: [
        {
          type: 'doc',
          relations: { up: { this: {} }, ...Object.fromEntries([...chain, ...parents]) },
          metadata: { relations: { up: { directly_related_user_types: [{ type: 'doc' }] } } },
        },
      ],
    });
    const limits = { ...DEFAULT_MODEL_LIMITS, modelBytesMax: 10_000_000 };
    const problems = validateModel(model, { limits });
    expect(problems).toHaveLength(PROBLEMS_MAX);
    expect(Math.max(...problems.map(({ message }) => message.length))).toBeLessThan(200);
  }, 5_000);
});

function computed(relation: string): unknown {
  return { computedUserset: { relation } };
}

/**
 * OpenFGA's own way to find an entrypoint: walk, with the relations visited on the way. What is
 * missing, or refers to itself, is told by another rule, and so passes here.
 */
function hasEntrypoint(
  model: Model,
  type: TypeDefinition,
  relation: RelationDefinition,
  visited: ReadonlySet<RelationDefinition>,
): boolean {
  const path = new Set([...visited, relation]);
  const at = (owner: TypeDefinition | undefined, name: string): boolean => {
    const target = owner?.relations.get(name);
    if (owner === undefined || target === undefined) return true;
    return !path.has(target) && hasEntrypoint(model, owner, target, path);
  };
  const some = <T>(choice: readonly T[], passes: (item: T) => boolean): boolean =>
    choice.length === 0 || choice.some(passes);
  const walk = (rewrite: Rewrite): boolean => {
    switch (rewrite.kind) {
      case 'direct':
        return some(
          relation.restrictions,
          (subject) =>
            subject.kind !== 'userset' || at(model.types.get(subject.type), subject.relation),
        );
      case 'computed':
        return rewrite.relation === relation.name || at(type, rewrite.relation);
      case 'from': {
        const restrictions = type.relations.get(rewrite.tupleset)?.restrictions ?? [];
        const parents = restrictions.flatMap((parent) => model.types.get(parent.type) ?? []);
        return some(
          parents.filter(({ relations }) => relations.has(rewrite.relation)),
          (parent) => at(parent, rewrite.relation),
        );
      }
      case 'union':
        return rewrite.operands.some(walk);
      case 'intersection':
        return rewrite.operands.every(walk);
      case 'exclusion':
        return walk(rewrite.base) && walk(rewrite.subtract);
    }
  };
  return walk(relation.rewrite);
}

describe('entrypoints', () => {
  it('are found where a walk with visited relations finds them', () => {
    const tangled = modelsOf({
      names: ['a', 'b', 'c'],
      conditionNames: ['c'],
      parameterNames: ['x'],
      expressions: ['true'],
    });
    let closedFound = 0;
    fc.assert(
      fc.property(tangled, (model) => {
        const problems = [...entrypointProblems(model, undefined)];
        fc.pre(!problems.some(({ message }) => message.includes('cycle of computed relations')));
        const closed = problems.map((problem) => `${problem.type}#${problem.relation}`);
        const expected = [...model.types.values()].flatMap((type) =>
          [...type.relations.values()]
            .filter((relation) => !hasEntrypoint(model, type, relation, new Set()))
            .map((relation) => `${type.name}#${relation.name}`),
        );
        expect(closed).toEqual(expected);
        closedFound += closed.length;
      }),
      { numRuns: 500 },
    );
    expect(closedFound).toBeGreaterThan(0);
  });
});

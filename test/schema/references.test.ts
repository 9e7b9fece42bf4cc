import { describe, expect, it } from '@jest/globals';
import { modelFromDsl } from '../../src/schema/dsl.js';
import { modelFromWire } from '../../src/schema/wire.js';
import { problemsOf, problemsOfRelations } from './models.js';

/** What is wrong with a model of JSON, where `viewer` is the only relation of `doc`. */
const problemsOfViewer = (rewrite: unknown, restrictions: readonly unknown[]): readonly string[] =>
  problemsOf(
    modelFromWire({
      schema_version: '1.1',
      type_definitions: [
        { type: 'user' },
        {
          type: 'doc',
          relations: { viewer: rewrite },
          metadata: { relations: { viewer: { directly_related_user_types: restrictions } } },
        },
      ],
    }),
  );

describe('a name that a relation refers to', () => {
  it('must be a relation of its type', () => {
    expect(problemsOfRelations('define editor: [user]', 'define viewer: editor or editr')).toEqual([
      "type 'doc', relation 'viewer' (line 10, column 30): relation 'editr' is not defined on " +
        "type 'doc'; did you mean 'editor'?",
    ]);
  });

  it('must be a type, a relation of that type and a condition in restrictions', () => {
    expect(
      problemsOfRelations('define viewer: [usr, group#membr, group with office_hours, doc#zzz]'),
    ).toEqual([
      "type 'doc', relation 'viewer' (line 9, column 21): type 'usr' is not defined; " +
        "did you mean 'user'?",
      "type 'doc', relation 'viewer' (line 9, column 32): relation 'membr' is not defined on " +
        "type 'group'; did you mean 'member'?",
      "type 'doc', relation 'viewer' (line 9, column 50): condition 'office_hours' is not " +
        'defined',
      "type 'doc', relation 'viewer' (line 9, column 68): relation 'zzz' is not defined on " +
        "type 'doc'",
    ]);
  });

  it('cannot be the relation itself, not even beside a direct part', () => {
    expect(problemsOfRelations('define viewer: [user] or viewer')).toEqual([
      "type 'doc', relation 'viewer' (line 9, column 30): is defined by itself: a cycle of one",
    ]);
  });

  it('is found after a comment and in a string that look like it', () => {
    const { model, positions } = modelFromDsl(`model
  schema 1.1
# type doc define viewer: editr
type user
type doc
  relations
    # define viewer: editr
    define viewer: [user with c] or editr # editr
    define editor: [user]
condition c(x: string) {
  x == "define viewer: editr"
}
`);
    expect(problemsOf(model, positions)).toEqual([
      "type 'doc', relation 'viewer' (line 8, column 37): relation 'editr' is not defined on " +
        "type 'doc'; did you mean 'editor'?",
    ]);
  });
});

describe("what stands after 'from'", () => {
  it('must be a relation', () => {
    expect(
      problemsOfRelations('define viewer: member from parnt', 'define parent: [group]'),
    ).toEqual([
      "type 'doc', relation 'viewer' (line 9, column 32): relation 'parnt' is not defined on " +
        "type 'doc'; did you mean 'parent'?",
    ]);
  });

  it('must be assigned directly, and nothing else', () => {
    expect(
      problemsOfRelations(
        'define owner: [group]',
        'define parent: [group] or owner',
        'define viewer: member from parent',
        'define editor: member from viewer',
      ),
    ).toEqual([
      "type 'doc', relation 'viewer' (line 11, column 32): 'parent' after 'from' must only be " +
        'assigned directly, such as [doc]; it is computed',
      "type 'doc', relation 'editor' (line 12, column 32): 'viewer' after 'from' must only be " +
        'assigned directly, such as [doc]; it is computed',
    ]);
  });

  it('must hold plain objects, with a condition or without', () => {
    expect(
      problemsOfRelations(
        'define all: [group, group:*]',
        'define some: [doc, group#member]',
        'define viewer: member from all or viewer from some',
      ),
    ).toEqual([
      "type 'doc', relation 'viewer' (line 11, column 32): 'all' after 'from' must hold plain " +
        "objects only; it may hold 'group:*'",
      "type 'doc', relation 'viewer' (line 11, column 51): 'some' after 'from' must hold plain " +
        "objects only; it may hold 'group#member'",
    ]);
    const { model } = modelFromDsl(
      `model
  schema 1.1
type user
type doc
  relations
    define parent: [doc with c]
    define viewer: [user] or viewer from parent
condition c(x: int) {
  x > 1
}`,
    );
    expect(problemsOf(model)).toEqual([]);
  });

  it('must hold a type that has the relation before it; others need not', () => {
    expect(
      problemsOfRelations(
        'define parent: [user, group]',
        'define viewer: member from parent',
        'define editor: membr from parent',
      ),
    ).toEqual([
      "type 'doc', relation 'editor' (line 11, column 20): relation 'membr' is not defined on " +
        'any ' +
        "type that 'parent' holds ('user', 'group'); did you mean 'member'?",
    ]);
  });
});

describe('a relation', () => {
  it('has types to be written to it exactly when it has a direct part', () => {
    const union = { union: { child: [{ this: {} }, { this: {} }] } };
    expect(problemsOfViewer({ this: {} }, [])).toEqual([
      "type 'doc', relation 'viewer': has a direct part ('this') but no type may be written to " +
        'it: ' +
        'list at least one in directly_related_user_types',
    ]);
    expect(problemsOfViewer(union, [])).toHaveLength(1);
    expect(
      problemsOfViewer(
        { tupleToUserset: { tupleset: { relation: 'p' }, computedUserset: { relation: 'v' } } },
        [{ type: 'user' }],
      ),
    ).toEqual([
      "type 'doc', relation 'viewer': relation 'p' is not defined on type 'doc'",
      "type 'doc', relation 'viewer': lists directly related types but has no direct part: " +
        "add 'this' to its rewrite or remove directly_related_user_types",
    ]);
  });

  it('has two operands at least in a union and an intersection', () => {
    const user = [{ type: 'user' }];
    expect(problemsOfViewer({ union: { child: [{ this: {} }] } }, user)).toEqual([
      "type 'doc', relation 'viewer': union must have at least two children, it has one",
    ]);
    expect(problemsOfViewer({ intersection: { child: [] } }, [])).toEqual([
      "type 'doc', relation 'viewer': intersection must have at least two children, it has none",
    ]);
  });
});

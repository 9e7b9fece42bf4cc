/** Parameters that stand for what is known of a question's subject and object. */
import { describe, expect, it } from '@jest/globals';
import type { Entities } from '../../src/condition/entities.js';
import { evaluateCondition } from '../../src/condition/evaluate.js';
import type { ConditionOutcome } from '../../src/condition/evaluate.js';
import type { JsonObject } from '../../src/tuple/tuple.js';
import { declare } from './declare.js';

interface Given {
  readonly tuple?: JsonObject;
  readonly request?: JsonObject;
  readonly entities?: Partial<Entities>;
}

function outcome(
  expression: string,
  parameters: Readonly<Record<string, string>>,
  { tuple = {}, request = {}, entities }: Given,
): ConditionOutcome {
  const { subject, resource } = entities ?? {};
  return evaluateCondition(
    declare(expression, parameters),
    { tuple, request, entities: { subject, resource } },
    { maxCost: 10_000 },
  );
}

const asLevel = (given: Given): ConditionOutcome =>
  outcome('subject_level == 2', { subject_level: 'int' }, given);

describe('a parameter for an attribute', () => {
  it('is the attribute', () => {
    expect(asLevel({ entities: { subject: { level: 2 } } })).toEqual({ kind: 'true' });
    expect(asLevel({ entities: { resource: { level: 2 } } }).kind).toBe('missing');
  });

  it('is neither replaced nor added by the request, where anything is known', () => {
    const request = { subject_level: 2 };
    expect(asLevel({ request, entities: { subject: { level: 1 } } })).toEqual({ kind: 'false' });
    expect(asLevel({ request, entities: { subject: {} } })).toEqual({
      kind: 'missing',
      parameters: ['subject_level'],
    });
  });

  it('is what the request says, where nothing is known', () => {
    expect(asLevel({ request: { subject_level: 2 } })).toEqual({ kind: 'true' });
    expect(asLevel({ request: { subject_level: 2 }, entities: { resource: {} } }).kind).toBe(
      'true',
    );
  });

  it('is what the tuple says before all else', () => {
    const entities = { subject: { level: 1 } };
    expect(asLevel({ tuple: { subject_level: 2 }, entities })).toEqual({ kind: 'true' });
  });

  it('is of the declared type, or the condition has no answer', () => {
    expect(asLevel({ entities: { subject: { level: 'high' } } }).kind).toBe('error');
  });

  it('is read anew where another object says something else', () => {
    const has = (roles: readonly string[]): string =>
      outcome(
        '"a" in subject_roles',
        { subject_roles: 'list<string>' },
        {
          entities: { subject: { roles } },
        },
      ).kind;
    expect([has(['a']), has(['b']), has(['a'])]).toEqual(['true', 'false', 'true']);
  });
});

describe('a parameter for all attributes', () => {
  const isHome = (given: Given): string =>
    outcome('"home" in subject && subject["home"] == "eu"', { subject: 'map<any>' }, given).kind;

  it('is a map of them, empty where nothing is known', () => {
    expect(isHome({ entities: { subject: { home: 'eu', level: 1 } } })).toBe('true');
    expect(isHome({ entities: { subject: {} } })).toBe('false');
    expect(isHome({})).toBe('false');
  });

  it("is the request's only where nothing is known", () => {
    const request = { subject: { home: 'eu' } };
    expect(isHome({ request })).toBe('true');
    expect(isHome({ request, entities: { subject: { level: 1 } } })).toBe('false');
  });

  it('does not reach into what JavaScript objects have', () => {
    expect(isHome({ entities: { subject: { ['__proto__']: { home: 'eu' } } } })).toBe('false');
  });

  it('is none that is declared as something else', () => {
    const known = { entities: { subject: { a: 1 } } };
    expect(outcome('subject == "x"', { subject: 'string' }, known).kind).toBe('missing');
    const given = { ...known, request: { subject: 'x' } };
    expect(outcome('subject == "x"', { subject: 'string' }, given).kind).toBe('true');
  });
});

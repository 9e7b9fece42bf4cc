/** What of a store an earlier run of `pemba convert openfga` has written. */
import { describe, expect, it } from '@jest/globals';
import { matchModels } from '../../../src/cli/convert/openfga/match-models.js';

const body = (type: string): Readonly<Record<string, unknown>> => ({
  schema_version: '1.1',
  type_definitions: [{ type, relations: {}, metadata: null }],
  conditions: {},
});
const source = (...types: readonly string[]) =>
  types.map((type, i) => ({ id: `s${i}`, body: body(type) }));
const held = (...types: readonly string[]) =>
  types.map((type, i) => ({
    id: `t${i}`,
    body: { schema_version: '1.1', type_definitions: [{ type }] },
  }));
const UNKNOWN = { id: 'bad', body: { schema_version: '9', type_definitions: [] } };

const shown = (...args: Parameters<typeof matchModels>): readonly string[] | undefined =>
  matchModels(...args)?.map((match) => (match.kind === 'there' ? match.id : match.kind));

describe('matching models', () => {
  it('goes on behind those that are there, however they are written', () => {
    expect(shown(source('a', 'b', 'c'), held('a', 'b'))).toEqual(['t0', 't1', 'new']);
    expect(shown(source('a', 'b'), [])).toEqual(['new', 'new']);
    expect(shown([], [])).toEqual([]);
  });

  it('takes one that was written twice as two', () => {
    expect(shown(source('a', 'a', 'b'), held('a'))).toEqual(['t0', 'new', 'new']);
    expect(shown(source('a', 'b', 'a'), held('a', 'b', 'a'))).toEqual(['t0', 't1', 't2']);
  });

  it('puts nothing between them afterwards', () => {
    const [a, b] = source('a', 'b');
    if (a === undefined || b === undefined) throw new Error('two were made');
    expect(shown([a, UNKNOWN, b], held('a', 'b'))).toEqual(['t0', 'skipped', 't1']);
    expect(shown([a, UNKNOWN], held('a'))).toEqual(['t0', 'new']);
    expect(shown(source('a', 'b', 'c'), held('a', 'c'))).toEqual(['t0', 'skipped', 't1']);
  });

  it('knows a store that no earlier run has made', () => {
    expect(shown(source('a', 'b'), held('x'))).toBeUndefined();
    expect(shown(source('a', 'b'), held('b', 'a'))).toBeUndefined();
    expect(shown([], held('a'))).toBeUndefined();
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ConsistencyMemory } from '../../src/client/calling/consistency-memory.js';
import { asRevision } from '../../src/ids.js';
import type { StoreId } from '../../src/ids.js';
import { ConsistencyTokens } from '../../src/replica/consistency-tokens.js';
import { failureOf } from './failures.js';

const seed = Number(process.env['PEMBA_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const STORE = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const tokens = new ConsistencyTokens(STORE as StoreId, new Uint8Array(32).fill(7));

const query = (token: string, sentWith?: string) => ({ token, sentWith, isWrite: false });
const written = (token: string) => ({ token, sentWith: undefined, isWrite: true });

describe(`what a client has been told (seed ${seed})`, () => {
  it("is the greatest revision of the server's tokens, in whatever order they come", () => {
    const revision = fc.oneof(
      fc.nat(300),
      fc.maxSafeNat(),
      fc.constantFrom(2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(revision, fc.boolean()), { minLength: 1 }), (answers) => {
        const memory = new ConsistencyMemory();
        for (const [at, isWrite] of answers) {
          const token = tokens.of(asRevision(at));
          memory.learn(STORE, { token, sentWith: undefined, isWrite });
        }
        const newest = Math.max(...answers.map(([at]) => at));
        expect(memory.tokenOf(STORE)).toBe(tokens.of(asRevision(newest)));
      }),
      { seed, numRuns: 500 },
    );
  });

  it('of tokens that it cannot read, is the last write or what followed from it', () => {
    const memory = new ConsistencyMemory();
    memory.learn(STORE, written('write-1'));
    memory.learn(STORE, query('sent-before', undefined));
    expect(memory.tokenOf(STORE)).toBe('write-1');
    memory.learn(STORE, query('answer', 'write-1'));
    expect(memory.tokenOf(STORE)).toBe('answer');
    memory.learn(STORE, query('overtaken', 'write-1'));
    expect(memory.tokenOf(STORE)).toBe('answer');
    memory.learn(STORE, written('write-2'));
    expect(memory.tokenOf(STORE)).toBe('write-2');
  });

  it('goes to another process and back, and never backwards', () => {
    const [one, other] = [new ConsistencyMemory(), new ConsistencyMemory()];
    one.learn(STORE, query(tokens.of(asRevision(5))));
    one.learn('other-store', query('opaque_-'));
    other.learn(STORE, query(tokens.of(asRevision(9))));
    const text = one.export();
    expect(text).toMatch(/^[\w.~%-]+$/);
    other.import(text);
    expect(other.tokenOf(STORE)).toBe(tokens.of(asRevision(9)));
    expect(other.tokenOf('other-store')).toBe('opaque_-');
    one.import(other.export());
    expect(one.tokenOf(STORE)).toBe(tokens.of(asRevision(9)));
    one.forget(STORE);
    expect(one.tokenOf(STORE)).toBeUndefined();
    expect(new ConsistencyMemory().export()).toBe('');
  });

  it.each(['x', 'a.b~', 'a.b.c', '.b', 'a.', 'a.b;path=/', `a.${'b'.repeat(300)}`])(
    'is not taken from %j',
    async (text) => {
      const failure = await failureOf(
        Promise.resolve().then(() => {
          new ConsistencyMemory().import(text);
        }),
      );
      expect(failure.code).toBe('invalid_session');
    },
  );
});

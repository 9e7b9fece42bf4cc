import { describe, expect, it } from '@jest/globals';
import { ListPool, classFor, sizeOf } from '../../src/graph/list-pool.js';
import { Random } from '../reference/random.js';
import { SEED } from './seed.js';

interface Lent {
  readonly list: number;
  readonly sizeClass: number;
  /** Stands in every word of the list as long as it is lent. */
  readonly stamp: number;
}

const FIRST_WORD = 1;

function lend(pool: ListPool, sizeClass: number, stamp: number): Lent {
  const list = pool.allocate(sizeClass);
  pool.words.fill(stamp, list, list + sizeOf(sizeClass));
  return { list, sizeClass, stamp };
}

const isIntact = (pool: ListPool, { list, sizeClass, stamp }: Lent): boolean =>
  pool.words.subarray(list, list + sizeOf(sizeClass)).every((word) => word === stamp) &&
  list + sizeOf(sizeClass) <= pool.words.length;

describe('a size class', () => {
  it('is the smallest that holds the words', () => {
    const wrong: number[] = [];
    for (let words = 2; words <= 100_000; words++) {
      const sizeClass = classFor(words);
      const holds = sizeOf(sizeClass) >= words;
      const isSmallest = sizeClass === 0 || sizeOf(sizeClass - 1) < words;
      if (!holds || !isSmallest) wrong.push(words);
    }
    expect(wrong).toEqual([]);
  });

  it('is that of its own size, up to what an array can hold', () => {
    const classes = Array.from({ length: 60 }, (_, sizeClass) => sizeClass);
    expect(classes.map((sizeClass) => classFor(sizeOf(sizeClass)))).toEqual(classes);
    expect(classes.slice(0, 8).map(sizeOf)).toEqual([2, 3, 4, 6, 8, 12, 16, 24]);
  });
});

describe(`a list pool (PEMBA_SEED=${SEED})`, () => {
  it('never lends a word twice, through growth and reuse', () => {
    const random = new Random(SEED);
    const pool = new ListPool();
    const lent: Lent[] = [];
    let lentWords = 0;
    for (let step = 1; step <= 30_000; step++) {
      if (random.chance(0.52) || lent.length === 0) {
        const sizeClass = random.chance(0.98) ? random.between(0, 9) : random.between(10, 24);
        lent.push(lend(pool, sizeClass, step));
        lentWords += sizeOf(sizeClass);
      } else {
        const [given] = lent.splice(random.between(0, lent.length - 1), 1);
        if (given === undefined) continue;
        if (!isIntact(pool, given)) throw new Error(`overwritten at step ${step}`);
        pool.release(given.list, given.sizeClass);
        lentWords -= sizeOf(given.sizeClass);
      }
      if (pool.usedWords !== FIRST_WORD + lentWords) throw new Error(`miscounted at step ${step}`);
    }
    expect(lent.filter((list) => !isIntact(pool, list))).toEqual([]);
    expect(lent.some(({ list }) => list < FIRST_WORD)).toBe(false);
  });

  it('lends what was given back before it takes more, in every class', () => {
    const pool = new ListPool();
    const classes = Array.from({ length: 33 }, (_, sizeClass) => sizeClass);
    const pairs = classes.map((sizeClass) => [
      lend(pool, sizeClass, sizeClass + 1),
      lend(pool, sizeClass, sizeClass + 1),
    ]);
    const used = pool.usedWords;
    for (const { list, sizeClass } of pairs.flat()) pool.release(list, sizeClass);
    expect(pool.usedWords).toBe(FIRST_WORD);
    expect(pool.freeWords).toBe(used - FIRST_WORD);
    const capacity = pool.words.length;
    for (const sizeClass of classes) {
      const again = [pool.allocate(sizeClass), pool.allocate(sizeClass)];
      const before = (pairs[sizeClass] ?? []).map(({ list }) => list);
      expect(again).toEqual(before.toReversed());
    }
    expect([pool.usedWords, pool.freeWords, pool.words.length]).toEqual([used, 0, capacity]);
  });
});

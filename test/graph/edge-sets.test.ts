import { describe, expect, it } from '@jest/globals';
import { EdgeSets } from '../../src/graph/edge-sets.js';
import { ListPool } from '../../src/graph/list-pool.js';
import { NodeList } from '../../src/graph/reader.js';
import { SetCursor, guardedSet, plainSet } from '../../src/graph/set-cursor.js';
import { Random } from '../reference/random.js';
import { SEED } from './seed.js';

const ascending = (members: Iterable<number>): number[] => [...members].sort((a, b) => a - b);

/** The sets beside a Map of Maps of Sets that is changed alike. */
class Compared {
  readonly sets: EdgeSets;
  readonly #model = new Map<number, Map<number, Set<number>>>();
  #edges = 0;

  constructor(pool: ListPool) {
    this.sets = new EdgeSets(pool);
  }

  members(from: number, tag: number): ReadonlySet<number> {
    return this.#model.get(from)?.get(tag) ?? new Set();
  }

  add(from: number, tag: number, to: number): void {
    const isNew = !this.members(from, tag).has(to);
    if (this.sets.add(from, tag, to) !== isNew) throw new Error(`add said ${!isNew}`);
    if (!isNew) return;
    const tags = this.#model.get(from) ?? new Map<number, Set<number>>();
    this.#model.set(from, tags.set(tag, (tags.get(tag) ?? new Set()).add(to)));
    this.#edges++;
  }

  remove(from: number, tag: number, to: number): void {
    const isThere = this.members(from, tag).has(to);
    if (this.sets.remove(from, tag, to) !== isThere) throw new Error(`remove said ${!isThere}`);
    if (!isThere) return;
    const tags = this.#model.get(from);
    tags?.get(tag)?.delete(to);
    if (tags?.get(tag)?.size === 0) tags.delete(tag);
    if (tags?.size === 0) this.#model.delete(from);
    this.#edges--;
  }

  /** Of one set, by `open` and `has`. */
  differsAt(from: number, tag: number): boolean {
    const list = new NodeList();
    this.sets.open(from, tag, list);
    const expected = ascending(this.members(from, tag));
    const has = (to: number): boolean => this.sets.has(from, tag, to);
    return (
      list.length !== expected.length ||
      expected.some((to, i) => list.words[list.start + i] !== to || !has(to)) ||
      expected.some((to) => has(to + 1) !== this.members(from, tag).has(to + 1)) ||
      has((expected[0] ?? 0) - 1)
    );
  }

  /** Of all sets of a node, by a cursor. */
  nodeDiffers(from: number): boolean {
    const expected = new Map(this.#model.get(from));
    const cursor = new SetCursor();
    this.sets.openAll(from, cursor);
    while (cursor.next()) {
      const tag = cursor.isGuarded ? guardedSet(cursor.kind) : plainSet(cursor.kind);
      const { start, length } = cursor;
      const read = [...cursor.words.subarray(start, start + length)];
      if (read.join() !== ascending(expected.get(tag) ?? []).join()) return true;
      expected.delete(tag);
    }
    return expected.size > 0;
  }

  differences(): string[] {
    const nodes = [...this.#model].filter(([from]) => this.nodeDiffers(from));
    const sets = [...this.#model].flatMap(([from, tags]) =>
      [...tags.keys()].filter((tag) => this.differsAt(from, tag)).map((tag) => `${from}/${tag}`),
    );
    const count = this.sets.edges === this.#edges ? [] : [`${this.sets.edges} edges`];
    return [...nodes.map(([from]) => `node ${from}`), ...sets, ...count];
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Leaves so many words, or one fewer, before the pool has to grow. */
function fill(pool: ListPool, wordsLeft: number): void {
  while (pool.words.length - pool.usedWords - pool.freeWords > wordsLeft + 1) pool.allocate(0);
}

/** Sizes at which a list changes its class, or begins to carry its length. */
const BOUNDARIES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 127, 128, 191, 253, 254, 255, 256, 257, 383];

describe(`edge sets (PEMBA_SEED=${SEED})`, () => {
  it('are right at every size on the way up and down', () => {
    const random = new Random(SEED);
    const compared = new Compared(new ListPool());
    const tag = plainSet(3);
    const wrong: number[] = [];
    for (let round = 0; round < 2; round++) {
      // Neighbours in the same node, whose words must stay what they are.
      for (const neighbour of upTo(round)) compared.add(5, plainSet(10 + neighbour), round);
      for (const to of random.shuffled(upTo(400))) {
        compared.add(5, tag, to * 2);
        if (compared.differsAt(5, tag)) wrong.push(compared.members(5, tag).size);
      }
      for (const to of random.shuffled(upTo(400))) {
        compared.add(5, tag, to * 2);
        compared.remove(5, tag, to * 2 + 1);
        compared.remove(5, tag, to * 2);
        if (compared.differsAt(5, tag)) wrong.push(compared.members(5, tag).size);
      }
    }
    expect(wrong).toEqual([]);
    expect(compared.differences()).toEqual([]);
  });

  it('are right when they waver about a boundary', () => {
    const compared = new Compared(new ListPool());
    const wrong: number[] = [];
    for (const [node, size] of BOUNDARIES.entries()) {
      for (const to of upTo(size)) compared.add(node, 0, to);
      for (const over of [1, 2, 1, 3]) {
        for (const extra of upTo(over)) compared.add(node, 0, size + extra);
        if (compared.nodeDiffers(node)) wrong.push(size);
        for (const extra of upTo(over)) compared.remove(node, 0, size + extra);
        if (compared.nodeDiffers(node)) wrong.push(size);
        compared.remove(node, 0, 0);
        if (compared.nodeDiffers(node)) wrong.push(size);
        compared.add(node, 0, 0);
      }
    }
    expect(wrong).toEqual([]);
    expect(compared.differences()).toEqual([]);
  });

  it.each([1000, 20_000])('hold %i members', (size) => {
    const random = new Random(SEED);
    const compared = new Compared(new ListPool());
    for (const to of random.shuffled(upTo(size))) compared.add(0, guardedSet(0), to * 3);
    expect(compared.differences()).toEqual([]);
    for (const to of random.sample(upTo(size), size - 3)) compared.remove(0, guardedSet(0), to * 3);
    expect(compared.members(0, guardedSet(0)).size).toBe(3);
    expect(compared.differences()).toEqual([]);
  });

  it('hold hundreds of kinds of one node', () => {
    const random = new Random(SEED);
    const compared = new Compared(new ListPool());
    const tags = upTo(301).flatMap((kind) => [plainSet(kind), guardedSet(kind)]);
    for (const tag of random.shuffled(tags)) {
      for (const to of upTo(random.between(1, 5))) compared.add(1, tag, to);
    }
    expect(compared.differences()).toEqual([]);
    for (const tag of random.shuffled(tags)) {
      for (const to of compared.members(1, tag)) compared.remove(1, tag, to);
      if (compared.nodeDiffers(1)) throw new Error(`after the last of tag ${tag}`);
    }
    expect(compared.sets.edges).toBe(0);
  });

  it('give the pool back what they no longer need', () => {
    const pool = new ListPool();
    const compared = new Compared(pool);
    const before = pool.usedWords;
    for (const size of BOUNDARIES) for (const to of upTo(size)) compared.add(size, size, to);
    for (const size of BOUNDARIES) for (const to of upTo(size)) compared.remove(size, size, to);
    expect(pool.usedWords).toBe(before);
  });

  it('outlive the pool that grows in the middle of an operation', () => {
    const grew = { add: 0, remove: 0, set: 0 };
    const wrong: string[] = [];
    for (const [size, wordsLeft] of BOUNDARIES.flatMap((s) =>
      upTo(7).map((w) => [s, w] as const),
    )) {
      for (const operation of ['add', 'remove', 'set'] as const) {
        const pool = new ListPool();
        const compared = new Compared(pool);
        for (const to of upTo(size)) compared.add(2, plainSet(1), to);
        for (const kind of upTo(size % 9)) compared.add(2, guardedSet(kind), kind);
        fill(pool, wordsLeft);
        const { words } = pool;
        if (operation === 'add') compared.add(2, plainSet(1), size);
        else if (operation === 'remove') compared.remove(2, plainSet(1), 0);
        else compared.add(2, plainSet(400), 7);
        if (pool.words !== words) grew[operation]++;
        wrong.push(...compared.differences().map((what) => `${operation} ${size}: ${what}`));
      }
    }
    expect(wrong).toEqual([]);
    expect(Object.values(grew).every((times) => times > 0)).toBe(true);
  });

  it('of two directions share a pool through random changes', () => {
    const random = new Random(SEED);
    const pool = new ListPool();
    const directions = [new Compared(pool), new Compared(pool)];
    for (let step = 0; step < 60_000; step++) {
      const compared = random.pick(directions);
      const from = random.chance(0.5) ? random.between(0, 3) : random.between(0, 2000);
      const tag = random.chance(0.8) ? random.between(0, 2) : random.between(0, 600);
      const to = random.between(0, 600);
      const growing = step % 20_000 < 12_000;
      if (random.chance(growing ? 0.7 : 0.2)) compared.add(from, tag, to);
      else compared.remove(from, tag, [...compared.members(from, tag)].at(-1) ?? to);
      if (step % 100 === 0 && compared.nodeDiffers(from)) throw new Error(`at step ${step}`);
    }
    expect(directions.map((compared) => compared.differences())).toEqual([[], []]);
  });

  it('of a node that has none are empty', () => {
    const sets = new EdgeSets(new ListPool());
    sets.add(0, 0, 1);
    const list = new NodeList();
    const cursor = new SetCursor();
    for (const node of [-1, 1, 15, 16, 1_000_000]) {
      sets.open(node, 0, list);
      sets.openAll(node, cursor);
      expect([list.length, cursor.next(), sets.has(node, 0, 1)]).toEqual([0, false, false]);
      expect(sets.remove(node, 0, 1)).toBe(false);
    }
    expect(sets.edges).toBe(1);
  });
});

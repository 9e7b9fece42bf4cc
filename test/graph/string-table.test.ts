import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { StringTable, hashOf } from '../../src/graph/string-table.js';
import { parseObject } from '../../src/tuple/tuple.js';
import { Random } from '../reference/random.js';
import { SEED } from './seed.js';

type Name = readonly [type: number, text: string];

const keyOf = ([type, text]: Name): string => `${type} ${text}`;

/** Interns the names one by one beside a Map, and says where the table differs from it. */
function differences(table: StringTable, names: readonly Name[]): string[] {
  const model = new Map<string, number>();
  const wrong: string[] = [];
  for (const name of names) {
    const known = model.get(keyOf(name));
    if (table.find(...name) !== (known ?? -1)) wrong.push(`find before: ${keyOf(name)}`);
    const expected = known ?? model.size;
    if (table.intern(...name) !== expected) wrong.push(`intern: ${keyOf(name)}`);
    model.set(keyOf(name), expected);
  }
  for (const name of names) {
    const id = model.get(keyOf(name)) ?? -1;
    if (table.find(...name) !== id) wrong.push(`find after: ${keyOf(name)}`);
    if (table.type(id) !== name[0] || table.text(id) !== name[1]) wrong.push(`of id: ${id}`);
  }
  if (table.size !== model.size) wrong.push(`size ${table.size}, not ${model.size}`);
  return wrong;
}

const units = (min: number, max: number): fc.Arbitrary<string> =>
  fc.integer({ min, max }).map((unit) => String.fromCharCode(unit));

/** Few letters, so that names repeat, and are each other's prefixes. */
const short = fc.string({
  unit: fc.constantFrom('a', 'b', '\u0000', 'ÿ', 'Ā', '語'),
  maxLength: 5,
});
const alphabets = [units(0x20, 0x7e), units(0, 0xff), units(0, 0xffff), units(0x4e00, 0x4e10)];
const medium = fc.oneof(
  ...alphabets.map((unit) => fc.string({ unit, maxLength: 300 })),
  fc.string({ unit: 'grapheme', maxLength: 80 }),
);
/** Round where a length no longer fits beside the type. */
const long = fc
  .tuple(fc.constantFrom('a', 'é', '語'), fc.integer({ min: 2040, max: 2055 }), short)
  .map(([letter, length, end]) => letter.repeat(length) + end);
const name: fc.Arbitrary<Name> = fc.tuple(
  fc.oneof(fc.integer({ min: 0, max: 2 }), fc.constantFrom(4095, 2 ** 20 - 1)),
  fc.oneof({ weight: 4, arbitrary: short }, { weight: 4, arbitrary: medium }, long),
);

/** Every mixture of the blocks; those before have brought both to the same state of the hash. */
const mixtures = (blocks: readonly (readonly string[])[]): readonly string[] =>
  blocks.reduce<readonly string[]>(
    (all, block) => all.flatMap((text) => block.map((next) => text + next)),
    [''],
  );

const COLLIDING = mixtures([
  ['chi120', 'is4b94'],
  ['xfoylb', 'd14xqn'],
  ['5630yc', 'fw9cbc'],
  ['yfeyq6', 'q3cgtt'],
  ['01v2vq', 'ziq411'],
  ['t8u0fz', 'cpp3wh'],
]);

/** Has the same hash, length and low bytes. */
const IMPERSONATED = 'administrator-01';
const IMPERSONATOR = 'adm\u6769nis\u0c74rat\u026fr-0\ub731';

describe(`a string table (PEMBA_SEED=${SEED})`, () => {
  it('hands out the numbers that a Map would, and gives the names back', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 150, size: 'max' }), (names) => {
        expect(differences(new StringTable(0), names)).toEqual([]);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it('tells prefixes, types and lengths apart', () => {
    const letters = ['a', 'ß', '漢', '😀'];
    const texts = letters.flatMap((letter) =>
      Array.from({ length: 301 }, (_, length) => letter.repeat(length)),
    );
    const names = texts.flatMap((text): Name[] => [
      [0, text],
      [1, text],
    ]);
    expect(differences(new StringTable(0), names)).toEqual([]);
  });

  it('keeps names longer than the header can say', () => {
    const texts = [2046, 2047, 2048, 2049, 70_000].flatMap((length) => [
      'x'.repeat(length),
      '語'.repeat(length),
      `${'x'.repeat(length - 1)}語`,
      `${'x'.repeat(length - 1)}y`,
    ]);
    const names = texts.map((text): Name => [3, text]);
    expect(differences(new StringTable(0), [...names, ...names])).toEqual([]);
  });

  it('tells names of one hash apart', () => {
    expect(new Set(COLLIDING).size).toBe(64);
    expect(new Set(COLLIDING.map((text) => hashOf(0, 0, text))).size).toBe(1);
    const names = COLLIDING.map((text): Name => [0, text]);
    expect(differences(new StringTable(0), [...names, ...names])).toEqual([]);
  });

  it('does not take the beginning of a long name for the whole', () => {
    const beginning = 'x'.repeat(2048);
    const whole = `${beginning}rgmmygba`;
    expect(hashOf(0, 0, whole)).toBe(hashOf(0, 0, beginning));
    const names = [whole, beginning].map((text): Name => [0, text]);
    expect(differences(new StringTable(0), names)).toEqual([]);
  });

  it('does not take a wide name for a narrow one of the same hash', () => {
    expect(hashOf(0, 0, IMPERSONATOR)).toBe(hashOf(0, 0, IMPERSONATED));
    expect(parseObject(`user:${IMPERSONATOR}`)).toBeDefined();
    for (const texts of [
      [IMPERSONATED, IMPERSONATOR],
      [IMPERSONATOR, IMPERSONATED],
    ]) {
      const names = texts.map((text): Name => [0, text]);
      expect(differences(new StringTable(0), names)).toEqual([]);
    }
  });

  it('holds two hundred thousand names', () => {
    const random = new Random(SEED);
    const tails = ['', 'é', '語', '-a-longer-name-that-takes-some-words'];
    const names = Array.from({ length: 200_000 }, (_, index): Name => [
      random.between(0, 3),
      `${index.toString(36)}${random.pick(tails)}`,
    ]);
    const table = new StringTable(0);
    const misnumbered = names.filter((each, index) => table.intern(...each) !== index);
    expect(misnumbered).toEqual([]);
    const wrong = names.filter(
      ([type, text], id) =>
        table.find(type, text) !== id ||
        table.find(type, `${text}!`) !== -1 ||
        table.type(id) !== type ||
        table.text(id) !== text,
    );
    expect(wrong).toEqual([]);
    expect(table.bytes).toBeGreaterThan(200_000 * 12);
  });
});

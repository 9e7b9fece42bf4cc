/** Recorded by `npm run test:spicedb -- --record test/vectors/spicedb.json`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { disagree, pembaAnswers, questionsOf } from './pemba-answers.js';
import type { SpiceWorld } from './spicedb-world.js';

const worlds = JSON.parse(
  readFileSync(join(process.cwd(), 'test', 'vectors', 'spicedb.json'), 'utf8'),
) as readonly (SpiceWorld & { readonly answers: string })[];

describe('a converted SpiceDB schema', () => {
  it.each(worlds.map((world, index) => [index, world] as const))(
    'answers in world %i as SpiceDB did',
    (_index, world) => {
      const { answers, findings } = pembaAnswers(world);
      const isNarrow = findings.some(({ severity }) => severity === 'missing');
      const wrong = Array.from(questionsOf(world)).filter((question, index) =>
        disagree(answers[index] ?? '', world.answers[index] ?? '', {
          isNarrow,
          isPartial: question.context === world.contexts[2],
        }),
      );
      expect(world.answers).toHaveLength(answers.length);
      expect(wrong).toEqual([]);
    },
  );

  it('is asked what has answers of every kind', () => {
    const all = worlds.map(({ answers }) => answers).join('');
    expect(new Set(all)).toEqual(new Set(['+', '-', '?']));
  });
});

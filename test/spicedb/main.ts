/**
 * `npm run test:spicedb -- --worlds 200 --seed 1`: random SpiceDB schemas with relationships are
 * converted, and Pemba is asked everything that SpiceDB itself is asked. `--record FILE` writes
 * worlds with SpiceDB's answers, which `npm test` replays without it.
 */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { disagree, pembaAnswers, questionsOf } from '../convert/pemba-answers.js';
import type { PembaAnswers } from '../convert/pemba-answers.js';
import { randomSpiceWorld } from '../convert/spicedb-world.js';
import type { SpiceWorld } from '../convert/spicedb-world.js';
import { Oracle } from './oracle.js';

const WORLDS_DEFAULT = '100';
const SEED_MAX = 2 ** 31;
/** A schema that the generator should not have made; more than a few mean that it is wrong. */
const REFUSED_SHARE_MAX = 0.05;

const { values: options } = parseArgs({
  options: {
    packages: { type: 'string' },
    worlds: { type: 'string', default: WORLDS_DEFAULT },
    seed: { type: 'string', default: String(randomInt(SEED_MAX)) },
    record: { type: 'string' },
  },
});

async function main(): Promise<number> {
  const [worlds, seed] = [Number(options.worlds), Number(options.seed)];
  const oracle = await Oracle.load(options.packages ?? '');
  console.log(`${worlds} worlds from seed ${seed}`);
  const total = { asked: 0, agreed: 0, narrow: 0, partial: 0, gaveUp: 0, refused: 0 };
  const recorded: (SpiceWorld & { readonly answers: string })[] = [];
  for (let index = 0; index < worlds; index += 1) {
    const world = randomSpiceWorld(seed + index);
    const spice = await oracle.ask(world);
    if (spice.kind === 'refused') {
      total.refused += 1;
      console.log(`seed ${seed + index}: SpiceDB refuses it: ${spice.reason}`);
      continue;
    }
    const pemba = pembaAnswers(world);
    const report = compare(world, pemba, spice.answers, total);
    if (report !== undefined) {
      console.error(`seed ${seed + index}: ${report}\n\n${world.schema}\n${pemba.dsl}`);
      console.error(world.relationships.join('\n'));
      console.error(pemba.findings.map(({ message }) => message).join('\n'));
      return 1;
    }
    recorded.push({ ...world, answers: spice.answers });
  }
  const { asked, agreed, narrow, partial, gaveUp, refused } = total;
  console.log(
    `${asked} questions: ${agreed} agreed, ${narrow} lost by what has no equivalent, ` +
      `${partial} want more context, ${gaveUp} given up by SpiceDB; ${refused} schemas refused`,
  );
  if (options.record !== undefined) writeFileSync(options.record, `${JSON.stringify(recorded)}\n`);
  return refused > worlds * REFUSED_SHARE_MAX ? 1 : 0;
}

type Total = Record<'asked' | 'agreed' | 'narrow' | 'partial' | 'gaveUp', number>;

function compare(
  world: SpiceWorld,
  { answers, findings }: PembaAnswers,
  spice: string,
  total: Total,
): string | undefined {
  const isNarrow = findings.some(({ severity }) => severity === 'missing');
  let index = 0;
  for (const { resource, member, subject, context } of questionsOf(world)) {
    const [ours = '', theirs = ''] = [answers[index], spice[index]];
    const isPartial = context === world.contexts[2];
    if (disagree(ours, theirs, { isNarrow, isPartial })) {
      const question = `${resource}#${member}@${subject} with ${JSON.stringify(context)}`;
      return `${question}: SpiceDB ${theirs}, Pemba ${ours}`;
    }
    total.asked += 1;
    if (theirs === '!') total.gaveUp += 1;
    else if (ours === theirs) total.agreed += 1;
    else if (ours === '?') total.partial += 1;
    else total.narrow += 1;
    index += 1;
  }
  return undefined;
}

process.exitCode = await main();

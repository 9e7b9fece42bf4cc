/**
 * The interop scenarios of AuthZEN's working group, as far as they are of 1.0. They lie beside the
 * project where it is developed, and are skipped, visibly, where they are not.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { WORLDS } from './worlds.js';
import type { AccessStore } from './worlds.js';

const PATH = join(import.meta.dirname, '../../../shared/conformance/authzen-interop.json');
const isThere = existsSync(PATH);

interface Case {
  readonly endpoint: string;
  readonly request: object;
  readonly expected: { readonly results?: readonly object[] };
}

interface Scenario {
  readonly fixture: Parameters<typeof WORLDS.todo>[1];
  readonly cases: readonly Case[];
}

const SCENARIOS = [
  ['todo-1.0', 'todo', 40],
  ['todo-1.1', 'todo', 43],
  ['api-gateway', 'gateway', 25],
  ['search', 'search', 198],
  ['idp', 'search', 6],
] as const;

describeWithPostgres("AuthZEN's interop scenarios", () => {
  let pemba: Pemba;
  beforeAll(async () => {
    pemba = await startPemba();
  });
  afterAll(() => pemba.stop());

  const differences = async (
    store: AccessStore,
    cases: readonly Case[],
  ): Promise<readonly object[]> => {
    const wrong: object[] = [];
    for (const { endpoint, request, expected } of cases) {
      const answer = await store.told(endpoint, request);
      const [given, wanted] = [answer, expected].map(inOrder);
      if (given !== wanted) wrong.push({ endpoint, request, given, wanted });
    }
    return wrong;
  };

  /** Results are a set. Everything else is compared to the letter: nothing unasked is said. */
  const inOrder = (answer: Case['expected']): string =>
    JSON.stringify({
      ...answer,
      ...(answer.results && {
        results: answer.results.map((result) => JSON.stringify(result)).sort(),
      }),
    });

  for (const [name, world, count] of SCENARIOS) {
    (isThere ? it : it.skip)(
      `${name} holds in all its ${count} cases${isThere ? '' : ` (skipped: there is no ${PATH})`}`,
      async () => {
        const scenarios = JSON.parse(readFileSync(PATH, 'utf8')) as Record<string, Scenario>;
        const { fixture, cases } = scenarios[name]!;
        expect(cases).toHaveLength(count);
        expect(await differences(await WORLDS[world](pemba, fixture), cases)).toEqual([]);
      },
    );
  }
});

/** `examples/shop`, as `npm run example:shop` runs it: nothing of it is replaced. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { describeOnUnix } from '../support/embedded.js';

const MAIN = join(__dirname, '../../examples/dist/shop/run/main.js');
/** Some twenty times what it takes on an idle machine: six processes start, one of them twice. */
const PATIENCE_MS = 180_000;

const filesIn = (folder: string): string[] => readdirSync(folder, { recursive: true }) as string[];

interface Story {
  readonly holds: boolean;
  readonly statements: readonly {
    readonly id: string;
    readonly facts: readonly { readonly holds: boolean }[];
  }[];
  readonly refusedAfterMs: number;
}

class Example {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown[]>;
  output = '';
  errors = '';

  /** Its temporary files are in `folder`. */
  constructor(folder: string, ...args: readonly string[]) {
    this.#child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#exited = once(this.#child, 'close');
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
  }

  /** The test's own time is the bound. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#child.exitCode !== null) throw new Error(`ended: ${this.output}${this.errors}`);
      await sleep(20);
    }
  }

  /** Also where a test was given up. */
  async end(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal);
    await this.#exited;
  }

  async exitCode(): Promise<number | null> {
    await this.#exited;
    return this.#child.exitCode;
  }
}

describeOnUnix('the shop', () => {
  let folder: string;
  let example: Example;

  const prepare = (): void => {
    folder = mkdtempSync(join(tmpdir(), 'shop-'));
  };
  const cleanUp = async (): Promise<void> => {
    await example.end('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  };

  describe('tells its story', () => {
    let story: Story;

    beforeAll(async () => {
      prepare();
      example = new Example(folder, '--json');
      const code = await example.exitCode();
      if (code !== 0) throw new Error(`ended with ${code}: ${example.output}${example.errors}`);
      story = JSON.parse(example.output) as Story;
    }, PATIENCE_MS);
    afterAll(cleanUp, PATIENCE_MS);

    it.each([
      ['an order is placed, from service to service', 'placed'],
      ['the customer’s own token reserves nothing', 'customer_alone'],
      ['the orders service reserves nothing by itself', 'service_alone'],
      ['with a permit it can: for that item, once, for 60 s', 'with_permit'],
      ['a permit for billing is refused by inventory', 'other_audience'],
      ['a live permit is refused once the customer is removed', 'revoked'],
      ['with Pemba killed, permits of before are taken', 'without_pemba'],
    ])('%s', (_title, id) => {
      const facts = story.statements.find((statement) => statement.id === id)?.facts ?? [];
      expect(facts.length).toBeGreaterThan(1);
      expect(facts.filter(({ holds }) => !holds)).toEqual([]);
    });

    it('and says how soon the permit ended', () => {
      expect(story.refusedAfterMs).toBeGreaterThan(0);
    });

    it('and leaves nothing behind', () => {
      expect(readdirSync(folder)).toEqual([]);
    });
  });

  describe('is stopped', () => {
    beforeEach(prepare);
    afterEach(cleanUp, PATIENCE_MS);

    it(
      'by Ctrl-C, while it serves, and leaves nothing behind',
      async () => {
        example = new Example(folder, '--serve');
        await example.until(() => example.output.includes('Ctrl-C stops everything'));
        await example.end('SIGINT');
        expect(readdirSync(folder)).toEqual([]);
      },
      PATIENCE_MS,
    );

    it(
      'by a signal, as soon as Pemba has begun to make its data',
      async () => {
        example = new Example(folder, '--serve');
        await example.until(() => filesIn(folder).some((name) => name.endsWith('PG_VERSION')));
        await example.end('SIGTERM');
        expect(readdirSync(folder)).toEqual([]);
      },
      PATIENCE_MS,
    );
  });
});

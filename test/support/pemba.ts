/**
 * The whole service in this process, on a free port and a database of its own: what `main.ts` does,
 * with a clock that tests can put forward and a log that they can read.
 */
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { assemble } from '../../src/app.module.js';
import type { Assembly } from '../../src/app.module.js';
import type { Clock } from '../../src/clock.js';
import { loadConfig } from '../../src/config.js';
import { serve } from '../../src/server.js';
import { Database } from '../../src/storage/database.js';
import { migrate } from '../../src/storage/migrations.js';
import { createTestDatabase } from './postgres.js';

/** Real time, and what a test adds to it. */
export class TestClock implements Clock {
  #aheadMs = 0;

  now(): number {
    return Date.now() + this.#aheadMs;
  }

  monotonic(): number {
    return performance.now();
  }

  putForward(ms: number): void {
    this.#aheadMs += ms;
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body if it is JSON, else undefined. */
  readonly json: any;
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** The body as it is sent, instead of one that is made JSON. */
  readonly raw?: string;
}

export interface Pemba {
  readonly url: string;
  readonly assembly: Assembly;
  readonly clock: TestClock;
  /** What has been logged at info and above, a line of JSON each. */
  readonly logged: readonly string[];
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Answer>;
  /** A new store with a model written in the DSL; its path is `/stores/{id}`. */
  storeWith(dsl: string): Promise<TestStore>;
  stop(): Promise<void>;
}

export interface TestStore {
  readonly id: string;
  readonly path: string;
  readonly modelId: string;
}

/** `settings` are environment variables, as they would be set for the process. */
export async function startPemba(
  settings: Readonly<Record<string, string>> = {},
): Promise<Pemba> {
  const testDatabase = await createTestDatabase();
  const clock = new TestClock();
  const logged: string[] = [];
  const config = loadConfig({ PORT: '0', DATABASE_URL: testDatabase.url, ...settings });
  const database = await Database.connect({
    address: { url: testDatabase.url },
    poolSize: config.databasePool,
    timeoutMs: config.databaseTimeoutMs,
  });
  await migrate(database);
  const assembly = assemble({ config, clock, log: logInto(logged), database });
  assembly.replicas.start();
  assembly.sweeper.start();
  const server = await serve(assembly);
  const call = caller(server.url);
  return {
    url: server.url,
    assembly,
    clock,
    logged,
    call,
    storeWith: (dsl) => storeWith(call, dsl),
    async stop() {
      await server.close();
      await assembly.sweeper.stop();
      await assembly.replicas.stop();
      await database.close();
      await testDatabase.drop();
    },
  };
}

const logInto = (lines: string[]): Assembly['log'] =>
  pino(
    { level: 'info', base: null },
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString());
        done();
      },
    }),
  );

const caller =
  (url: string): Pemba['call'] =>
  async (method, path, body, { headers = {}, raw } = {}) => {
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(url + path, {
      method,
      headers: { ...(sent !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(sent !== undefined && { body: sent }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: jsonOf(text) };
  };

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function storeWith(call: Pemba['call'], dsl: string): Promise<TestStore> {
  const store = await call('POST', '/stores', { name: 'test' });
  const path = `/stores/${String(store.json.id)}`;
  const model = await call('POST', `${path}/authorization-models`, undefined, {
    raw: dsl,
    headers: { 'content-type': 'text/plain' },
  });
  if (model.status !== 201) throw new Error(`the model was refused: ${model.text}`);
  return { id: store.json.id, path, modelId: model.json.authorization_model_id };
}

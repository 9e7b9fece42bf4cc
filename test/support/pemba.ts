/**
 * The whole service in this process, on a free port and a database of its own: what `main.ts` does,
 * with a clock that tests can set and a log that they can read.
 */
import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { assemble, createEngine } from '../../src/app.module.js';
import type { Assembly } from '../../src/app.module.js';
import type { Exchange } from '../../src/delegation/exchange.js';
import type { SubjectTokens } from '../../src/identity/subject-tokens.js';
import type { Clock } from '../../src/clock.js';
import { authenticationMethods, loadConfig } from '../../src/config.js';
import { grantAdministrators } from '../../src/identity/administrators.js';
import { administratorKey } from '../../src/identity/bootstrap-key.js';
import { prepareSystemStore } from '../../src/identity/system-store.js';
import { serve } from '../../src/server.js';
import { Database } from '../../src/storage/database.js';
import { migrate } from '../../src/storage/migrations.js';
import { createLog } from '../../src/telemetry/log.js';
import { createTestDatabase } from './postgres.js';
import type { TestDatabase } from './postgres.js';

/** Runs with real time until it is stopped at an instant or put forward. */
export class TestClock implements Clock {
  #aheadMs = 0;
  #passedMs = 0;
  #stoppedAt: number | undefined;
  #heldAt: number | undefined;

  now(): number {
    return this.#stoppedAt ?? Date.now() + this.#aheadMs;
  }

  monotonic(): number {
    return (this.#heldAt ?? performance.now()) + this.#passedMs;
  }

  /** What measures durations measures none from now on, but those that are made to pass. */
  hold(): void {
    this.#heldAt ??= performance.now();
  }

  stopAt(instant: number): void {
    this.#stoppedAt = instant;
  }

  putForward(ms: number): void {
    this.#aheadMs += ms;
  }

  /** As if so much time had gone by, for what looks at a clock; timers know nothing of it. */
  pass(ms: number): void {
    this.#passedMs += ms;
    if (this.#stoppedAt === undefined) this.#aheadMs += ms;
    else this.#stoppedAt += ms;
  }

  /** From the instant at which it was stopped. */
  goOn(): void {
    this.#aheadMs = this.now() - Date.now();
    this.#stoppedAt = undefined;
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body if it is JSON, else undefined. */
  readonly json: ReturnType<typeof JSON.parse>;
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** What is sent as it stands, in place of a body that is made JSON. */
  readonly raw?: string | Uint8Array;
}

export interface TestStore {
  readonly id: string;
  /** `/stores/{id}` */
  readonly path: string;
  readonly modelId: string;
}

export interface Pemba {
  readonly url: string;
  readonly grpcPort: number | undefined;
  /** With authentication on: an administrator's key, which `call` sends unless told otherwise. */
  readonly adminKey: string | undefined;
  readonly assembly: Assembly;
  readonly database: TestDatabase;
  readonly clock: TestClock;
  /** What has been logged at info and above, a line of JSON each. */
  readonly logged: readonly string[];
  /** What of that was an error. */
  failures(): readonly string[];
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Answer>;
  /** A new store with a model written in the DSL. */
  storeWith(dsl: string): Promise<TestStore>;
  stop(): Promise<void>;
}

/**
 * `settings` are environment variables, as they would be set for the process. `beside` is another
 * process on the same database, which has to be stopped last, or where that is. `given` is made
 * outside of it.
 */
export async function startPemba(
  settings: Readonly<Record<string, string>> = {},
  beside?: Pick<Pemba, 'database' | 'clock'>,
  given: { readonly subjectTokens?: SubjectTokens; readonly exchange?: Exchange } = {},
): Promise<Pemba> {
  const testDatabase = beside?.database ?? (await createTestDatabase());
  const clock = beside?.clock ?? new TestClock();
  const logged: string[] = [];
  const config = loadConfig({
    PORT: '0',
    DATABASE_URL: testDatabase.url,
    // No overload: a machine that runs other suites too, and time that is made to pass.
    PEMBA_MAX_LOOP_DELAY_MS: '0',
    ...settings,
  });
  const database = await Database.connect({
    address: { url: testDatabase.url },
    poolSize: config.databasePool,
    timeoutMs: config.databaseTimeoutMs,
  });
  await migrate(database);
  const parts = { config, clock, random: randomBytes, log: logInto(logged), database };
  const engine = createEngine(parts);
  const isOn = authenticationMethods(config).size > 0;
  const systemStore = isOn ? await prepareSystemStore(engine) : undefined;
  if (systemStore !== undefined) await grantAdministrators(engine, systemStore);
  const made = assemble(parts, engine, systemStore);
  const { exchange = made.delegation.exchange, ...identity } = given;
  const assembly = {
    ...made,
    delegation: { ...made.delegation, exchange },
    identity: { ...made.identity, ...identity },
  };
  await assembly.decisionLog?.start();
  assembly.identity.tokens?.start();
  assembly.identity.assertions.start();
  await assembly.signing.start();
  assembly.replicas.start();
  assembly.sweeper.start();
  assembly.delegation.revocations.start();
  await assembly.rollout.start();
  const server = await serve(assembly);
  const { keys } = assembly.identity;
  const adminKey = keys && (await administratorKey(keys, 'test')).key;
  const call = caller(server.url, adminKey);
  return {
    url: server.url,
    grpcPort: server.grpcPort,
    adminKey,
    assembly,
    database: testDatabase,
    clock,
    logged,
    failures: () => logged.filter((line) => ERROR_LINE.test(line)),
    call,
    storeWith: (dsl) => storeWith(call, dsl),
    async stop() {
      await server.close();
      await assembly.rollout.stop();
      await assembly.delegation.revocations.stop();
      await assembly.sweeper.stop();
      await assembly.replicas.stop();
      await assembly.signing.stop();
      await assembly.identity.tokens?.stop();
      await assembly.identity.assertions.stop();
      await assembly.decisionLog?.stop();
      await database.close();
      if (beside === undefined) await testDatabase.drop();
    },
  };
}

const ERROR_LINE = /"level":(50|60|"error"|"fatal")/;

const logInto = (lines: string[]): Assembly['log'] =>
  createLog(
    'info',
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString());
        done();
      },
    }),
  );

const caller =
  (url: string, key: string | undefined): Pemba['call'] =>
  async (method, path, body, { headers = {}, raw } = {}) => {
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(typeof sent === 'string' && { 'content-type': 'application/json' }),
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...headers,
      },
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

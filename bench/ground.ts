/**
 * What benchmarks stand on: a temporary directory, a PostgreSQL in it, programs in processes of
 * their own. It is made when it is first asked for, and all of it goes at the end, however that
 * comes.
 */
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Database } from '../src/storage/database.js';
import { startEmbeddedPostgres } from '../src/storage/embedded/postgres.js';
import type { EmbeddedPostgres } from '../src/storage/embedded/postgres.js';
import { migrate } from '../src/storage/migrations.js';
import { Program } from './program.js';
import type { Table } from './report.js';
import type { Scale } from './scale.js';
import { storeWorld } from './stored-world.js';
import type { StoredWorld } from './stored-world.js';

export interface Benchmark {
  readonly name: string;
  readonly run: (ground: Ground) => Promise<readonly Table[]>;
}

export class Ground {
  readonly scale: Scale;
  readonly directory = mkdtempSync(join(tmpdir(), 'pemba-bench-'));
  readonly #say: (line: string) => void;
  readonly #closers: (() => Promise<void>)[] = [];
  #closing: Promise<void> | undefined;
  #postgres: Promise<EmbeddedPostgres> | undefined;
  #world: Promise<StoredWorld> | undefined;

  constructor(scale: Scale, say: (line: string) => void) {
    this.scale = scale;
    this.#say = say;
    this.onClose(() => {
      rmSync(this.directory, { recursive: true, force: true });
      return Promise.resolve();
    });
  }

  /** Closers run in the opposite order. */
  onClose(close: () => Promise<void>): void {
    this.#closers.push(close);
    // What was being started when a signal came.
    if (this.#closing !== undefined) this.#closing = this.#closing.then(() => this.#closeAll());
  }

  /** Resolves when all is gone, whoever began with it. */
  async close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    for (let known: unknown; known !== this.#closing;) {
      known = this.#closing;
      await this.#closing;
    }
  }

  async #closeAll(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) {
      await close().catch((error: unknown) => {
        this.#say(`while stopping: ${String(error)}`);
      });
    }
  }

  /** A new database with Pemba's tables, as a URL. */
  async database(name: string): Promise<string> {
    const root = await this.#connect(await this.#urlOf('postgres'));
    await root.query(`CREATE DATABASE ${name}`);
    await root.close();
    const url = await this.#urlOf(name);
    const database = await this.#connect(url);
    await migrate(database);
    await database.close();
    return url;
  }

  /** The world in a store of its own, only read by the benchmarks. */
  world(): Promise<StoredWorld> {
    this.#world ??= storeWorld(this);
    return this.#world;
  }

  say(line: string): void {
    this.#say(line);
  }

  /** `module` is one of the programs beside this file; stopped at the end if not before. */
  async program(module: string, nodeOptions: readonly string[] = []): Promise<Program> {
    const program = await Program.start(new URL(module, import.meta.url), nodeOptions);
    this.onClose(() => program.stop());
    return program;
  }

  async #urlOf(databaseName: string): Promise<string> {
    this.#postgres ??= this.#startPostgres();
    const { host, port, user, password = '' } = (await this.#postgres).connection;
    return `postgresql://${user}:${password}@${encodeURIComponent(host)}:${port}/${databaseName}`;
  }

  async #startPostgres(): Promise<EmbeddedPostgres> {
    const dataDir = join(this.directory, 'data');
    const log = createWriteStream(join(this.directory, 'embedded.log'));
    const postgres = await startEmbeddedPostgres({
      dataDir,
      log: (line) => log.write(`${line}\n`),
    });
    this.onClose(async () => {
      await postgres.stop();
      log.end();
    });
    return postgres;
  }

  #connect(url: string): Promise<Database> {
    return Database.connect({ address: { url }, poolSize: 2, timeoutMs: 0 });
  }
}

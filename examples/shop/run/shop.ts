/**
 * Everything that runs:
 *
 *   issuer → Pemba (and its PostgreSQL) → setup → web, orders, inventory, billing
 *
 * Each is a process. Data, tokens and the file of issuers are in one temporary folder.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADMINISTRATOR, issuersFile, setUp } from '../setup.js';
import { Program, freeAddresses } from './process.js';

const SERVICES = ['web', 'orders', 'inventory', 'billing'] as const;
export type ServiceName = (typeof SERVICES)[number];

export interface StartTimes {
  readonly pembaMs: number;
  readonly setupMs: number;
  readonly servicesMs: number;
}

export class Shop {
  readonly issuer: Program;
  readonly pemba: Program;
  readonly #folder: string;
  readonly #addresses: ReadonlyMap<ServiceName, string>;
  readonly #services = new Map<ServiceName, Program>();
  #storeId = '';
  readonly #begun: Program[] = [];
  #pembaUp: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  private constructor(folder: string, addresses: readonly string[]) {
    const [issuer = '', pemba = '', ...others] = addresses;
    this.#folder = folder;
    this.#addresses = new Map(SERVICES.map((name, i) => [name, others[i] ?? '']));
    const issuersPath = join(folder, 'issuers.json');
    writeFileSync(issuersPath, JSON.stringify(issuersFile(issuer)));
    this.issuer = new Program({
      name: 'issuer',
      file: new URL('issuer.js', import.meta.url),
      url: issuer,
      environment: { ALL_PLATFORM_TOKENS: join(folder, 'tokens') },
    });
    this.pemba = new Program({
      name: 'pemba',
      file: new URL('dist/main.js', import.meta.resolve('pemba/package.json')),
      url: pemba,
      environment: {
        DATA_DIR: join(folder, 'data'),
        PEMBA_EXAMPLE_STORE: 'false',
        PEMBA_LOG_LEVEL: 'error',
        PEMBA_AUTHENTICATION: 'jwt',
        PEMBA_ISSUERS_FILE: issuersPath,
        PEMBA_ADMINISTRATORS: ADMINISTRATOR,
      },
    });
  }

  static async make(): Promise<Shop> {
    const addresses = await freeAddresses(2 + SERVICES.length);
    return new Shop(mkdtempSync(join(tmpdir(), 'pemba-shop-')), addresses);
  }

  get storeId(): string {
    return this.#storeId;
  }

  get storeUrl(): string {
    return `${this.pemba.url}/stores/${this.#storeId}`;
  }

  service(name: ServiceName): Program {
    const found = this.#services.get(name);
    if (found === undefined) throw new Error(`${name} is not started`);
    return found;
  }

  /** The token that the platform has given to a service, for an audience. */
  platformToken(name: ServiceName | 'setup', audience: string): string {
    return readFileSync(join(this.#folder, 'tokens', name, audience), 'utf8');
  }

  async start(): Promise<StartTimes> {
    const began = performance.now();
    await this.#begin(this.issuer);
    await this.startPemba();
    const pembaUp = performance.now();
    this.#storeId = await setUp(this.pemba.url, this.platformToken('setup', 'pemba'));
    const written = performance.now();
    await Promise.all(SERVICES.map((name) => this.#startService(name)));
    return {
      pembaMs: Math.round(pembaUp - began),
      setupMs: Math.round(written - pembaUp),
      servicesMs: Math.round(performance.now() - written),
    };
  }

  startPemba(): Promise<void> {
    this.#pembaUp ??= this.#begin(this.pemba, '/readyz', 200);
    return this.#pembaUp;
  }

  /** `kill -9`. Its PostgreSQL goes on, for the next one. */
  async killPemba(): Promise<void> {
    await this.pemba.end('SIGKILL');
    this.#pembaUp = undefined;
  }

  async #startService(name: ServiceName): Promise<void> {
    const addresses = [...this.#addresses].map(
      ([other, url]) => [`${other.toUpperCase()}_URL`, url] as const,
    );
    const service = new Program({
      name,
      file: new URL(`../${name}.js`, import.meta.url),
      url: this.#addresses.get(name) ?? '',
      environment: {
        PEMBA_URL: this.pemba.url,
        PEMBA_STORE: this.#storeId,
        PLATFORM_ISSUER: `${this.issuer.url}/platform`,
        PLATFORM_TOKENS: join(this.#folder, 'tokens', name),
        ...Object.fromEntries(addresses),
      },
    });
    this.#services.set(name, service);
    await this.#begin(service);
  }

  async #begin(program: Program, path?: string, status?: number): Promise<void> {
    if (this.#stopped !== undefined) throw new Error('the shop is being stopped');
    this.#begun.push(program);
    await program.start(path, status);
  }

  /** Nothing is left then, wherever the start or the story was. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    await Promise.all([...this.#services.values()].map((service) => service.end('SIGTERM')));
    if (this.#begun.includes(this.pemba)) await this.#stopPemba();
    await this.issuer.end('SIGTERM');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** When it is up, also after it was killed: only then does it take its PostgreSQL down in order. */
  async #stopPemba(): Promise<void> {
    try {
      await (this.#pembaUp ?? this.pemba.start('/readyz', 200));
    } finally {
      await this.pemba.end('SIGTERM');
    }
  }

  /** What each process has written. */
  get output(): string {
    return this.#begun.map(({ name, output }) => `--- ${name}\n${output}`).join('\n');
  }
}

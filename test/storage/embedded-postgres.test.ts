import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { packagedBinaries } from '../../src/storage/embedded/binaries.js';
import { startEmbeddedPostgres } from '../../src/storage/embedded/postgres.js';
import { inspectProcess } from '../../src/storage/embedded/process.js';
import type { EmbeddedPostgres } from '../../src/storage/embedded/postgres.js';
import { describeWithEmbedded } from '../support/embedded.js';

const root = join(import.meta.dirname, '..', '..');
const isLinux = process.platform === 'linux';
const isRoot = process.getuid?.() === 0;

let scratch: string;
const started: EmbeddedPostgres[] = [];
const children: ChildProcess[] = [];

beforeAll(() => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), 'pemba-embedded-')));
  chmodSync(scratch, 0o755);
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const server of started.splice(0)) await server.stop();
});
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

async function start(
  dataDir: string,
  options: { readonly log?: (line: string) => void; readonly loopback?: boolean } = {},
): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, durable: false, ...options });
  started.push(server);
  return server;
}

async function query(server: EmbeddedPostgres, statement: string): Promise<unknown[]> {
  const client = new Client(server.connection);
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(statement);
    return rows.flatMap((row) => Object.values(row));
  } finally {
    await client.end();
  }
}

const postmasterPid = (dataDir: string): number =>
  Number.parseInt(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8'), 10);

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

/** The present source, compiled for a Node process that can be killed. */
function compiledLauncher(): string {
  const output = join(root, 'node_modules', '.cache', 'embedded-postgres-test');
  const launcher = readdirSync(join(root, 'src', 'storage', 'embedded'));
  const sources = ['src/errors.ts', ...launcher.map((name) => `src/storage/embedded/${name}`)];
  const swc = join(root, 'node_modules', '@swc', 'cli', 'bin', 'swc.js');
  execFileSync(process.execPath, [swc, ...sources, '--out-dir', output], {
    cwd: root,
    stdio: 'pipe',
  });
  writeFileSync(join(output, 'package.json'), '{ "type": "module" }');
  return join(output, 'src', 'storage', 'embedded', 'postgres.js');
}

/** Another Pemba process that starts a server on the directory, and what it does meanwhile. */
function startElsewhere(launcher: string, dataDir: string, meanwhile = ''): ChildProcess {
  const program = `
    import { existsSync } from 'node:fs';
    import { startEmbeddedPostgres } from ${JSON.stringify(launcher)};
    const starting = startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, durable: false });
    ${meanwhile}
    await starting;
    console.log('up');
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

describeWithEmbedded('the embedded PostgreSQL', () => {
  it('makes a database and keeps what is in it', async () => {
    const dataDir = join(scratch, 'kept');
    const first = await start(dataDir);
    await query(first, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    const second = await start(dataDir);
    expect(second.adopted).toBe(false);
    expect(await query(second, 'SELECT answer FROM kept')).toEqual([42]);
    expect(await query(second, 'SHOW data_checksums')).toEqual(['on']);
    await second.stop();
    expect(existsSync(join(dataDir, 'pemba.lock'))).toBe(false);
    expect(existsSync(second.connection.host)).toBe(false);
  });

  it('is durable unless told otherwise', async () => {
    const server = await startEmbeddedPostgres({ dataDir: join(scratch, 'durable') });
    started.push(server);
    expect(await query(server, 'SHOW fsync')).toEqual(['on']);
    expect(await query(server, 'SHOW synchronous_commit')).toEqual(['on']);
  });

  it('works in a directory whose path is too long for a socket', async () => {
    const dataDir = join(scratch, 'x'.repeat(120), 'y'.repeat(120));
    const server = await start(dataDir);
    expect(await query(server, 'SELECT 1')).toEqual([1]);
  });

  it('takes no connection without the password where it listens on TCP', async () => {
    const server = await start(join(scratch, 'loopback'), { loopback: true });
    expect(server.connection.host).toBe('127.0.0.1');
    expect(await query(server, 'SELECT 1')).toEqual([1]);
    const stranger = new Client({ ...server.connection, password: 'guess' });
    await expect(stranger.connect()).rejects.toThrow('password authentication failed');
  });

  it('refuses a directory that is in use, and leaves its server alone', async () => {
    const dataDir = join(scratch, 'twice');
    const server = await start(dataDir);
    await expect(start(dataDir)).rejects.toMatchObject({
      code: 'cannot_start',
      message: expect.stringContaining(`is in use by process ${process.pid} on `),
    });
    expect(await query(server, 'SELECT 1')).toEqual([1]);
  });

  it('brings a killed server back under the same address, with every committed row', async () => {
    const dataDir = join(scratch, 'killed');
    const lines: string[] = [];
    const server = await start(dataDir, { log: (line) => lines.push(line) });
    await query(server, 'CREATE TABLE kept AS SELECT generate_series(1, 1000)');
    process.kill(postmasterPid(dataDir), 'SIGKILL');
    await until(() => lines.includes('PostgreSQL is back'));
    expect(await query(server, 'SELECT count(*)::int FROM kept')).toEqual([1000]);
  });

  it('comes back when its socket was cleaned away', async () => {
    const lines: string[] = [];
    const server = await start(join(scratch, 'cleaned'), { log: (line) => lines.push(line) });
    rmSync(server.connection.host, { recursive: true });
    await until(() => lines.includes('PostgreSQL is back'));
    expect(await query(server, 'SELECT 1')).toEqual([1]);
  });

  it('stops while a killed server is on its way back', async () => {
    const dataDir = join(scratch, 'stopped-in-between');
    const lines: string[] = [];
    const server = await start(dataDir, { log: (line) => lines.push(line) });
    process.kill(postmasterPid(dataDir), 'SIGKILL');
    await until(() => lines.some((line) => line.includes('starting it again')));
    await server.stop();
    const next = await start(dataDir);
    expect(next.adopted).toBe(false);
    expect(await query(next, 'SELECT 1')).toEqual([1]);
  });

  (isLinux ? it : it.skip)(
    `starts although the id of a dead server is another process's by now${isLinux ? '' : ' (skipped: not Linux)'}`,
    async () => {
      const dataDir = join(scratch, 'same-id');
      const first = await start(dataDir);
      const pidFile = join(dataDir, 'postgres', 'postmaster.pid');
      const remnant = readFileSync(pidFile, 'utf8');
      await first.stop();
      const { uid, gid } = statSync(dirname(pidFile));
      const other = spawn('sleep', ['60'], isRoot ? { uid, gid } : {});
      children.push(other);
      writeFileSync(pidFile, remnant.replace(/^\d+/, String(other.pid)), { mode: 0o600 });
      chownSync(pidFile, uid, gid);
      const second = await start(dataDir);
      expect(await query(second, 'SELECT 1')).toEqual([1]);
    },
  );

  it.each([
    ['a file', 'file', 'a part of the path is not a directory'],
    ['below a file', 'file/below', 'a file of that name is in the way'],
  ])('says what is wrong with a DATA_DIR that is %s', async (_, name, reason) => {
    writeFileSync(join(scratch, 'file'), '');
    await expect(start(join(scratch, name))).rejects.toMatchObject({
      code: 'cannot_start',
      message: expect.stringMatching(new RegExp(`^DATA_DIR ${scratch}/file.*${reason}$`)),
    });
  });

  it('leaves the data of another major version alone', async () => {
    const dataDir = join(scratch, 'older');
    mkdirSync(join(dataDir, 'postgres'), { recursive: true });
    writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '9\n');
    await expect(start(dataDir)).rejects.toMatchObject({
      code: 'cannot_start',
      message: expect.stringContaining('was made by PostgreSQL 9, and this is PostgreSQL 18'),
    });
    expect(readdirSync(dataDir)).toEqual(['postgres']);
  });

  it('leaves a directory alone that holds something else', async () => {
    const dataDir = join(scratch, 'something-else');
    mkdirSync(join(dataDir, 'postgres'), { recursive: true });
    writeFileSync(join(dataDir, 'postgres', 'letter.txt'), 'dear');
    await expect(start(dataDir)).rejects.toThrow('holds something else than a database');
    expect(readFileSync(join(dataDir, 'postgres', 'letter.txt'), 'utf8')).toBe('dear');
  });

  (isRoot && isLinux ? it : it.skip)(
    `runs as root below a directory that only root may enter${isRoot && isLinux ? '' : ' (skipped: not root on Linux)'}`,
    async () => {
      const closed = join(scratch, 'closed');
      mkdirSync(closed, { mode: 0o700 });
      const server = await start(join(closed, 'data'));
      expect(await query(server, 'SHOW data_directory')).toEqual(['/proc/self/fd/3']);
    },
  );
});

describeWithEmbedded('the embedded PostgreSQL of a killed process', () => {
  let launcher: string;
  beforeAll(() => {
    launcher = compiledLauncher();
  });

  it('is taken over as it runs', async () => {
    const dataDir = join(scratch, 'adopted');
    const owner = startElsewhere(launcher, dataDir);
    await once(owner.stdout!, 'data');
    const pid = postmasterPid(dataDir);
    await expect(start(dataDir)).rejects.toThrow(`is in use by process ${owner.pid!}`);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    const server = await start(dataDir);
    expect(server.adopted).toBe(true);
    expect(postmasterPid(dataDir)).toBe(pid);
    expect(await query(server, 'SELECT 1')).toEqual([1]);
    await server.stop();
    expect(inspectProcess(pid)).toBeUndefined();
  });

  it('recovers when it was killed as well', async () => {
    const dataDir = join(scratch, 'both');
    const owner = startElsewhere(launcher, dataDir);
    await once(owner.stdout!, 'data');
    owner.kill('SIGKILL');
    process.kill(postmasterPid(dataDir), 'SIGKILL');
    await once(owner, 'exit');
    const server = await start(dataDir);
    expect(server.adopted).toBe(false);
    expect(await query(server, 'SELECT 1')).toEqual([1]);
  });

  it('ends with a process that ends before it is up', async () => {
    const dataDir = join(scratch, 'too-early');
    const pidFile = join(dataDir, 'postgres', 'postmaster.pid');
    const exitAsSoonAsItRuns = `
      const pidFile = ${JSON.stringify(pidFile)};
      const look = () => (existsSync(pidFile) ? process.exit() : setImmediate(look));
      look();`;
    const owner = startElsewhere(launcher, dataDir, exitAsSoonAsItRuns);
    await once(owner, 'exit');
    await until(() => !existsSync(pidFile) || inspectProcess(postmasterPid(dataDir)) === undefined);
    const server = await start(dataDir);
    expect(server.adopted).toBe(false);
    expect(await query(server, 'SELECT 1')).toEqual([1]);
  });

  it('is made anew when it was only half made', async () => {
    const dataDir = join(scratch, 'half');
    const owner = startElsewhere(launcher, dataDir);
    const unfinished = (): string[] =>
      existsSync(dataDir) ? readdirSync(dataDir).filter((name) => name.includes('.new-')) : [];
    await until(() => unfinished().length > 0);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    expect(existsSync(join(dataDir, 'postgres'))).toBe(false);
    const server = await start(dataDir);
    expect(await query(server, 'SELECT 1')).toEqual([1]);
    expect(unfinished()).toEqual([]);
  });
});

describe('the programs of the embedded PostgreSQL', () => {
  it('are missing for other platforms, which is said with the way out', () => {
    expect(() => packagedBinaries('sunos-x64')).toThrow(
      'there is no embedded PostgreSQL for sunos-x64; set DATABASE_URL to a PostgreSQL server',
    );
  });

  it('are missing when npm was told to leave them out', () => {
    const other = process.platform === 'win32' ? 'linux-x64' : 'win32-x64';
    expect(() => packagedBinaries(other)).toThrow('install with optional dependencies');
  });
});

import { readFileSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Config, graphMemoryBytes, loadConfig, settingDescriptions } from '../src/config.js';
import { formatDuration } from '../src/quantity.js';

const README = join(__dirname, '..', 'README.md');
const TABLE = /<!-- settings -->\n[\s\S]*?<!-- \/settings -->/;

function settingsTable(): string {
  const defaults = new Config();
  const rows = settingDescriptions().map(({ variable, property, unit, reason }) => {
    const value = Reflect.get(defaults, property) as string | number | boolean | undefined;
    const shown =
      value === undefined
        ? ''
        : `\`${unit === 'duration' ? formatDuration(Number(value)) : value}\``;
    return `| \`${variable}\` | ${shown} | ${unit} | ${reason} |`;
  });
  const head = ['| variable | default | unit | why |', '|---|---|---|---|'];
  return `<!-- settings -->\n${[...head, ...rows].join('\n')}\n<!-- /settings -->`;
}

describe('configuration', () => {
  it('is what the README says (PEMBA_UPDATE_README=1 writes it there)', () => {
    const readme = readFileSync(README, 'utf8');
    const table = settingsTable();
    if (process.env['PEMBA_UPDATE_README'] === '1') {
      writeFileSync(
        README,
        readme.replace(TABLE, () => table),
      );
      return;
    }
    expect(TABLE.exec(readme)?.[0]).toBe(table);
  });

  it('has a default for everything but the database and the issuers', () => {
    const { databaseUrl, issuersFile, ...rest } = loadConfig({});
    expect([databaseUrl, issuersFile]).toEqual([undefined, undefined]);
    expect(Object.values(rest)).not.toContain(undefined);
  });

  it('takes values of their type', () => {
    const config = loadConfig({
      PORT: '9000',
      PEMBA_EXAMPLE_STORE: 'false',
      DATABASE_URL: 'postgres://db/pemba',
      PEMBA_LOG_LEVEL: '',
    });
    expect(config).toMatchObject({
      port: 9000,
      exampleStore: false,
      databaseUrl: 'postgres://db/pemba',
      logLevel: 'info',
    });
  });

  it.each([
    ['512MB', 512 * 2 ** 20],
    ['4GB', 4 * 2 ** 30],
    ['1TB', 2 ** 40],
    ['auto', totalmem() / 2],
  ])('takes %s of memory', (text, bytes) => {
    expect(graphMemoryBytes(loadConfig({ PEMBA_GRAPH_MEMORY: text }))).toBe(bytes);
    const shared = loadConfig({ PEMBA_GRAPH_MEMORY: text, PEMBA_WORKERS: '4' });
    expect(graphMemoryBytes(shared)).toBe(bytes / 4);
  });

  it.each([
    ['15m', 900_000],
    ['30s', 30_000],
    ['900000ms', 900_000],
    ['24h', 86_400_000],
    ['1d', 86_400_000],
  ])('takes %s of time', (text, ms) => {
    expect(loadConfig({ PEMBA_MAX_STALENESS: text }).maxStalenessMs).toBe(ms);
  });

  it('cannot be changed', () => {
    expect(Object.isFrozen(loadConfig({}))).toBe(true);
  });

  it.each([
    ['PORT', 'eighty', /PORT must be/],
    ['PORT', '65536', /PORT must be at most 65535/],
    ['PORT', '-1', /PORT must be at least 0/],
    ['PEMBA_QUERY_MAX_DEPTH', '0', /PEMBA_QUERY_MAX_DEPTH must be at least 1/],
    ['PEMBA_LOG_LEVEL', 'loud', /PEMBA_LOG_LEVEL/],
    ['PEMBA_EXAMPLE_STORE', 'yes', /PEMBA_EXAMPLE_STORE must be true or false/],
    ['DATABASE_URL', 'mysql://db', /DATABASE_URL must begin with postgres/],
    ['HOST', '0.0.0.0', /HOST 0\.0\.0\.0 is not a loopback address/],
    ['HOST', '10.0.0.1', /loopback/],
    ['PEMBA_GRAPH_MEMORY', '512', /PEMBA_GRAPH_MEMORY must be auto or a size such as 512MB/],
    ['PEMBA_GRAPH_MEMORY', '1.5GB', /PEMBA_GRAPH_MEMORY must be auto or a size/],
    ['PEMBA_GRAPH_MEMORY', 'automatic', /PEMBA_GRAPH_MEMORY must be auto or a size/],
    ['PEMBA_GRAPH_MEMORY', '30s', /PEMBA_GRAPH_MEMORY must be auto or a size/],
    ['PEMBA_GRAPH_MEMORY', '1KB', /PEMBA_GRAPH_MEMORY must be from 1MB to 16TB/],
    ['PEMBA_GRAPH_MEMORY', '999999999999999TB', /PEMBA_GRAPH_MEMORY must be from 1MB to 16TB/],
    ['PEMBA_MAX_STALENESS', '900000', /PEMBA_MAX_STALENESS must be a duration such as 30s/],
    ['PEMBA_MAX_STALENESS', '-1s', /PEMBA_MAX_STALENESS must be a duration/],
    ['PEMBA_MAX_STALENESS', '15M', /PEMBA_MAX_STALENESS must be a duration/],
    ['PEMBA_MAX_STALENESS', 'auto', /PEMBA_MAX_STALENESS must be a duration/],
    ['PEMBA_MAX_STALENESS', '0s', /PEMBA_MAX_STALENESS must be from 100ms to 1d/],
    ['PEMBA_SIGNING_ALGORITHM', 'RS256', /PEMBA_SIGNING_ALGORITHM must be EdDSA or ES256/],
    ['PEMBA_SIGNING_ALGORITHM', 'none', /PEMBA_SIGNING_ALGORITHM must be EdDSA or ES256/],
    ['PEMBA_SIGNING_KEY_LIFETIME', '1h', /PEMBA_SIGNING_KEY_LIFETIME must be from 3h to 3650d/],
    ['PEMBA_SIGNING_KEY_LIFETIME', '30', /PEMBA_SIGNING_KEY_LIFETIME must be a duration/],
    ['PEMBA_SIGNING_KEY_FILES', 'a.pem,', /PEMBA_SIGNING_KEY_FILES must be paths with commas/],
    ['PEMBA_SIGNING_KEY_FILES', ' ', /PEMBA_SIGNING_KEY_FILES must be paths with commas/],
    ['PEMBA_MASTER_KEY', 'secret', /PEMBA_MASTER_KEY must be 32 bytes in base64/],
    ['PEMBA_MAX_STALENESS', '25h', /PEMBA_MAX_STALENESS must be from 100ms to 1d/],
  ])('refuses %s=%s naming it', (variable, value, message) => {
    expect(() => loadConfig({ [variable]: value })).toThrow(message);
  });

  it('names every wrong variable at once', () => {
    expect(() => loadConfig({ PORT: 'x', PEMBA_BATCH_SIZE: 'y' })).toThrow(
      /PORT[^;]*;[^;]*PEMBA_BATCH_SIZE/,
    );
  });

  it('binds another address when callers are authenticated', () => {
    const env = { HOST: '0.0.0.0', PEMBA_AUTHENTICATION: 'keys' };
    expect(loadConfig(env).host).toBe('0.0.0.0');
  });
});

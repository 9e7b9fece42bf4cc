/** What it costs to know who asks, and whether refusals can be told apart by their time. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { ulidFactory } from '../src/ids.js';
import { Random } from './data.js';
import type { Benchmark, Ground } from './ground.js';
import { HttpConnection } from './http-connection.js';
import { BUSY_COLUMNS, HttpLoad } from './http-load.js';
import { checkCase } from './http.bench.js';
import { interleave, median } from './measure.js';
import { rankTest } from './rank-test.js';
import { COMPARISON, column, comparisonRow } from './report.js';
import type { Row, Table } from './report.js';
import { startPemba } from './servers.js';
import type { ServerStart } from './servers.js';
import type { StoredWorld } from './stored-world.js';

const CONNECTIONS = 64;
/** Pairs a run: a secret that is held against its proof takes some ten milliseconds. */
const SLOW_PAIRS = 60;
const QUICK_PAIRS = 200;
const AUDIENCE = 'pemba';
const ISSUER = 'https://bench.example';

export const authenticationBenchmark: Benchmark = {
  name: 'authentication',
  async run(ground) {
    const world = await ground.world();
    const { settings, admin: token, user } = await issueTokens(ground);
    const [open, guarded] = await Promise.all([
      startPemba(ground, { url: world.url, workers: 1 }),
      startPemba(ground, { url: world.url, workers: 1, settings }),
    ]);
    const admin = new Administrator(guarded.url, token);
    const costs = await costOfKnowing(ground, world, { open, guarded, admin, user });
    await open.stop();
    const tells = await tellTales(ground, world, guarded, admin);
    await guarded.stop();
    return [costs, tells];
  },
};

interface Tokens {
  readonly settings: Readonly<Record<string, string>>;
  readonly admin: string;
  readonly user: string;
}

/** Of an issuer whose keys are in a file, for as long as the benchmark may take. */
async function issueTokens({ directory }: Ground): Promise<Tokens> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' };
  writeFileSync(join(directory, 'jwks.json'), JSON.stringify({ keys: [jwk] }));
  const issuers = [
    {
      name: 'bench',
      issuer: ISSUER,
      keys: { jwks_file: './jwks.json' },
      callers: { audience: [AUDIENCE], roles: 'realm_access.roles' },
    },
  ];
  const path = join(directory, 'issuers.json');
  writeFileSync(path, JSON.stringify({ issuers }));
  const sign = (sub: string): Promise<string> =>
    // With what tokens of people usually say, some 700 bytes.
    new SignJWT({
      client_id: 'web',
      scope: 'openid profile email shop:read shop:write',
      realm_access: { roles: ['staff', 'buyer', 'offline_access', 'default-roles-corp'] },
      name: 'Anne Example',
      email: 'anne@example.com',
    })
      .setProtectedHeader({ alg: 'ES256', kid: 'bench', typ: 'at+jwt' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(sub)
      .setJti(sub)
      .setIssuedAt()
      .setExpirationTime('6h')
      .sign(privateKey);
  return {
    settings: {
      PEMBA_AUTHENTICATION: 'keys,jwt',
      PEMBA_ISSUERS_FILE: path,
      PEMBA_ADMINISTRATORS: 'user:bench/admin',
      PEMBA_RATE_FAILED_AUTHENTICATIONS: '0',
    },
    admin: await sign('admin'),
    user: await sign('4b7a1c52-9d0e-4f1a-8c39-2f5d6f0b7e11'),
  };
}

class Administrator {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async post(path: string, body: object): Promise<Readonly<Record<string, unknown>>> {
    const answer = await fetch(this.#url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#token}` },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }

  async keyWith(roles: readonly object[]): Promise<string> {
    return String((await this.post('/admin/keys', { name: 'bench', roles }))['key']);
  }
}

interface Contest {
  readonly open: ServerStart;
  readonly guarded: ServerStart;
  readonly admin: Administrator;
  readonly user: string;
}

async function costOfKnowing(
  ground: Ground,
  world: StoredWorld,
  { open, guarded, admin, user }: Contest,
): Promise<Table> {
  const { scale } = ground;
  const generator = await ground.program('load-program.js');
  const role = { role: 'reader', store_id: world.storeId };
  const key = await admin.keyWith([role]);
  const subject = 'user:bench/4b7a1c52-9d0e-4f1a-8c39-2f5d6f0b7e11';
  await admin.post('/admin/grants', { add: [{ ...role, subject }] });
  const { path, bodies } = checkCase(ground, world, CONNECTIONS);
  const load = { path, bodies, connections: CONNECTIONS, forMs: scale.loadMs };
  const reference = new HttpLoad(generator, open, load);
  const rows: Row[] = [];
  for (const [name, server, credentials] of [
    ['a key', guarded, key],
    ['a token', guarded, user],
    ['a token that is not looked at', open, user],
  ] as const) {
    const authorization = `Bearer ${credentials}`;
    const subject = new HttpLoad(generator, server, { ...load, authorization });
    const comparison = await interleave(reference.run(), subject.run(), scale.runs);
    const row = comparisonRow(comparison);
    rows.push({ case: name, ...row, kept: 100 / comparison.ratio, ...subject.busy() });
  }
  await generator.stop();
  return {
    title: `checks by ${CONNECTIONS} connections, of a caller that is known`,
    note: 'The reference is a server that lets in everybody; `kept` is its throughput by that.',
    columns: [
      column('case', 'case', 'text'),
      ...COMPARISON,
      column('kept', 'kept', 'percent'),
      ...BUSY_COLUMNS,
    ],
    rows,
  };
}

/** Whole requests, each for one use. */
type Questions = readonly string[];

async function tellTales(
  { scale }: Ground,
  world: StoredWorld,
  { url }: ServerStart,
  admin: Administrator,
): Promise<Table> {
  const target = new URL(url);
  const newId = ulidFactory(Date.now);
  const get = (path: string, authorization: string): string =>
    `GET ${path} HTTP/1.1\r\nhost: ${target.host}\r\nauthorization: ${authorization}\r\n\r\n`;
  const many = <Item>(count: number, make: () => Item): Item[] =>
    Array.from({ length: count * scale.runs }, make);
  const secret = (): string => randomBytes(32).toString('base64url');
  const key = await admin.keyWith([]);
  const withKey = (id: string): string => get('/stores', `Bearer pemba_${id}_${secret()}`);
  const stranger = `Bearer ${key}`;
  const stores: string[] = [];
  for (const name of many(QUICK_PAIRS, () => 'somebodys')) {
    stores.push(String((await admin.post('/stores', { name }))['id']));
  }
  const seen = (id: string): string => get(`/stores/${id}`, stranger);
  const [theirs, nobodys] = [world.storeId, newId()];
  const contests: readonly (readonly [string, Questions, string, Questions])[] = [
    [
      'an unknown key',
      many(SLOW_PAIRS, () => withKey(newId())),
      'a wrong secret',
      many(SLOW_PAIRS, () => withKey(key.slice(6, 32))),
    ],
    ['an unknown store', stores.map(() => seen(newId())), "somebody's", stores.map(seen)],
    [
      'an unknown store, again',
      stores.map(() => seen(nobodys)),
      "somebody's, again",
      stores.map(() => seen(theirs)),
    ],
  ];
  const rows: Row[] = [];
  for (const [name, first, other, second] of contests) {
    const [firsts, seconds] = await inTurns(target, first, second);
    const { longer, p } = rankTest(firsts, seconds);
    const medians = { p50: median(firsts), otherP50: median(seconds) };
    const asPercent = { longer: 100 * longer, p: 100 * p };
    rows.push({ case: name, ...medians, other, ...asPercent, pairs: first.length });
  }
  return {
    title: 'refusals that should not be told apart',
    note: 'One connection, in random order. `longer`: how often the first takes longer.',
    columns: [
      column('case', 'case', 'text'),
      column('p50', 'p50', 'ns'),
      column('other', 'other', 'text'),
      column('otherP50', 'p50', 'ns'),
      column('longer', 'longer', 'percent'),
      column('p', 'p', 'percent'),
      column('pairs', 'pairs', 'count'),
    ],
    rows,
  };
}

/** Pair by pair, the one or the other first; times in nanoseconds. */
async function inTurns(
  target: URL,
  first: Questions,
  second: Questions,
): Promise<readonly [readonly number[], readonly number[]]> {
  const random = new Random(23);
  const connection = await HttpConnection.open(target, 4);
  const times: readonly [number[], number[]] = [[], []];
  const ask = async (side: 0 | 1, question: string): Promise<void> => {
    const request = Buffer.from(question);
    const start = performance.now();
    await connection.exchange(request);
    times[side].push((performance.now() - start) * 1e6);
  };
  for (const [i, one] of first.entries()) {
    const other = second[i] ?? one;
    const isTurned = random.chance(50);
    if (isTurned) await ask(1, other);
    await ask(0, one);
    if (!isTurned) await ask(1, other);
  }
  connection.close();
  return times;
}

/**
 * Whoever keeps the services from learning what was revoked, or learns it without being one of them:
 * streams that are opened and left, read slowly, or asked to go on from where there is nothing.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { StoreId } from '../../src/ids.js';
import { PUBLIC_URL, PermitWorld, claimsOf } from '../support/permit-world.js';
import { describeWithPostgres } from '../support/postgres.js';
import { until } from '../support/storage.js';

let world: PermitWorld;
const open = new Set<Stream>();

/** A stream as it comes over a socket. */
class Stream {
  text = '';
  isEnded = false;
  readonly #socket: Socket;

  constructor(path: string, headers: Readonly<Record<string, string>>) {
    const { hostname, port } = new URL(world.pemba.url);
    this.#socket = connect({ host: hostname, port: Number(port) });
    this.#socket.setEncoding('utf8').on('data', (text: string) => (this.text += text));
    this.#socket.on('error', () => undefined).on('close', () => (this.isEnded = true));
    const lines = Object.entries({ host: 'x', accept: 'text/event-stream', ...headers });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    this.#socket.write(`GET ${path} HTTP/1.1\r\n${head}\r\n`);
    open.add(this);
  }

  get status(): string | undefined {
    return /^HTTP\/1\.1 (\d{3})/.exec(this.text)?.[1];
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
    open.delete(this);
  }
}

const path = (): string => `${world.store.path}/revocations`;

async function stream(
  headers: Readonly<Record<string, string>> = {},
  as = 'inventory',
): Promise<Stream> {
  return new Stream(path(), { authorization: `Bearer ${await world.keyOf(as)}`, ...headers });
}

const answered = async (one: Stream): Promise<string | undefined> => {
  await until(() => one.status !== undefined);
  return one.status;
};

const revoke = async (value: string): Promise<void> => {
  const { status } = await world.pemba.call('POST', path(), { kind: 'txn', value });
  if (status !== 201) throw new Error(String(status));
};

describeWithPostgres('streams of revocations', () => {
  beforeAll(async () => {
    world = await PermitWorld.start();
  });
  afterAll(async () => {
    for (const one of open) one.close();
    await world.stop();
  });

  it('begin at once, and tell at once', async () => {
    const one = await stream();
    expect(await answered(one)).toBe('200');
    const revokedAt = performance.now();
    await revoke('prompt');
    await until(() => one.text.includes('"prompt"'));
    expect(performance.now() - revokedAt).toBeLessThan(1500);
    one.close();
  });

  it('are of no use to strangers, and say so like a store that is not there', async () => {
    const { json } = await world.pemba.call('POST', '/admin/keys', {
      name: 'stranger',
      roles: [{ role: 'observer' }],
    });
    const tell = async (at: string, authorization: string): Promise<string> => {
      const one = new Stream(at, { authorization });
      await until(() => one.text.includes('\r\n\r\n') && one.text.includes('}'));
      one.close();
      const { status, text } = one;
      return `${status ?? ''} ${text.slice(text.indexOf('{'), text.lastIndexOf('}'))}`;
    };
    const key = `Bearer ${String(json.key)}`;
    const there = await tell(path(), key);
    const nowhere = `/stores/${'0'.repeat(26)}/revocations`;
    const away = await tell(nowhere, key);
    expect(there).toBe(away);
    expect(there).toMatch(/^404 /);
    expect(await tell(path(), 'Bearer nonsense')).toMatch(/^401 /);
    const permit = await world.permitForInventory();
    expect(await tell(path(), `Bearer ${permit}`)).toMatch(/^401 /);
  });

  it.each(['-1', '1e3', '0x1', '99999999999999999999', '1 2', 'a', "1'; DROP TABLE revocation;--"])(
    'do not go on from what was never given: %s',
    async (id) => {
      const one = await stream({ 'last-event-id': id });
      expect(await answered(one)).toBe('400');
      one.close();
    },
  );

  it('do not go on from an id that the store has not come to', async () => {
    await revoke('known');
    const { json } = await world.pemba.call('GET', path());
    const last = Number(json.cursor);
    const there = await stream({ 'last-event-id': String(last) });
    expect(await answered(there)).toBe('200');
    there.close();
    expect(await answered(await stream({ 'last-event-id': String(last + 1) }))).toBe('400');
    const { status } = await world.pemba.call('GET', `${path()}?after=${last + 1}`);
    expect(status).toBe(400);
    expect((await world.pemba.call('GET', `${path()}?after=${last}`)).status).toBe(200);
  });

  it('whose ids begin anew, as after a restore, are read from the beginning', async () => {
    const other = await PermitWorld.start();
    try {
      const body = { kind: 'txn', value: 'a' };
      const at = `${other.store.path}/revocations`;
      for (let i = 0; i < 3; i++) await other.pemba.call('POST', at, body);
      const failures: unknown[] = [];
      // What is restored is older, and what runs on it is started anew.
      let { url: to } = other.pemba;
      const verifier = await other.verifier('orders', {
        revocations: 'stream',
        onFailure: (_what, error) => failures.push(error),
        fetch: ((url: string, init?: RequestInit) =>
          fetch(url.replace(PUBLIC_URL, to), init)) as typeof fetch,
      });
      await other.pemba.assembly.engine.database.query('DELETE FROM revocation', []);
      await other.pemba.assembly.engine.database.query(
        'UPDATE revocation_head SET last_id = 1',
        [],
      );
      const restored = await other.another();
      to = restored.url;
      other.pemba.assembly.delegation.revocations.endStreams();
      await until(() => failures.length > 0);
      expect(String(failures[0])).toMatch(/answered 400/);
      const permit = await other.permitForOrders();
      await restored.call('POST', at, { kind: 'sub', value: 'user:anne' });
      await until(async () => {
        const refusal: unknown = await verifier
          .verifyPermit(permit, {
            peer: { service: 'service:web' },
            action: 'can_place',
            resource: { type: 'order', id: '1' },
          })
          .catch((error: unknown) => error);
        return (refusal as { reason?: string }).reason === 'revoked';
      });
    } finally {
      await other.stop();
    }
  });

  it('miss nothing that comes between two looks, and end when nobody follows any more', async () => {
    const { revocations } = world.pemba.assembly.delegation;
    const gone = new AbortController();
    const following = { heartbeatMs: 60_000, signal: gone.signal };
    const { json } = await world.pemba.call('GET', path());
    const storeId = world.store.id as StoreId;
    const parts = revocations.follow(storeId, Number(json.cursor), following);
    expect((await parts.next()).value).toEqual([]);
    await revoke('between');
    expect((await parts.next()).value).toMatchObject([{ value: 'between' }]);
    const last = parts.next();
    await delay(10);
    gone.abort();
    expect((await last).value).toEqual([]);
    expect(await parts.next()).toEqual({ done: true, value: undefined });
  });

  it('that are left make room at once for others', async () => {
    const rounds = 5;
    for (let round = 0; round < rounds; round++) {
      const many = await Promise.all(Array.from({ length: 240 }, () => stream()));
      const statuses = await Promise.all(many.map(answered));
      expect(new Set(statuses)).toEqual(new Set(['200']));
      for (const one of many) one.close();
      await delay(100);
    }
  }, 60_000);

  it('end somewhere: for a service, then for all; and those that are open go on', async () => {
    const services = ['inventory', 'orders', 'web', 'billing', 'shipping'];
    for (const service of services) await world.keyOf(service);
    const openAs = async (as: string, length: number): Promise<readonly Stream[]> =>
      Promise.all(Array.from({ length }, () => stream({}, as)));
    const refusals: number[] = [];
    const all: Stream[] = [];
    for (const service of services) {
      const many = await openAs(service, 260);
      const statuses = await Promise.all(many.map(answered));
      refusals.push(statuses.filter((status) => status === '503').length);
      all.push(...many);
    }
    expect(refusals).toEqual([10, 10, 10, 10, 260]);
    // Whoever is refused asks for pages.
    expect((await world.pemba.call('GET', path())).status).toBe(200);
    await revoke('among many');
    await until(() => all[0]?.text.includes('"among many"') === true);
    for (const one of all) one.close();
    await delay(100);
    expect(await Promise.all((await openAs('shipping', 10)).map(answered))).not.toContain('503');
  }, 60_000);

  it('that are read slowly hold up nobody, and miss nothing', async () => {
    const slow = await stream();
    await answered(slow);
    slow.pause();
    const prompt = await stream();
    await answered(prompt);
    const values = Array.from({ length: 300 }, (_, i) => `${i}-${'x'.repeat(500)}`);
    for (let i = 0; i < values.length; i += 50) {
      await Promise.all(values.slice(i, i + 50).map(revoke));
    }
    await until(() => values.every((value) => prompt.text.includes(value)));
    slow.resume();
    await until(() => values.every((value) => slow.text.includes(value)));
    const readAt = performance.now();
    await revoke('after the pause');
    await until(() => slow.text.includes('"after the pause"'));
    expect(performance.now() - readAt).toBeLessThan(1500);
    const ids = [...slow.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  }, 60_000);

  it('tell of what its permits rest on, before the deletion is answered', async () => {
    const permit = await world.permitForOrders();
    const one = await stream();
    await answered(one);
    await world.delete('order:1#customer@user:anne');
    await until(() => one.text.includes(String(claimsOf(permit)['jti'])));
    await world.write('order:1#customer@user:anne');
  });
});

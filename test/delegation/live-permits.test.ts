/** Which change of a store ends which of its live permits. */
import { describe, expect, it } from '@jest/globals';
import { LivePermits } from '../../src/delegation/live-permits.js';
import type { LivePermit, Watched } from '../../src/delegation/live-permits.js';
import { PembaError } from '../../src/errors.js';
import type { ModelId, StoreId } from '../../src/ids.js';
import type { ReplicaWatcher } from '../../src/replica/store-replica.js';
import type { StoreChange } from '../../src/tuple/attributes.js';
import type { TupleChange, TupleKey } from '../../src/tuple/tuple.js';

const STORE = '01STORE' as StoreId;
const NONE: ReadonlySet<string> = new Set();

/** A store's graph as far as whoever watches it sees it. */
class Replica implements Watched {
  readonly storeId = STORE;
  watcher: ReplicaWatcher | undefined;
  watch(watcher: ReplicaWatcher | undefined): void {
    this.watcher = watcher;
  }
}

const key = (object: string, relation: string, user: string): TupleKey => ({
  object: { type: object.split(':')[0] ?? '', id: object.split(':')[1] ?? '' },
  relation,
  subject: { kind: 'object', type: 'user', id: user },
});

const ORDER = key('order:1', 'customer', 'anne');
const deleted = (tuple: TupleKey): TupleChange => ({ operation: 'delete', tuple });
const written = (tuple: TupleKey): TupleChange => ({ operation: 'write', tuple });

class World {
  now = 1_000_000;
  readonly replica = new Replica();
  readonly revoked: (readonly string[] | 'all')[] = [];
  readonly prepared: ModelId[] = [];
  readonly permits: LivePermits;

  constructor(max = 10) {
    this.permits = new LivePermits({
      now: () => this.now,
      max,
      prepare: (_storeId, modelId, done) => {
        this.prepared.push(modelId);
        done();
      },
      revoke: (_storeId, permits, all) => {
        this.revoked.push(all ?? permits.map(({ id }) => id));
      },
    });
  }

  mint(id: string, more: Partial<LivePermit> = {}): void {
    this.permits.add(this.replica, {
      id,
      issuedAt: this.now / 1000,
      expiresAt: this.now / 1000 + 60,
      tuples: [ORDER],
      comes: NONE,
      goes: NONE,
      entities: [],
      holds: () => true,
      ...more,
    });
  }

  change(...changes: readonly StoreChange[]): void {
    this.replica.watcher?.changed(changes);
  }
}

describe('a live permit', () => {
  it('ends with a tuple of its proof, and is told of once', () => {
    const world = new World();
    world.mint('a');
    world.mint('b', { tuples: [key('order:2', 'customer', 'anne')] });
    world.change(deleted(ORDER));
    world.change(deleted(ORDER));
    expect([world.revoked, world.permits.count]).toEqual([[['a']], 1]);
  });

  it('ends when a tuple of its proof is replaced', () => {
    const world = new World();
    world.mint('a');
    world.change(written(ORDER));
    expect(world.revoked).toEqual([['a']]);
  });

  it('stays with changes that do not concern it', () => {
    const world = new World();
    world.mint('a', { holds: () => false });
    world.change(deleted(key('order:1', 'customer', 'bob')), written(key('order:1', 'seen', 'x')));
    expect([world.revoked, world.permits.count]).toEqual([[], 1]);
  });

  it('is decided again when a tuple comes, or goes, that it rests on the absence of', () => {
    const world = new World();
    let isHeld = true;
    const comes = new Set(['shop#blocked']);
    world.mint('a', { comes, goes: new Set(['shop#excused']), holds: () => isHeld });
    const blocked = key('shop:tea', 'blocked', 'bob');
    world.change(written(blocked), deleted(blocked));
    expect(world.revoked).toEqual([]);
    isHeld = false;
    world.change(deleted(blocked), written(key('shop:tea', 'excused', 'bob')));
    expect(world.revoked).toEqual([]);
    world.change(deleted(key('shop:tea', 'excused', 'anne')));
    expect(world.revoked).toEqual([['a']]);
  });

  it('is decided again when attributes change of one that it is about', () => {
    const world = new World();
    const anne = { type: 'user', id: 'anne' };
    const given = (id: string): StoreChange => ({
      operation: 'attributes',
      entity: { type: 'user', id },
      attributes: { clearance: 1 },
    });
    let isHeld = true;
    world.mint('a', { entities: [anne], holds: () => isHeld });
    world.change(given('anne'));
    isHeld = false;
    world.change(given('ben'));
    expect(world.revoked).toEqual([]);
    world.change(given('anne'));
    expect(world.revoked).toEqual([['a']]);
  });

  it('is not granted where that cannot be decided', () => {
    const world = new World();
    const holds = (): boolean => {
      throw new PembaError('query_too_deep', 'too deep');
    };
    world.mint('a', { comes: new Set(['shop#blocked']), holds });
    world.change(written(key('shop:tea', 'blocked', 'bob')));
    expect(world.revoked).toEqual([['a']]);
  });

  it('is decided again under a newer model, and when the graph is another one', () => {
    const world = new World();
    const held = new Map([
      ['a', true],
      ['b', false],
    ]);
    for (const id of held.keys()) world.mint(id, { holds: () => held.get(id) === true });
    world.replica.watcher?.modelChanged('01MODEL' as ModelId);
    expect([world.prepared, world.revoked]).toEqual([['01MODEL'], [['b']]]);
    held.set('a', false);
    world.replica.watcher?.changed(undefined);
    expect(world.revoked).toEqual([['b'], ['a']]);
  });

  it('ends with the graph that it was watched in', () => {
    const world = new World();
    world.mint('a');
    world.replica.watcher?.dropped();
    expect([world.revoked, world.permits.count]).toEqual([['all'], 0]);
    expect(world.replica.watcher).toBeUndefined();
  });

  it('is watched in the graph that took the place of another', () => {
    const world = new World();
    world.mint('a');
    const later = new Replica();
    const tuples = [ORDER];
    const expiresAt = world.now / 1000 + 60;
    world.permits.add(later, {
      ...{ id: 'b', issuedAt: world.now / 1000, expiresAt, tuples },
      ...{ comes: NONE, goes: NONE, entities: [], holds: () => true },
    });
    expect(world.revoked).toEqual(['all']);
    later.watcher?.changed([deleted(ORDER)]);
    expect(world.revoked).toEqual(['all', ['b']]);
  });

  it('is forgotten when it has expired', () => {
    const world = new World();
    world.mint('a');
    world.now += 65_000;
    world.change(deleted(ORDER));
    world.replica.watcher?.dropped();
    expect([world.revoked, world.permits.count]).toEqual([[], 0]);
  });

  it('is watched for as long as a slow clock takes it', () => {
    const world = new World();
    world.mint('a');
    world.now += 64_000;
    world.change(deleted(ORDER));
    expect(world.revoked).toEqual([['a']]);
  });

  it('is watched, and forgotten, by a clock that was set back', () => {
    const world = new World(2);
    world.mint('a');
    world.now += 3_600_000;
    world.permits.assertRoom();
    world.mint('b');
    world.now -= 3_600_000;
    world.mint('c');
    world.now += 66_000;
    world.permits.assertRoom();
    expect(world.permits.count).toBe(1);
    world.change(deleted(ORDER));
    expect(world.revoked).toEqual([['b']]);
  });

  it('makes room when it has expired, and not before', () => {
    const world = new World(2);
    world.mint('a');
    world.mint('b');
    expect(() => {
      world.permits.assertRoom();
    }).toThrow(expect.objectContaining({ code: 'overloaded' }));
    world.now += 65_000;
    world.permits.assertRoom();
    expect(world.permits.count).toBe(0);
  });

  it('is revoked with all others where a change is of doubt to too many', () => {
    const world = new World(10_000);
    let decided = 0;
    for (let i = 0; i < 2001; i++) {
      world.mint(String(i), {
        comes: new Set(['shop#blocked']),
        holds: () => {
          decided++;
          return true;
        },
      });
    }
    world.change(written(key('shop:tea', 'blocked', 'bob')));
    expect([world.revoked, decided, world.permits.count]).toEqual([['all'], 0, 0]);
  });
});

/** What counts once: in a process, between processes, and while nobody else can be asked. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { PembaError } from '../../src/errors.js';
import { OneUse } from '../../src/identity/one-use.js';
import { ManualTime } from '../support/manual-time.js';

describe('something that counts once', () => {
  let time: ManualTime;
  let claimed: Set<string>;
  let failure: Error | undefined;
  let alone: number;

  beforeEach(() => {
    time = new ManualTime();
    claimed = new Set();
    failure = undefined;
    alone = 0;
  });

  const process = (): OneUse =>
    new OneUse(
      (digest) => {
        if (failure !== undefined) return Promise.reject(failure);
        const name = Buffer.from(digest).toString('hex');
        const isFirst = !claimed.has(name);
        claimed.add(name);
        return Promise.resolve(isFirst);
      },
      () => time.now(),
      () => alone++,
    );
  const soon = (): number => time.now() + 60_000;

  it('is first once, however many come at once', async () => {
    const one = process();
    const uses = Array.from({ length: 50 }, () => one.isFirst(['a', 'b'], soon()));
    expect((await Promise.all(uses)).filter((isFirst) => isFirst)).toHaveLength(1);
  });

  it('is first in one of all processes', async () => {
    const uses = [process(), process(), process()].map((one) => one.isFirst(['a', 'b'], soon()));
    expect((await Promise.all(uses)).filter((isFirst) => isFirst)).toHaveLength(1);
  });

  it('is told by its whole name', async () => {
    const one = process();
    for (const name of [['ab', 'c'], ['a', 'bc'], ['abc'], ['a', 'b', 'c'], ['["a"', 'c']]) {
      expect([name, await one.isFirst(name, soon())]).toEqual([name, true]);
    }
  });

  it('is not forgotten before it has expired', async () => {
    const one = process();
    const until = soon();
    await one.isFirst(['a'], until);
    time.advance(59_999);
    expect(await one.isFirst(['a'], until)).toBe(false);
  });

  it('counts once in each process while the database is away, and says so', async () => {
    failure = new PembaError('unavailable', 'away');
    const [here, there] = [process(), process()];
    expect(await here.isFirst(['a'], soon())).toBe(true);
    expect(await here.isFirst(['a'], soon())).toBe(false);
    expect(await there.isFirst(['a'], soon())).toBe(true);
    expect(alone).toBe(2);
  });

  it('counts for nothing when something else goes wrong', async () => {
    failure = new Error('a bug');
    await expect(process().isFirst(['a'], soon())).rejects.toThrow('a bug');
  });
});

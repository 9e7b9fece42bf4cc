import { describe, expect, it } from '@jest/globals';
import { LoopDelay, SUSTAINED_MS } from '../../src/api/loop-delay.js';

const MAX_MS = 100;
const TICK_MS = 20;

/** A loop whose turns take as long as the test says. */
function loop(maxMs = MAX_MS): { turn: (ms: number) => void; work: (ms: number) => boolean } {
  const clock = { at: 5000, monotonic: (): number => clock.at };
  const delay = new LoopDelay(clock, maxMs);
  delay.start();
  // The timer itself is the test's turn.
  const work = (ms: number): boolean => {
    clock.at += ms;
    return delay.isTooLate();
  };
  delay.stop();
  delay.tick();
  return {
    work,
    turn(ms) {
      clock.at += ms;
      delay.tick();
    },
  };
}

describe('the delay of the loop', () => {
  it('is none while ticks are on time', () => {
    const { turn, work } = loop();
    for (let i = 0; i < 100; i++) {
      expect(work(10)).toBe(false);
      turn(10);
    }
  });

  it('is forgiven to what holds the loop once', () => {
    const { turn, work } = loop();
    turn(TICK_MS);
    expect(work(SUSTAINED_MS)).toBe(false);
    turn(1);
    expect(work(1)).toBe(false);
  });

  it('is too much when no turn has been short for long, and only past the limit of each', () => {
    const { turn, work } = loop();
    for (let spent = 0; spent <= SUSTAINED_MS; spent += 200) turn(200);
    expect(work(TICK_MS + MAX_MS)).toBe(false);
    expect(work(1)).toBe(true);
    turn(0);
    expect(work(1)).toBe(false);
    expect(work(TICK_MS + MAX_MS)).toBe(true);
  });

  it('is over with the first turn in half of the limit, and not with one that is just below it', () => {
    const { turn, work } = loop();
    for (let spent = 0; spent <= SUSTAINED_MS; spent += 200) turn(200);
    turn(TICK_MS + 0.6 * MAX_MS);
    expect(work(TICK_MS + MAX_MS + 1)).toBe(true);
    turn(0);
    turn(TICK_MS + 0.5 * MAX_MS);
    expect(work(TICK_MS + MAX_MS + 1)).toBe(false);
  });

  it('does not matter when it is not limited', () => {
    const clock = { monotonic: (): number => performance.now() * 1e6 };
    const delay = new LoopDelay(clock, 0);
    delay.start();
    expect(delay.isTooLate()).toBe(false);
    delay.stop();
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import type { DecisionLogOptions } from '../../src/telemetry/decision-log/decision-log.js';
import { EventRefused } from '../../src/telemetry/decision-log/sink.js';
import type { DecisionSink } from '../../src/telemetry/decision-log/sink.js';
import { ListSink, askable, eventOf, readableLog, until } from './decisions.js';
import type { Asked } from './decisions.js';

const opened: Asked[] = [];
const open = async (
  sink: DecisionSink,
  options: Partial<DecisionLogOptions> = {},
): Promise<Asked> => {
  const asked = await askable(sink, options);
  opened.push(asked);
  return asked;
};
afterEach(async () => {
  for (const asked of opened.splice(0)) await asked.close();
});

const times = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

/** A sequence of its own, from a seed (Park and Miller). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

describe('the decision log', () => {
  it('has every decision once, in order, under the id that its answer carries', async () => {
    const sink = new ListSink();
    const { ask, decisionLog } = await open(sink);
    const ids: (string | undefined)[] = [];
    for (const i of times(300)) ids.push((await ask(i % 2 === 0)).id);
    await until(() => decisionLog.figures.size === 0);
    expect(sink.lines.map((line) => eventOf(line).decision_id)).toEqual(ids);
    expect(new Set(ids).size).toBe(300);
    expect(decisionLog.figures).toMatchObject({ written: 300, dropped: 0 });
  });

  it('samples allows only', async () => {
    const sink = new ListSink();
    const { ask, decisionLog } = await open(sink, {
      shareOfAllows: 0.1,
      random: randomFrom(7),
      maxEvents: 10_000,
    });
    const answers = [];
    for (const i of times(2000)) answers.push(await ask(i % 2 === 0));
    await until(() => decisionLog.figures.size === 0);
    const allows = sink.lines.filter((line) => eventOf(line).result?.allowed === true).length;
    expect(sink.lines.length - allows).toBe(1000);
    expect(allows).toBeGreaterThan(60);
    expect(allows).toBeLessThan(140);
    expect(answers.filter(({ id }) => id !== undefined)).toHaveLength(sink.lines.length);
  });

  it('counts and tells what finds no room, and answers all the same', async () => {
    const { log, told } = readableLog();
    const sink = new ListSink();
    sink.failure = new Error('down');
    const { ask, decisionLog } = await open(sink, { maxEvents: 10, log });
    const answers = [];
    for (const i of times(30)) answers.push(await ask(i % 2 === 0));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(answers.filter(({ id }) => id !== undefined)).toHaveLength(10);
    expect(decisionLog.figures).toMatchObject({ size: 10, dropped: 20, withheld: 0 });
    await until(() => sink.attempts > 1);
    expect(told.filter((line) => line.includes('the decision log is full'))).toHaveLength(1);
    expect(told.filter((line) => line.includes('writing the decision log failed'))).toHaveLength(1);
    sink.failure = undefined;
    await until(() => decisionLog.figures.size === 0);
    expect(told.at(-1)).toContain('the decision log is written again');
  });

  it('where it is required lets nobody in unlogged, and recovers by itself', async () => {
    const sink = new ListSink();
    sink.failure = new Error('down');
    const { ask, decisionLog } = await open(sink, { maxEvents: 10, isRequired: true });
    for (let i = 0; i < 10; i++) expect((await ask(true)).status).toBe(200);
    expect((await ask(true)).status).toBe(503);
    expect(await ask(false)).toEqual({ status: 200, id: undefined });
    expect(decisionLog.figures).toMatchObject({ size: 10, withheld: 1, dropped: 1 });
    sink.failure = undefined;
    await until(async () => (await ask(true)).status === 200);
    await until(() => decisionLog.figures.size === 0);
    const { written } = decisionLog.figures;
    expect(sink.lines).toHaveLength(written);
    expect(written).toBeGreaterThanOrEqual(11);
  });

  it('is bounded by bytes as well', async () => {
    const sink = new ListSink();
    sink.failure = new Error('down');
    const { ask, decisionLog } = await open(sink, { maxBytes: 50_000, isRequired: true });
    const context = { text: 'x'.repeat(20_000) };
    await until(async () => (await ask(true, context)).status === 503);
    expect(decisionLog.figures.size).toBeLessThan(20);
  });

  it('throws away what the sink will never take, unless it is required', async () => {
    for (const isRequired of [false, true]) {
      const sink = new ListSink();
      sink.failure = new EventRefused('no');
      const { ask, decisionLog } = await open(sink, { isRequired });
      await ask(true);
      await until(() => sink.attempts > (isRequired ? 1 : 0));
      await until(() => isRequired || decisionLog.figures.size === 0);
      expect(decisionLog.figures).toMatchObject(
        isRequired ? { size: 1, refused: 0 } : { size: 0, refused: 1, written: 0 },
      );
    }
  });

  it('writes what it has before it stops', async () => {
    const sink = new ListSink();
    const asked = await askable(sink, { maxEvents: 5000 });
    for (let i = 0; i < 500; i++) await asked.ask(true);
    await asked.close();
    expect(sink.lines).toHaveLength(500);
  });

  it('tells what it could not write in its time to stop', async () => {
    const { log, told } = readableLog();
    const sink = new ListSink();
    const asked = await askable(sink, { log, stopWithinMs: 50 });
    sink.failure = new Error('down');
    await asked.ask(true);
    const start = Date.now();
    await asked.close();
    expect(Date.now() - start).toBeLessThan(1000);
    expect(told.at(-1)).toMatch(/"lost":1.*could not be logged/);
  });
});

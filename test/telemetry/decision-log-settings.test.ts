import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config.js';
import { pathOf } from '../../src/telemetry/decision-log/configured.js';

describe('the settings of the decision log', () => {
  it.each([
    ['PEMBA_DECISION_LOG', 'file:'],
    ['PEMBA_DECISION_LOG', '/var/log/pemba.log'],
    ['PEMBA_DECISION_LOG', 'ftp://collector'],
    ['PEMBA_DECISION_LOG', 'https://user:secret@collector/logs'],
    ['PEMBA_DECISION_LOG_MODE', 'maybe'],
    ['PEMBA_DECISION_LOG_ALLOWS_PERCENT', '101'],
    ['PEMBA_DECISION_LOG_ALLOWS_PERCENT', '-1'],
    ['PEMBA_DECISION_LOG_ALLOWS_PERCENT', 'few'],
    ['PEMBA_DECISION_LOG_MASK', 'input/subject'],
    ['PEMBA_DECISION_LOG_MASK', '/labels/id'],
    ['PEMBA_DECISION_LOG_MASK', '/inputs'],
    ['PEMBA_DECISION_LOG_MASK', '/input/~2'],
    ['PEMBA_DECISION_LOG_MASK', '/input/~'],
    ['PEMBA_DECISION_LOG_MASK', '/input/a,'],
    ['PEMBA_DECISION_LOG_MASK', ',/input/a'],
    ['PEMBA_DECISION_LOG_MASK', '/input/a, /input/b'],
    ['PEMBA_DECISION_LOG_MASK', '/input/a/input,b'],
    ['PEMBA_DECISION_LOG_FILES', '1'],
    ['PEMBA_DECISION_LOG_MODE', 'required'],
  ])('refuse %s=%s', (variable, value) => {
    expect(() => loadConfig({ [variable]: value })).toThrow(variable);
  });

  it('do not require a part of the allows', () => {
    const settings = {
      PEMBA_DECISION_LOG: 'stdout',
      PEMBA_DECISION_LOG_MODE: 'required',
      PEMBA_DECISION_LOG_ALLOWS_PERCENT: '50',
    };
    expect(() => loadConfig(settings)).toThrow('logs every allow');
  });

  it('take places, shares and pointers', () => {
    const settings = {
      PEMBA_DECISION_LOG: 'https://collector:9000/logs?x=1',
      PEMBA_DECISION_LOG_ALLOWS_PERCENT: '0.5',
      PEMBA_DECISION_LOG_MASK: '/input,/result/count,/input/context/*/a~1b/~0',
    };
    expect(loadConfig(settings)).toMatchObject({ decisionLogAllowsPercent: 0.5 });
    expect(loadConfig({ PEMBA_DECISION_LOG: 'file:logs/d.log' }).decisionLog).toBe(
      'file:logs/d.log',
    );
  });

  it('judge a long wrong mask at once', () => {
    const start = performance.now();
    const wrong = `${'/input/a'.repeat(2000)}~`;
    expect(() => loadConfig({ PEMBA_DECISION_LOG_MASK: wrong })).toThrow();
    expect(performance.now() - start).toBeLessThan(500);
  });

  it('give every worker a file of its own', () => {
    expect([undefined, 1, 2].map((number) => pathOf('/var/log/decisions.log', number))).toEqual([
      '/var/log/decisions.log',
      '/var/log/decisions.worker-1.log',
      '/var/log/decisions.worker-2.log',
    ]);
  });
});

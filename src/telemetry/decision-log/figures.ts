import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { DecisionLog, DecisionLogFigures } from './decision-log.js';

/** Read when they are scraped. */
export function observeDecisionLog(registry: Registry, decisionLog: DecisionLog): void {
  const registers = [registry];
  const counter = (name: string, help: string, read: (all: DecisionLogFigures) => number): void => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read(decisionLog.figures));
      },
    });
  };
  counter('pemba_decision_log_written_total', 'Decisions logged', ({ written }) => written);
  new Counter({
    name: 'pemba_decision_log_dropped_total',
    help: 'Decisions not logged: the buffer was full, or the collector would not have them',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      const { dropped, refused } = decisionLog.figures;
      this.inc({ reason: 'full' }, dropped);
      this.inc({ reason: 'refused' }, refused);
    },
  });
  counter(
    'pemba_decision_log_withheld_total',
    'Requests not answered because an allow could not be logged',
    ({ withheld }) => withheld,
  );
  new Gauge({
    name: 'pemba_decision_log_buffered',
    help: 'Decisions that wait to be logged',
    registers,
    collect() {
      this.set(decisionLog.figures.size);
    },
  });
}

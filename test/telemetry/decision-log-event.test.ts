import { describe, expect, it } from '@jest/globals';
import { PembaError } from '../../src/errors.js';
import { MAX_EVENT_BYTES, eventForm } from '../../src/telemetry/decision-log/event.js';
import type { LoggedDecision } from '../../src/telemetry/decision-log/event.js';
import { Mask } from '../../src/telemetry/decision-log/mask.js';
import { LABELS, MODEL, STORE, TUPLE, check, eventOf, logged } from './decisions.js';

const form = (decision: LoggedDecision, ...pointers: readonly string[]): object =>
  eventOf(eventForm(LABELS, new Mask(pointers))(decision));

describe('an event', () => {
  it('of a check has the form of OPA', () => {
    const decision = check(true, { ip: '10.0.0.1' }, [TUPLE]);
    expect(form({ ...logged(decision), requestedBy: 'key:1' })).toEqual({
      labels: { id: 'PROCESS', version: '1.2.3', app: 'pemba' },
      decision_id: 'PROCESS-1',
      bundles: { [STORE]: { revision: '42' }, model: { revision: MODEL } },
      path: `stores/${STORE}/check`,
      input: {
        subject: { type: 'user', id: 'anne' },
        action: { name: 'viewer' },
        resource: { type: 'document', id: '1' },
        context: { ip: '10.0.0.1' },
        contextual_tuples: [
          {
            subject: 'team:core#member',
            relation: 'member',
            object: 'group:eng',
            condition: { name: 'inside', context: { net: '10.0.0.0/8' } },
            expires_at: '2030-01-01T00:00:00.000Z',
          },
        ],
      },
      result: { allowed: true },
      requested_by: 'key:1',
      timestamp: '2026-01-02T03:04:05.678Z',
      metrics: { timer_server_handler_ns: 250_000 },
      request_context: { http: { headers: { 'x-request-id': ['request-1'] } } },
    });
  });

  it('of a batch item tells the batch and the item', () => {
    const decision = { ...check(false), correlationId: 'c"1' };
    expect(form({ ...logged(decision), id: 'P-1.0', batchId: 'P-1' })).toMatchObject({
      decision_id: 'P-1.0',
      batch_decision_id: 'P-1',
      input: { correlation_id: 'c"1' },
      result: { allowed: false },
    });
  });

  it('of a list has the question and the count', () => {
    const circumstances = { contextualTuples: [], context: {} };
    const subject = { kind: 'wildcard', type: 'user' } as const;
    const objects = { type: 'document', relation: 'viewer', subject };
    const users = {
      object: { type: 'document', id: '1' },
      relation: 'viewer',
      form: { type: 'group', relation: 'member' },
    };
    const result = { count: 7, isComplete: false };
    expect(
      form(logged({ question: { question: objects, ...circumstances }, result })),
    ).toMatchObject({
      input: {
        subject: { type: 'user', id: '*' },
        action: { name: 'viewer' },
        resource: { type: 'document' },
      },
      result: { count: 7, complete: false },
    });
    expect(form(logged({ question: { question: users, ...circumstances }, result }))).toMatchObject(
      {
        input: {
          subject: { type: 'group', relation: 'member' },
          action: { name: 'viewer' },
          resource: { type: 'document', id: '1' },
        },
      },
    );
  });

  it('of an error has its code and not its words', () => {
    const error = new PembaError('condition_failed', 'of user:secret');
    const event = form({
      ...logged({ ...check(true), result: { error } }),
      from: { storeId: STORE },
    });
    expect(event).toMatchObject({ error: { code: 'condition_failed' }, bundles: { [STORE]: {} } });
    expect(event).not.toHaveProperty('result');
    expect(JSON.stringify(event)).not.toContain('secret');
    const unread = form(logged({ question: error, correlationId: 'c1', result: { error } }));
    expect(unread).toMatchObject({ input: { correlation_id: 'c1' } });
  });

  it('leaves out what is masked, and names the pointers', () => {
    const event = form(logged(check(true, { ip: 'x' })), '/input/subject/id', '/input/context');
    expect(event).toMatchObject({
      input: { subject: { type: 'user' }, resource: { id: '1' } },
      erased: ['/input/subject/id', '/input/context'],
    });
    expect(event).not.toHaveProperty('input.context');
  });

  it('loses its context when it would be too long', () => {
    const context = { ip: '\u0000'.repeat(MAX_EVENT_BYTES / 4), user: 'é'.repeat(10) };
    const event = form(logged(check(true, context)), '/input/subject/id');
    expect(event).toMatchObject({
      input: { subject: { type: 'user' } },
      result: { allowed: true },
      erased: ['/input/context', '/input/subject/id'],
    });
    expect(event).not.toHaveProperty('input.context');
  });
});

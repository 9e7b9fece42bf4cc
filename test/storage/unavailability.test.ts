import { describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import {
  QueryFailedError,
  QueryRunnerAlreadyReleasedError,
  QueryRunnerProviderAlreadyReleasedError,
} from 'typeorm';
import { PembaError } from '../../src/errors.js';
import { isUnavailability } from '../../src/storage/database.js';

const withCode = (code: string): Error => Object.assign(new Error('it says why'), { code });

describe('that the database is unavailable', () => {
  it.each([
    // SQLSTATE
    ...['08000', '08006', '25006', '25P03', '40001', '40P01', '53300', '53400'],
    ...['57014', '57P01', '57P02', '57P03', '57P05', '58030'],
    // errno
    ...['EAGAIN', 'EAI_AGAIN', 'ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH'],
    ...['ENOENT', 'ENOTFOUND', 'EPIPE', 'ETIMEDOUT'],
  ])('is told by the code %s, from the driver or by way of TypeORM', (code) => {
    expect(isUnavailability(withCode(code))).toBe(true);
    expect(isUnavailability(new QueryFailedError('SELECT 1', [], withCode(code)))).toBe(true);
  });

  it.each([
    'Connection terminated',
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'timeout exceeded when trying to connect',
    'timeout expired',
    'Query read timeout',
    'Client was closed and is not queryable',
    'Client has encountered a connection error and is not queryable',
    'Cannot use a pool after calling end on the pool',
    new QueryRunnerAlreadyReleasedError().message,
    new QueryRunnerProviderAlreadyReleasedError().message,
  ])('is told without a code by %j', (message) => {
    expect(isUnavailability(new Error(message))).toBe(true);
  });

  it('is told by an error of many attempts', () => {
    const attempts = [withCode('ECONNREFUSED'), withCode('EHOSTUNREACH')];
    expect(isUnavailability(new AggregateError(attempts, ''))).toBe(true);
    expect(isUnavailability(new AggregateError([withCode('42P01')], ''))).toBe(false);
    expect(isUnavailability(new AggregateError([], ''))).toBe(false);
  });

  it("is told by the system's own errors", async () => {
    for (const address of [{ host: '/absent' }, { host: '127.0.0.1', port: 1 }]) {
      const failure: unknown = await new Client(address).connect().catch((error: unknown) => error);
      expect(isUnavailability(failure)).toBe(true);
    }
  });

  it('is told again by our own error', () => {
    expect(isUnavailability(new PembaError('unavailable', 'no'))).toBe(true);
    expect(isUnavailability(new PembaError('internal', 'Connection terminated'))).toBe(false);
  });

  it.each(['22021', '22P02', '23505', '28P01', '3D000', '42601', '42P01', 'ERR_INVALID_ARG_TYPE'])(
    'is not told by the code %s',
    (code) => {
      expect(isUnavailability(withCode(code))).toBe(false);
      expect(isUnavailability(new QueryFailedError('SELECT 1', [], withCode(code)))).toBe(false);
    },
  );

  it.each([
    new TypeError('column name holds no text'),
    { code: '57P01' },
    'timeout expired',
    undefined,
  ])('is not told by %p', (error) => {
    expect(isUnavailability(error)).toBe(false);
  });
});

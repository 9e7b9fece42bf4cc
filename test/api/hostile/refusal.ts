import { expect } from '@jest/globals';
import type { Answer } from '../../support/pemba.js';

/** Stack traces, SQL, paths, and the words of libraries. */
const INSIDE =
  /\n\s+at |node_modules|\.[jt]s:\d|\/src\/|SELECT|INSERT|relation_tuple|QueryFailed|FST_|undefined/;

/** Some values are told back, but not at any length. */
const MESSAGE_LENGTH_MAX = 3000;

export interface Refusal {
  readonly status: number;
  readonly message: string;
}

/**
 * Of an error in OpenFGA's shape and nothing else. A stream has its own shape; an item of a batch
 * that is read and found wrong fails alone, which counts as the 400 that it would be by itself.
 */
export function messageOf({ name }: { readonly name: string }, answer: Answer): Refusal {
  const refusal =
    name === 'streamed-list-objects' ? ofStream(answer) : (ofItem(answer) ?? of(answer));
  expect(refusal.message).not.toMatch(INSIDE);
  expect(refusal.message.length).toBeLessThan(MESSAGE_LENGTH_MAX);
  return refusal;
}

function of({ status, json }: Answer): Refusal {
  expect(json).toEqual({
    code: expect.stringMatching(/^[a-z_]+$/),
    message: expect.any(String),
  });
  return { status, message: json.message };
}

function ofStream({ status, json }: Answer): Refusal {
  expect(json).toEqual({
    error: { code: expect.any(Number), message: expect.any(String), details: [] },
  });
  return { status, message: json.error.message };
}

function ofItem({ status, json }: Answer): Refusal | undefined {
  if (status !== 200 || json?.result?.one?.error === undefined) return undefined;
  expect(json.result).toEqual({
    one: {
      error: { input_error: expect.stringMatching(/^[a-z_]+$/), message: expect.any(String) },
    },
  });
  return { status: 400, message: json.result.one.error.message };
}

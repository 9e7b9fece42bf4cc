/** Which server, store and key are meant by flags, environment and files. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readContextFile, withCurrent } from '../../src/cli/context-file.js';
import type { ContextFile } from '../../src/cli/context-file.js';
import { targetOf } from '../../src/cli/target.js';

const directory = mkdtempSync(join(tmpdir(), 'pemba-contexts-'));
let count = 0;

function written(text: string): string {
  const path = join(directory, `${++count}.yaml`);
  writeFileSync(path, text);
  return path;
}

const file = (text: string): ContextFile => readContextFile(written(text));
const NONE = { here: undefined, own: undefined };

const TWO = file(`current: local
contexts:
  local: { url: 'http://127.0.0.1:1/', store: S1 }
  far: { url: 'https://far.example', store: S2, api_key_env: FAR_KEY }
`);

describe('the target', () => {
  it('is the server of this machine when nothing is said', () => {
    expect(targetOf({}, {}, NONE)).toMatchObject({
      url: 'http://127.0.0.1:8080',
      store: undefined,
    });
  });

  it('is the current context unless the environment says otherwise', () => {
    const files = { here: TWO, own: undefined };
    expect(targetOf({}, {}, files)).toMatchObject({ url: 'http://127.0.0.1:1', store: 'S1' });
    const env = { PEMBA_URL: 'http://127.0.0.1:9', PEMBA_STORE: 'S9' };
    expect(targetOf({}, env, files)).toMatchObject({ url: 'http://127.0.0.1:9', store: 'S9' });
  });

  it('is the context that a flag names, whatever the environment says', () => {
    const env = { PEMBA_URL: 'http://127.0.0.1:9', PEMBA_STORE: 'S9', PEMBA_CONTEXT: 'local' };
    expect(targetOf({ context: 'far' }, env, { here: undefined, own: TWO })).toMatchObject({
      url: 'https://far.example',
      store: 'S2',
    });
    expect(targetOf({ context: 'far', store: 'S3' }, env, { here: TWO, own: TWO }).store).toBe(
      'S3',
    );
  });

  it('takes its key from where the context says, and from nowhere else', () => {
    const env = { PEMBA_API_KEY: 'general', FAR_KEY: 'far' };
    expect(targetOf({ context: 'far' }, env, { here: undefined, own: TWO }).key()).toBe('far');
    expect(targetOf({ context: 'local' }, env, { here: undefined, own: TWO }).key()).toBe(
      'general',
    );
    const keyFile = written('of a file\n');
    const own = file(`contexts: { far: { url: 'https://far.example', api_key_file: ${keyFile} } }`);
    expect(targetOf({ context: 'far' }, env, { here: undefined, own }).key()).toBe('of a file');
  });

  it("sends no key to where a file of the working directory says, unless it is the user's too", () => {
    const here = file(`current: x
contexts: { x: { url: 'https://evil.example' } }`);
    const env = { PEMBA_API_KEY: 'secret' };
    expect(() => targetOf({}, env, { here, own: undefined }).key()).toThrow(/Your key does not go/);
    expect(targetOf({}, {}, { here, own: undefined }).key()).toBeUndefined();
    const own = file(`contexts: { mine: { url: 'https://evil.example/' } }`);
    expect(targetOf({}, env, { here, own }).key()).toBe('secret');
    expect(targetOf({}, env, { here: TWO, own: undefined }).key()).toBe('secret');
  });

  it.each([
    ['contexts: { a: { api_key: pemba_x } }', /a key does not belong here/],
    ['contexts: { a: { uri: x } }', /contexts\.a: has no member 'uri'/],
    ['contexts: { a: { url: nonsense } }', /contexts\.a\.url: nonsense is no URL/],
    ['contexts: [a]', /contexts: must have members/],
    ['current: [a]', /current: must be a text/],
    ['contexts: {', /yaml: /],
  ])('refuses %j, naming the field', (text, problem) => {
    expect(() => file(text)).toThrow(problem);
  });

  it('names the contexts that there are when one is not', () => {
    expect(() => targetOf({ context: 'x' }, {}, { here: TWO, own: undefined })).toThrow(
      "there is no context 'x'; there are: local, far",
    );
  });

  it('keeps comments when another context becomes the current one', () => {
    const path = written('# mine\ncurrent: a # now\ncontexts: { a: {}, b: {} }\n');
    expect(withCurrent(path, 'b')).toBe('# mine\ncurrent: b # now\ncontexts: { a: {}, b: {} }\n');
  });
});

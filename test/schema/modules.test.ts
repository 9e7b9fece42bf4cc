import { describe, expect, it } from '@jest/globals';
import { PembaError } from '../../src/errors.js';
import { modelFromModules } from '../../src/schema/modules.js';
import { modelFromDsl, modelToDsl } from '../../src/schema/dsl.js';
import { modelFromWire, modelToWire } from '../../src/schema/wire.js';
import { problemsOf } from './models.js';

const MANIFEST = `schema: '1.2'
contents:
  - core.fga
  - wiki/pages.fga
`;

const CORE = `module core

type user

type space
  relations
    define owner: [user]
`;

const PAGES = `module wiki

# the wiki's part of a space
extend type space
  relations
    define page_editor: [user with weekday] or owner

type page
  relations
    define space: [space]
    define editor: page_editor from space

condition weekday(day: string) {
  day != "sunday"
}
`;

const files = (pages = PAGES, core = CORE): ReadonlyMap<string, string> =>
  new Map([
    ['core.fga', core],
    ['wiki/pages.fga', pages],
  ]);

function refusalOf(manifest: string, contents: ReadonlyMap<string, string>): string {
  try {
    modelFromModules(manifest, contents);
  } catch (error) {
    if (error instanceof PembaError && error.code === 'invalid_model') return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('modules', () => {
  it('make one model, in which everything says where it comes from', () => {
    const { model, positions } = modelFromModules(MANIFEST, files());
    expect(problemsOf(model, positions)).toEqual([]);
    expect(model.schemaVersion).toBe('1.2');
    const core = { module: 'core', file: 'core.fga' };
    const wiki = { module: 'wiki', file: 'wiki/pages.fga' };
    const space = model.types.get('space');
    expect(space?.source).toEqual(core);
    expect(space?.relations.get('owner')?.source).toBeUndefined();
    expect(space?.relations.get('page_editor')?.source).toEqual(wiki);
    expect(model.types.get('page')?.source).toEqual(wiki);
    expect(model.conditions.get('weekday')?.source).toEqual(wiki);
  });

  it('keep that in JSON, and print as one model', () => {
    const { model } = modelFromModules(MANIFEST, files());
    expect(modelFromWire(JSON.parse(JSON.stringify(modelToWire(model))))).toEqual(model);
    const printed = modelToDsl(model);
    expect(printed).toContain('# extended by: module: wiki, file: wiki/pages.fga');
    const withoutSources = (of: typeof model): string =>
      JSON.stringify(modelToWire(of), (key, value: unknown) =>
        key === 'module' || key === 'source_info' || key === 'metadata' ? undefined : value,
      );
    const order = (text: string): string => Array.from(text).sort().join('');
    expect(order(withoutSources(modelFromDsl(printed).model))).toBe(order(withoutSources(model)));
  });

  it('may extend a type of a later file', () => {
    const manifest = `schema: '1.2'\ncontents:\n  - wiki/pages.fga\n  - core.fga\n`;
    const { model } = modelFromModules(manifest, files());
    expect([...model.types.get('space')!.relations.keys()]).toEqual(['owner', 'page_editor']);
  });

  it('are told with file, line and column where they are wrong', () => {
    const wrong = PAGES.replace('or owner', 'or ownr').replace('day != "sunday"', 'day > 5');
    const { model, positions } = modelFromModules(MANIFEST, files(wrong));
    expect(problemsOf(model, positions)).toEqual([
      "type 'space', relation 'page_editor' (line 6, column 48 of wiki/pages.fga): " +
        "relation 'ownr' is not defined on type 'space'; did you mean 'owner'?",
      expect.stringMatching(/^condition 'weekday' \(line 14, column \d+ of wiki\/pages\.fga\): /),
    ]);
  });

  it('are refused with all syntax errors of all files', () => {
    expect(refusalOf(MANIFEST, files('module wiki\ntype page page', 'module core\ntyp user'))).toBe(
      "line 2, column 1 of core.fga: unexpected 'typ'; a line begins with 'type', 'extend', " +
        "'relations', 'define' or 'condition'; did you mean 'type'?\n" +
        "line 2, column 11 of wiki/pages.fga: unexpected 'page'; expected the end of the line",
    );
  });

  it('define each name once', () => {
    const pages = `module wiki
type user
extend type space
  relations
    define owner: [user]
extend type space
  relations
    define guest: [user]
extend type spice
  relations
    define guest: [user]
condition c(x: int) {
  x > 1
}
`;
    const core = `${CORE}condition c(x: int) {\n  x > 1\n}\n`;
    expect(refusalOf(MANIFEST, files(pages, core)).split('\n')).toEqual([
      "line 2, column 6 of wiki/pages.fga: type 'user' is already defined, at line 3, column 6 " +
        'of core.fga',
      "type 'space' (line 5, column 12 of wiki/pages.fga): relation 'owner' is already " +
        'defined, ' +
        'at line 7, column 12 of core.fga',
      "line 6, column 13 of wiki/pages.fga: type 'space' is already extended in this file",
      "line 9, column 13 of wiki/pages.fga: type 'spice' cannot be extended, it is not " +
        'defined; ' +
        "did you mean 'space'?",
      "line 12, column 11 of wiki/pages.fga: condition 'c' is already defined, " +
        'at line 8, column 11 of core.fga',
    ]);
  });

  it('are files that say so', () => {
    expect(refusalOf(MANIFEST, files('model\n  schema 1.2\ntype page'))).toBe(
      "line 2, column 10 of wiki/pages.fga: a file of a modular model begins with 'module " +
        "NAME', " +
        "not with 'model'",
    );
  });
});

describe('a manifest', () => {
  it.each([
    [
      '',
      'line 1, column 1 of fga.mod: missing schema field\nline 1, column 1 of fga.mod: missing ' +
        'contents field',
    ],
    [
      'schema: 1.2\ncontents: []',
      'line 1, column 9 of fga.mod: unexpected schema type, expected string got value 1.2; ' +
        "write it in quotes: schema: '1.2'",
    ],
    [
      "schema: '1.2'\ncontents:\n  - core.fga\n  - /etc/passwd.fga\n  - ../up.fga\n  - notes.txt",
      'line 4, column 5 of fga.mod: invalid contents item /etc/passwd.fga\n' +
        'line 5, column 5 of fga.mod: invalid contents item ../up.fga\n' +
        'line 6, column 5 of fga.mod: contents items should use fga file extension, got ' +
        'notes.txt',
    ],
    [
      "schema: '1.2'\ncontents:\n  - core.fga\n  - cor.fga\n  - core.fga",
      "line 4, column 5 of fga.mod: there is no file 'cor.fga'; did you mean 'core.fga'?\n" +
        "line 5, column 5 of fga.mod: 'core.fga' is listed twice",
    ],
  ])('is refused with the place: %j', (manifest, message) => {
    expect(refusalOf(manifest, files())).toBe(message);
  });

  it('is refused with the place when it is not YAML', () => {
    expect(refusalOf("schema: '1.2\ncontents: []", files())).toMatch(
      /^line 2, column \d+ of fga\.mod: Missing closing 'quote/,
    );
  });
});

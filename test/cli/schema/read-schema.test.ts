import { describe, expect, it } from '@jest/globals';
import { CommandError } from '../../../src/cli/command-error.js';
import { readSchema } from '../../../src/cli/schema/read-schema.js';
import type { FileReader } from '../../../src/cli/schema/read-schema.js';
import { modelToWire } from '../../../src/schema/wire.js';

const DSL = `model
  schema 1.1
type user
type doc
  relations
    define viewer: [user]
`;

const filesOf = (files: Readonly<Record<string, string>>): FileReader => ({
  readFile: (path) =>
    Object.hasOwn(files, path)
      ? Promise.resolve(files[path] ?? '')
      : Promise.reject(Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' })),
});

describe('a schema that is read from a file', () => {
  it('is the same from the DSL, from JSON and from what a server answers', async () => {
    const { model, positions } = await readSchema('a.fga', filesOf({ 'a.fga': DSL }));
    const wire = modelToWire(model);
    const around = filesOf({
      'bare.json': JSON.stringify(wire),
      'answer.json': JSON.stringify({ authorization_model: { id: '01', ...wire } }),
    });
    expect(positions).toBeDefined();
    for (const path of ['bare.json', 'answer.json']) {
      expect(modelToWire((await readSchema(path, around)).model)).toEqual(wire);
    }
  });

  it('is put together from the modules beside its manifest', async () => {
    const around = filesOf({
      'shop/fga.mod': "schema: '1.2'\ncontents:\n  - base.fga\n  - orders.fga\n",
      'shop/base.fga': 'module base\ntype user\n',
      'shop/orders.fga': 'module orders\ntype order\n  relations\n    define buyer: [user]\n',
    });
    const { model, files } = await readSchema('shop/fga.mod', around);
    expect([...model.types.keys()]).toEqual(['user', 'order']);
    expect([...files.keys()]).toEqual(['base.fga', 'orders.fga', 'fga.mod']);
  });

  it('names the module that its manifest lists and nobody wrote', async () => {
    const around = filesOf({ 'fga.mod': "schema: '1.2'\ncontents:\n  - gone.fga\n" });
    await expect(readSchema('fga.mod', around)).rejects.toThrow("there is no file 'gone.fga'");
  });

  it.each([
    ['gone.fga', 'cannot be read'],
    ['model.txt', 'ends in .fga, .mod or .json'],
    ['broken.json', 'is not JSON'],
  ])('is refused as a mistake of usage: %s', async (path, said) => {
    const around = filesOf({ 'model.txt': DSL, 'broken.json': '{' });
    const reading = readSchema(path, around);
    await expect(reading).rejects.toThrow(said);
    await expect(reading).rejects.toBeInstanceOf(CommandError);
  });
});

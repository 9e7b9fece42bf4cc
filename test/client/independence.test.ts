/** What a service imports is the client and nothing behind it. */
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const ROOT = join(__dirname, '../..');
const CLIENT = join(ROOT, 'src/client');
const PARTS = readdirSync(join(CLIENT, 'calling')).map((name) => join(CLIENT, 'calling', name));
const files = [join(CLIENT, 'client.ts'), ...PARTS];

describe('the client', () => {
  it('imports nothing but itself', () => {
    const imported = files.flatMap((name) => {
      const { importedFiles } = ts.preProcessFile(readFileSync(name, 'utf8'));
      return importedFiles.map(({ fileName }) => fileName);
    });
    expect(imported.length).toBeGreaterThan(files.length);
    expect(imported.filter((name) => !/^\.\/(calling\/)?[\w-]+\.js$/.test(name))).toEqual([]);
  });

  /** Types of the web platform only, as a service for an edge runtime has them. */
  it('compiles without Node', () => {
    const program = ts.createProgram([join(CLIENT, 'client.ts')], {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      lib: [
        'lib.es2023.d.ts',
        'lib.dom.d.ts',
        'lib.dom.iterable.d.ts',
        'lib.dom.asynciterable.d.ts',
      ],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      noEmit: true,
    });
    const problems = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
      const text = ts.flattenDiagnosticMessageText(messageText, ' ');
      return `${file?.fileName ?? ''}: ${text}`;
    });
    expect(problems).toEqual([]);
  });

  it('is found by its name in the package that was built', async () => {
    const script =
      "const { PembaClient } = await import('pemba/client'); console.log(PembaClient.name)";
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', script],
      { cwd: ROOT },
    );
    expect(stdout.trim()).toBe('PembaClient');
  });
});

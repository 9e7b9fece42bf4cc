/** The house rules that a machine can hold: layers, sizes, names, nothing dead, nothing left over. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const ROOT = join(__dirname, '..');
const SRC = join(ROOT, 'src');

/** Top to bottom; a part imports only from itself and from those above it. */
const LAYERS = [
  'errors',
  'ids',
  'clock',
  'quantity',
  'config',
  'tuple',
  'condition',
  'schema',
  'graph',
  'query',
  'storage',
  'replica',
  'operations',
  'identity',
  'delegation',
  'api',
  'telemetry',
  'console',
  'cli',
  'client',
  'app.module',
  'server',
  'started',
  'service',
  'workers',
  'main',
  'recover',
  'command',
];

/** Where programs and importers from outside enter; every other file must be reached from these. */
const ENTRANCES = [
  'main.ts',
  'command.ts',
  'client/client.ts',
  'client/verifier.ts',
  'client/nest.ts',
];

const FORBIDDEN_FOLDERS = /^(utils?|helpers?|common|shared|core|services?|lib|misc)$/;
const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 70;
/** Of what is there to be copied. */
const MAX_EXAMPLE_LINES = 100;
const FRAMEWORK = /from '(@nestjs|fastify|class-)/;
const LEFT_OVER = /\b(TODO|FIXME|XXX|HACK)\b|@ts-ignore|@ts-nocheck/;

function filesUnder(folder: string, ending: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name));
}

const sources = filesUnder(SRC, '.ts');
const examples = filesUnder(join(ROOT, 'examples'), '.ts');
const textOf = new Map([...sources, ...examples].map((file) => [file, readFileSync(file, 'utf8')]));
const nameOf = (file: string): string => relative(SRC, file);

function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(textOf.get(file) ?? '', true, true);
  return importedFiles
    .map(({ fileName }) => fileName)
    .filter((name) => name.startsWith('.'))
    .map((name) => join(dirname(file), name.replace(/\.js$/, '.ts')));
}

function reachedFrom(entrances: readonly string[]): ReadonlySet<string> {
  const reached = new Set<string>();
  const queue = entrances.map((name) => join(SRC, name));
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    queue.push(...importsOf(file));
  }
  return reached;
}

const layerOf = (file: string): string => {
  const [first = ''] = nameOf(file).split('/');
  return first.replace(/\.ts$/, '');
};

/** `api/openfga` for what lies in a protocol's folder, undefined for what protocols have in common. */
function protocolOf(file: string): string | undefined {
  const parts = nameOf(file).split('/');
  return parts[0] === 'api' && parts.length > 2 ? parts[1] : undefined;
}

describe('the house', () => {
  it('has only the layers that are drawn', () => {
    const unknown = sources.map(layerOf).filter((layer) => !LAYERS.includes(layer));
    expect(unknown).toEqual([]);
  });

  it('imports only from itself and from above', () => {
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter((target) => LAYERS.indexOf(layerOf(target)) > LAYERS.indexOf(layerOf(file)))
        .map((target) => `${nameOf(file)} imports ${nameOf(target)}`),
    );
    expect(wrong).toEqual([]);
  });

  it('keeps protocols apart', () => {
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter((target) => protocolOf(target) !== undefined && layerOf(file) === 'api')
        .filter((target) => protocolOf(target) !== protocolOf(file))
        .map((target) => `${nameOf(file)} imports ${nameOf(target)}`),
    );
    expect(wrong).toEqual([]);
  });

  it('keeps frameworks at the edges', () => {
    const inside = new Set(LAYERS.slice(LAYERS.indexOf('tuple'), LAYERS.indexOf('api')));
    const wrong = sources
      .filter((file) => inside.has(layerOf(file)))
      .filter((file) => FRAMEWORK.test(textOf.get(file) ?? ''));
    expect(wrong.map(nameOf)).toEqual([]);
  });

  it('asks nobody for a framework who does not use one', () => {
    const wrong = ['client/client.ts', 'client/verifier.ts']
      .flatMap((entrance) => [...reachedFrom([entrance])])
      .filter((file) => FRAMEWORK.test(textOf.get(file) ?? ''));
    expect(wrong.map(nameOf)).toEqual([]);
  });

  it('knows no platform of Nest where services import it', () => {
    const wrong = [...reachedFrom(['client/nest.ts'])].filter((file) =>
      /from '(@nestjs\/platform|fastify|express)/.test(textOf.get(file) ?? ''),
    );
    expect(wrong.map(nameOf)).toEqual([]);
  });

  it('awaits nothing inside a query', () => {
    const wrong = sources
      .filter((file) => ['graph', 'query'].includes(layerOf(file)))
      .filter((file) => /\b(async|await|Promise)\b/.test(withoutComments(textOf.get(file) ?? '')));
    expect(wrong.map(nameOf)).toEqual([]);
  });

  it('has no shelves', () => {
    const parts = [...sources, ...examples, ...filesUnder(join(ROOT, 'test'), '.ts')]
      .map((file) => relative(ROOT, dirname(file)).split('/'))
      .flat();
    expect(parts.filter((part) => FORBIDDEN_FOLDERS.test(part))).toEqual([]);
  });

  it('has no barrel files', () => {
    expect(sources.map(nameOf).filter((name) => /(^|\/)index\.ts$/.test(name))).toEqual([]);
  });

  it('reaches every file from an entrance', () => {
    const reached = reachedFrom(ENTRANCES);
    expect(sources.filter((file) => !reached.has(file)).map(nameOf)).toEqual([]);
  });

  it(`has no file over ${MAX_FILE_LINES} lines`, () => {
    const long = [...textOf.keys()].filter(
      (file) => lineCount(textOf.get(file) ?? '') > MAX_FILE_LINES,
    );
    expect(long.map(nameOf)).toEqual([]);
  });

  it(`has no example over ${MAX_EXAMPLE_LINES} lines, apart from what runs it`, () => {
    const long = examples
      .filter((file) => !dirname(file).endsWith('/run'))
      .filter((file) => lineCount(textOf.get(file) ?? '') > MAX_EXAMPLE_LINES);
    expect(long.map(nameOf)).toEqual([]);
  });

  it(`has no function over ${MAX_FUNCTION_LINES} lines`, () => {
    expect([...textOf.keys()].flatMap(longFunctions)).toEqual([]);
  });

  it('has nothing left over', () => {
    const files = [...sources, ...examples, ...filesUnder(join(ROOT, 'test'), '.ts')].filter(
      (file) => file !== __filename,
    );
    const wrong = files.filter((file) => LEFT_OVER.test(readFileSync(file, 'utf8')));
    expect(wrong.map((file) => relative(ROOT, file))).toEqual([]);
  });
});

const lineCount = (text: string): number => text.split('\n').length;

const withoutComments = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');

function longFunctions(file: string): string[] {
  const source = ts.createSourceFile(file, textOf.get(file) ?? '', ts.ScriptTarget.ES2023, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) {
      const first = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
      const last = source.getLineAndCharacterOfPosition(node.getEnd()).line;
      const lines = last - first + 1;
      if (lines > MAX_FUNCTION_LINES) found.push(`${nameOf(file)}:${first + 1} has ${lines} lines`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

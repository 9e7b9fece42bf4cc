/** What a service takes on that imports an entry: few files, few packages, and nothing of the server. */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from '@jest/globals';
import ts from 'typescript';

const SRC = join(__dirname, '..', '..', 'src');

/** Files under src/ and packages that are loaded at run time: imports of types are not. */
function loadedBy(entry: string): { readonly files: string[]; readonly packages: string[] } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const queue = [join(SRC, entry)];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    for (const name of importsOf(file)) {
      if (name.startsWith('.')) queue.push(join(dirname(file), name.replace(/\.js$/, '.ts')));
      else packages.add(name);
    }
  }
  return {
    files: [...files].map((file) => relative(SRC, file)).sort(),
    packages: [...packages].sort(),
  };
}

function importsOf(file: string): readonly string[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2023);
  return source.statements.flatMap((statement) => {
    const isImport = ts.isImportDeclaration(statement) && !isOfTypes(statement);
    const isExport = ts.isExportDeclaration(statement) && !statement.isTypeOnly;
    const from = isImport || isExport ? statement.moduleSpecifier : undefined;
    return from !== undefined && ts.isStringLiteral(from) ? [from.text] : [];
  });
}

const isOfTypes = ({ importClause }: ts.ImportDeclaration): boolean =>
  importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;

it('pemba/verifier loads these files and packages alone', () => {
  expect(loadedBy('client/verifier.ts')).toEqual({
    files: [
      'client/verifier.ts',
      'client/verifier/dpop.ts',
      'client/verifier/event-stream.ts',
      'client/verifier/issuer-keys.ts',
      'client/verifier/options.ts',
      'client/verifier/presenter.ts',
      'client/verifier/replay-cache.ts',
      'client/verifier/request-match.ts',
      'client/verifier/revocation-feed.ts',
      'clock.ts',
      'delegation/claims.ts',
      'delegation/lifetime.ts',
      'delegation/permit-refused.ts',
      'delegation/permit.ts',
      'delegation/revocation-list.ts',
      'delegation/signed-token.ts',
      'delegation/transaction-token.ts',
      'delegation/watermark.ts',
      'errors.ts',
      'identity/bounded-body.ts',
      'identity/bounded-map.ts',
      'identity/compact-token.ts',
      'identity/jwk-set.ts',
      'identity/key-set.ts',
      'identity/key-source.ts',
      'identity/refusal.ts',
      'identity/strict-json.ts',
      'identity/timers.ts',
      'identity/token-refusal.ts',
      'identity/web-address.ts',
      'tuple/tuple.ts',
    ],
    packages: ['jose', 'node:crypto', 'node:fs/promises'],
  });
});

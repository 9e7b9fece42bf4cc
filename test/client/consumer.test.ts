/**
 * What others import, as they do: a project of their own, with the package installed in it, that
 * type-checks with the strictest settings and runs. The package is compiled here, so that the test
 * does not depend on when `dist/` was made.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const ROOT = join(__dirname, '..', '..');
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');

/** A program for each entry of the package; it prints `fine`. */
const PROGRAMS: Readonly<Record<string, string>> = {
  './client': `
    import { PembaClient, PembaClientError } from 'pemba/client';
    import type { BatchVerdict } from 'pemba/client';
    const client = new PembaClient({ urls: ['https://pemba.example'], storeId: 'store' });
    const verdict: BatchVerdict = { error: new PembaClientError('timeout', 'too late') };
    // @ts-expect-error -- an error is no verdict
    const allowed: boolean = verdict.allowed;
    console.log(client.exportSession() === '' && allowed === undefined ? 'fine' : allowed);
  `,
  './nest': `
    import { Get, Module, Param } from '@nestjs/common';
    import { Check, PembaModule, Public, RequirePermit, Subject } from 'pemba/nest';
    declare module 'pemba/nest' {
      interface PermissionSchema {
        order: 'can_view' | 'can_place';
        item: 'can_reserve';
      }
    }
    class Orders {
      @Get(':id')
      @Check('can_view', 'order:{params.id}')
      view(@Param('id') id: string, @Subject() subject: string): string {
        return id + subject;
      }
      @RequirePermit('can_reserve', 'item:{params.id}', { once: true })
      reserve(): void {}
      // @ts-expect-error -- an item has no such relation
      @Check('can_place', 'item:{params.id}')
      // @ts-expect-error -- no such type
      @Check('can_view', 'invoice:{params.id}')
      wrong(): void {}
      @Public()
      health(): void {}
    }
    @Module({
      imports: [
        PembaModule.forRoot({
          client: { urls: ['https://pemba.example'], storeId: 'store' },
          subject: (request: { readonly user?: { readonly name: string } }) =>
            request.user && 'user:' + request.user.name,
        }),
      ],
      controllers: [Orders],
    })
    class App {}
    console.log(typeof App === 'function' ? 'fine' : App);
  `,
  './verifier': `
    import { createVerifier, PermitRefused } from 'pemba/verifier';
    import type { Permit, RefusalReason, VerifierOptions } from 'pemba/verifier';
    const options: VerifierOptions = {
      issuer: 'https://pemba.example',
      service: 'service:inventory',
      keys: { keys: [] },
      revocations: 'off',
    };
    const verifier = createVerifier(options);
    await verifier.start();
    const verify = (token: string): Promise<Permit> =>
      verifier.verifyPermit(token, {
        peer: { service: 'service:orders' },
        action: 'can_reserve',
        resource: { type: 'item', id: '9' },
        once: true,
      });
    // @ts-expect-error -- who presents it must be said
    const careless = (): Promise<Permit> => verifier.verifyPermit('', { action: 'x', resource });
    declare const resource: { type: string; id: string };
    const reason: RefusalReason | undefined = await verify('x.y.z').then(
      () => undefined,
      (error: unknown) => (error instanceof PermitRefused ? error.reason : undefined),
    );
    await verifier.stop();
    console.log(reason === 'malformed' && careless.length === 0 ? 'fine' : reason);
  `,
};

const COMPILER_OPTIONS = {
  module: 'nodenext',
  target: 'es2023',
  lib: ['es2023'],
  types: ['node'],
  experimentalDecorators: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
};

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
}

/** The compiler takes two seconds each time when nothing else runs. */
const TIMEOUT_MS = 180_000;

const fileOf = (entry: string): string => `${entry.slice(2)}.ts`;

describe('the package, imported from outside', () => {
  let project: string;

  function run(...args: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: project,
      encoding: 'utf8',
    });
    return status === 0 ? stdout : `failed: ${stdout}${stderr}`;
  }

  beforeAll(() => {
    // Below `node_modules`, where the dependencies of the package are found as if installed.
    const cache = join(ROOT, 'node_modules', '.cache');
    mkdirSync(cache, { recursive: true });
    project = mkdtempSync(join(cache, 'consumer-'));
    const installed = join(project, 'node_modules', 'pemba');
    mkdirSync(installed, { recursive: true });
    copyFileSync(join(ROOT, 'package.json'), join(installed, 'package.json'));
    const types = join(ROOT, 'tsconfig.types.json');
    const outDir = join(installed, 'dist');
    const made = run(TSC, '-p', types, '--emitDeclarationOnly', 'false', '--outDir', outDir);
    if (made !== '') throw new Error(made);
    for (const [entry, program] of Object.entries(PROGRAMS)) {
      writeFileSync(join(project, fileOf(entry)), program);
    }
    writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: COMPILER_OPTIONS, include: ['*.ts'] }),
    );
  }, TIMEOUT_MS);

  afterAll(() => {
    rmSync(project, { recursive: true, force: true });
  });

  it('has a program for each of its entries here', () => {
    const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
    const entries = Object.keys(exports).filter((entry) => entry !== './package.json');
    expect(entries.sort()).toEqual(Object.keys(PROGRAMS).sort());
  });

  it(
    'type-checks and runs',
    () => {
      expect(run(TSC, '-p', 'tsconfig.json')).toBe('');
      for (const entry of Object.keys(PROGRAMS)) {
        expect([entry, run(fileOf(entry).replace(/\.ts$/, '.js'))]).toEqual([entry, 'fine\n']);
      }
    },
    TIMEOUT_MS,
  );
});

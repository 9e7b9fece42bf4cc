/**
 * What `npm start`, `npm test`, `npm run build`, `npm run fuzz`, `npm run bench`,
 * `npm run test:spicedb` and `npm run example:shop` do: first whatever is needed on this machine (install, build), then the thing itself. When nothing is
 * needed, finding that out takes some 20 ms: the packages are judged by the hash of the lock file
 * they were installed from, the build by the names, sizes and times of the files it was made from.
 *
 * Only Node's own modules are imported here: there may be no others yet.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { closeSync, cpSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { clearInterval, setInterval } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';

const root = dirname(fileURLToPath(import.meta.url));
const at = (...parts) => join(root, ...parts);
const say = (line) => console.error(`pemba: ${line}`);

/** An error whose message is all there is to say. */
class Stop extends Error {}

const commands = {
  async start() {
    if (!isDeployed()) await prepare(buildProgram);
    process.setSourceMapsEnabled(true);
    await import(pathToFileURL(at('dist', 'main.js')));
  },

  async test(args) {
    await prepare(buildProgram); // the tests' PostgreSQL is started by the built program
    await prepare(buildShop);
    await become([at('node_modules', 'jest', 'bin', 'jest.js'), ...args]);
  },

  async build() {
    await prepare({ ...buildProgram, isDone: () => false });
  },

  async fuzz(args) {
    await prepare(buildFuzzer);
    await become(['--enable-source-maps', join(fuzzerDir, 'test', 'fuzz.js'), ...args]);
  },

  async 'test:spicedb'(args) {
    if (!(await hasSpicedb())) return;
    await prepare(buildFuzzer);
    const compare = join(fuzzerDir, 'test', 'spicedb', 'main.js');
    await become(['--enable-source-maps', compare, '--packages', spicedbDir, ...args]);
  },

  async bench(args) {
    await prepare(buildBenchmarks);
    // The largest world takes some gigabytes to make.
    await become(['--max-old-space-size=8192', join(benchDir, 'bench', 'main.js'), ...args]);
  },

  async 'example:shop'(args) {
    await prepare(buildProgram);
    await prepare(buildShop);
    await become([
      '--enable-source-maps',
      at('examples', 'dist', 'shop', 'run', 'main.js'),
      ...args,
    ]);
  },
};

function requireNode() {
  const wanted = JSON.parse(readFileSync(at('package.json'), 'utf8')).engines.node;
  const [major, minor] = wanted.match(/\d+/g).map(Number);
  const [hasMajor, hasMinor] = process.versions.node.split('.').map(Number);
  if (hasMajor < major || (hasMajor === major && hasMinor < minor)) {
    throw new Stop(`needs Node.js ${major}.${minor} or later; this is ${process.versions.node}`);
  }
}

/**
 * npm hands SIGTERM to the shell that it put between itself and this process; the shell dies of it
 * and tells nobody. A lost parent therefore counts as SIGTERM, unless a signal came here as well.
 */
function endWithNpm() {
  if (!process.env.npm_lifecycle_script?.includes('run.mjs')) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  }, 500);
  watch.unref();
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
      clearInterval(watch);
      // With nobody else to see to it, a signal ends the process as it always does.
      if (process.listenerCount(signal) === 1) process.exit(1);
    });
  }
}

/** In an image there is the built program and neither its source nor the tools to build it. */
function isDeployed() {
  const buildable = existsSync(at('src')) && existsSync(at('node_modules', '@nestjs', 'cli'));
  return !buildable && existsSync(at('dist', 'main.js')) && existsSync(at('node_modules'));
}

async function prepare(build) {
  if (isInstalled() && build.isDone()) return;
  await exclusively(async () => {
    if (!isInstalled()) await install();
    if (!build.isDone()) await build.run();
  });
}

// ── packages ──────────────────────────────────────────────────────────────────────────────────

const noteFile = at('node_modules', '.pemba-lock');

/** Packages for one platform are of no use to another that shares the directory. */
function note() {
  const hash = createHash('sha256')
    .update(readFileSync(at('package-lock.json')))
    .digest('hex');
  return `${hash} ${process.platform}-${process.arch}\n`;
}

function isInstalled() {
  if (read(noteFile) === note()) return true;
  if (!isInstalledByNpm()) return false;
  writeFileSync(noteFile, note());
  return true;
}

/** Whether npm's own record says that just these packages are there, by whatever command. */
function isInstalledByNpm() {
  const record = read(at('node_modules', '.package-lock.json'));
  if (record === undefined) return false;
  const present = JSON.parse(record).packages;
  const wanted = JSON.parse(readFileSync(at('package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional, os, cpu, libc }]) =>
      path === '' ||
      present[path]?.version === version ||
      // An optional package may be missing if it is one for other platforms.
      (present[path] === undefined &&
        optional &&
        (libc || (os && !os.includes(process.platform)) || (cpu && !cpu.includes(process.arch)))),
  );
}

async function install() {
  say('installing packages …');
  await npm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(noteFile, note());
}

async function npm(npmArgs, cwd = root) {
  const path = process.env.npm_execpath ?? '';
  if (basename(path) === 'npm-cli.js') await quietly([process.execPath, path, ...npmArgs], cwd);
  else await quietly(['npm', ...npmArgs], cwd);
}

/** Packages of its own, so that nobody else has to have them. */
const spicedbDir = at('node_modules', '.cache', 'spicedb');
const SPICEDB_PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64'];

async function hasSpicedb() {
  const platform = `${process.platform}-${process.arch}`;
  if (!SPICEDB_PLATFORMS.includes(platform)) {
    say(`SKIPPED: there is no SpiceDB for ${platform}, only for ${SPICEDB_PLATFORMS.join(', ')}`);
    return false;
  }
  const files = ['package.json', 'package-lock.json'];
  const wanted = files.map((name) => read(at('test', 'spicedb', name))).join();
  const stamp = join(spicedbDir, '.installed');
  if (read(stamp) === wanted) return true;
  say('installing SpiceDB …');
  mkdirSync(spicedbDir, { recursive: true });
  for (const name of files) cpSync(at('test', 'spicedb', name), join(spicedbDir, name));
  try {
    // Nothing in it has to be built, and it runs on older versions of Node than it asks for.
    await npm(
      ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
      spicedbDir,
    );
  } catch (error) {
    if (!(error instanceof Stop) || process.env.CI !== undefined) throw error;
    say('SKIPPED: SpiceDB cannot be installed');
    return false;
  }
  writeFileSync(stamp, wanted);
  return true;
}

// ── build ─────────────────────────────────────────────────────────────────────────────────────

const buildProgram = buildStep({
  stamp: at('dist', '.stamp'),
  inputs: [
    'src',
    ...['tsconfig.json', 'tsconfig.types.json', 'nest-cli.json', '.swcrc', 'package.json'],
  ],
  async run() {
    say('building …');
    // Not left to Nest: it would take the declarations away that are made meanwhile.
    rmSync(at('dist'), { recursive: true, force: true });
    await Promise.all([
      quietly([process.execPath, at('node_modules', '@nestjs', 'cli', 'bin', 'nest.js'), 'build']),
      // What importers from outside see; SWC makes no declarations.
      quietly([
        process.execPath,
        at('node_modules', 'typescript', 'bin', 'tsc'),
        ...['-p', 'tsconfig.types.json'],
      ]),
    ]);
  },
});

const fuzzerDir = at('node_modules', '.cache', 'fuzz');
const benchDir = at('node_modules', '.cache', 'bench');

const buildFuzzer = compileStep('the fuzzer', fuzzerDir, 'test');
const buildBenchmarks = compileStep('the benchmarks', benchDir, 'bench', [
  'migrations',
  'protos',
  'schema',
  'docs/gateways',
]);

/** Source and what goes with it, compiled file by file; `copied` is found beside them as it is. */
function compileStep(name, outDir, folder, copied = []) {
  return buildStep({
    stamp: join(outDir, '.stamp'),
    inputs: ['src', folder, ...copied, '.swcrc', 'package.json'],
    async run() {
      say(`building ${name} …`);
      rmSync(outDir, { recursive: true, force: true });
      const swc = at('node_modules', '@swc', 'cli', 'bin', 'swc.js');
      const swcArgs = ['src', folder, '--out-dir', outDir, '--extensions', '.ts'];
      await quietly([process.execPath, swc, ...swcArgs]);
      for (const path of copied) cpSync(at(path), join(outDir, path), { recursive: true });
      writeFileSync(join(outDir, 'package.json'), '{ "type": "module" }');
    },
  });
}

/**
 * Built where it stands, and not among the caches: it imports the package by its name, which only
 * files of the package itself may.
 */
const buildShop = buildStep({
  stamp: at('examples', 'dist', '.stamp'),
  inputs: ['examples/shop', '.swcrc', 'package.json'],
  async run() {
    say('building the example …');
    rmSync(at('examples', 'dist'), { recursive: true, force: true });
    const swc = at('node_modules', '@swc', 'cli', 'bin', 'swc.js');
    const swcArgs = ['--out-dir', 'examples/dist', '--strip-leading-paths', '--extensions', '.ts'];
    await quietly([process.execPath, swc, 'examples/shop', ...swcArgs]);
  },
});

/** A step that is done when its stamp says it was run on just these files. */
function buildStep({ stamp, inputs, run }) {
  return {
    isDone: () => read(stamp) === fingerprint(inputs),
    async run() {
      // Taken first: what changes during the build is built next time.
      const made = fingerprint(inputs);
      rmSync(stamp, { force: true });
      await run();
      mkdirSync(dirname(stamp), { recursive: true });
      writeFileSync(stamp, made);
    },
  };
}

function fingerprint(paths) {
  const hash = createHash('sha256');
  const visit = (path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return; // gone since its folder was read
    if (found.isDirectory()) {
      for (const name of readdirSync(path).sort()) visit(join(path, name));
    } else {
      hash.update(`${relative(root, path)} ${found.size} ${found.mtimeMs}\n`);
    }
  };
  for (const path of paths) visit(at(path));
  return hash.digest('hex');
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

// ── processes ─────────────────────────────────────────────────────────────────────────────────

/** Longer than any install: a lock of this age is of a process that was killed. */
const LOCK_AGE_MAX_MS = 15 * 60_000;

/** Runs the work while no other process does so in this directory. */
async function exclusively(work) {
  const name = createHash('sha256').update(root).digest('hex').slice(0, 12);
  const lock = join(tmpdir(), `pemba-build-${name}.lock`);
  let waiting = false;
  while (!tryLock(lock)) {
    if (!waiting) say(`waiting for process ${read(lock) ?? ''}, which is installing or building`);
    waiting = true;
    await sleep(200);
  }
  const unlock = () => rmSync(lock, { force: true });
  process.once('exit', unlock);
  try {
    await work();
  } finally {
    process.off('exit', unlock);
    unlock();
  }
}

function tryLock(lock) {
  try {
    const fd = openSync(lock, 'wx');
    writeSync(fd, String(process.pid));
    closeSync(fd);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const holder = read(lock);
  if (!isStale(lock, Number(holder))) return false;
  // Moved aside first, so that of several who find it stale one succeeds.
  const aside = `${lock}.${process.pid}`;
  try {
    renameSync(lock, aside);
    if (read(aside) === holder) rmSync(aside);
    else renameSync(aside, lock); // a new one by now, given back
  } catch {
    // Another was faster.
  }
  return false;
}

function isStale(lock, pid) {
  const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  return age > LOCK_AGE_MAX_MS || (pid > 0 && (pid === process.pid || !isAlive(pid)));
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Runs a command to its end and shows its output only if it fails. */
async function quietly([program, ...programArgs], cwd = root) {
  // On Windows npm is a batch file, which only a shell can run.
  const shell = process.platform === 'win32' && program === 'npm';
  const child = spawn(program, programArgs, {
    cwd,
    shell,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  }
  const terminate = () => {
    child.kill('SIGTERM');
    process.exit(1);
  };
  process.once('SIGTERM', terminate);
  const { code, signal } = await ended(child);
  process.off('SIGTERM', terminate);
  if (code === 0) return;
  process.stderr.write(output);
  throw new Stop(`\`${[program, ...programArgs].join(' ')}\` failed (${code ?? signal})`);
}

/** Runs Node with the arguments and ends as it ends; signals are passed on. */
async function become(nodeArgs) {
  const child = spawn(process.execPath, nodeArgs, { stdio: 'inherit' });
  // Ctrl-C reaches the child by itself.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const { code, signal } = await ended(child);
  if (signal !== null) say(`ended by ${signal}`);
  process.exitCode = code ?? 1;
}

function ended(child) {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Stop(error.message)));
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
}

const [command, ...args] = process.argv.slice(2);
try {
  requireNode();
  if (!Object.hasOwn(commands, command ?? ''))
    throw new Stop(`usage: run.mjs ${Object.keys(commands).join('|')}`);
  endWithNpm();
  await commands[command](args);
} catch (error) {
  if (!(error instanceof Stop)) throw error;
  say(error.message);
  process.exitCode = 1;
}

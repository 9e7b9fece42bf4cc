/**
 * PostgreSQL refuses to run as root. When Pemba is root, as it is in many containers, the server
 * runs as another user, and then that user must get at what root may keep closed, such as a data
 * directory below /root (0700). On Linux the server is handed the *open* directory and calls it
 * /proc/self/fd/3: following that link asks for no permission on the directories above. The only
 * right that is given away is the one that is needed, and nothing of the machine is changed.
 * Elsewhere root is told to be somebody else.
 */
import { chownSync, constants, existsSync, lchownSync, lstatSync, mkdirSync } from 'node:fs';
import { openSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cannotStart } from './failure.js';

export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** What most Linux systems call nobody, for those without an /etc/passwd that says so. */
const NOBODY: ServerUser = { uid: 65534, gid: 65534 };

/**
 * The user for a server whose data is, or will be, in the directory; undefined: the present one.
 * What belongs to an ordinary user stays theirs, so that one start as root takes nothing away.
 */
export function serverUser(clusterDir: string): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  if (process.platform !== 'linux') {
    throw cannotStart('PostgreSQL cannot run as root: start Pemba as an ordinary user');
  }
  const users = knownUsers();
  const existing = existsSync(clusterDir) ? clusterDir : dirname(clusterDir);
  const owner = statSync(existing).uid;
  const known = [...users.values()].find(({ uid }) => uid === owner && uid !== 0);
  return known ?? users.get('nobody') ?? NOBODY;
}

function knownUsers(): ReadonlyMap<string, ServerUser> {
  const users = new Map<string, ServerUser>();
  let passwd: string;
  try {
    passwd = readFileSync('/etc/passwd', 'utf8');
  } catch {
    return users;
  }
  for (const line of passwd.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name !== undefined && uid !== undefined && gid !== undefined) {
      users.set(name, { uid: Number(uid), gid: Number(gid) });
    }
  }
  return users;
}

/** The topmost directory on the way to `path`, itself included, that the user may not enter. */
export function closedDirectory(path: string, user: ServerUser): string | undefined {
  const above = dirname(path);
  const closed = above === path ? undefined : closedDirectory(above, user);
  if (closed !== undefined) return closed;
  const { mode, uid, gid } = statSync(path);
  const execute =
    uid === user.uid ? constants.S_IXUSR : gid === user.gid ? constants.S_IXGRP : constants.S_IXOTH;
  return (mode & execute) === 0 ? path : undefined;
}

/** A directory under the name that the server can use, and what it must inherit for it. */
export interface HandedDirectory {
  readonly path: string;
  /** To be the child's file descriptor 3, and closed once the child has started. */
  readonly fd: number | undefined;
}

export function handOver(directory: string, user: ServerUser | undefined): HandedDirectory {
  const closed = user && closedDirectory(dirname(directory), user);
  if (closed === undefined) return { path: directory, fd: undefined };
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: '/proc/self/fd/3', fd };
}

/**
 * Makes a directory that only the server's user may enter, or checks that it is one: in a directory
 * for temporary files, anybody may have put something there under the same name.
 */
export function makePrivateDirectory(path: string, user: ServerUser | undefined): void {
  if (!existsSync(path)) {
    mkdirSync(path, { mode: 0o700 });
    if (user !== undefined) chownSync(path, user.uid, user.gid);
  }
  const { uid, mode } = lstatSync(path);
  const isPrivate = (mode & constants.S_IFMT) === constants.S_IFDIR && (mode & 0o077) === 0;
  const expected = user?.uid ?? process.getuid?.();
  if (process.platform !== 'win32' && !(isPrivate && uid === expected)) {
    throw cannotStart(`${path} is not what Pemba puts there, a private directory; remove it`);
  }
}

export function giveTree(path: string, user: ServerUser): void {
  lchownSync(path, user.uid, user.gid);
  if (!lstatSync(path).isDirectory()) return;
  for (const name of readdirSync(path)) giveTree(join(path, name), user);
}

/**
 * The path and the host of a request in the one form that routes are compared in. A path that two
 * programs could read as two different ones is not read at all: what Pemba allows has to be what the
 * service behind the gateway does. So nothing is resolved, merged or decoded twice here; what would
 * have to be, is refused.
 */

/** Beyond any address that is in use; a head of Pemba's own has 16 KiB at most by default. */
export const TARGET_LENGTH_MAX = 8192;

/** What RFC 3986 lets stand in a path, but for `;`, behind which some servers see no path any more. */
const PATH = /^\/(?:[A-Za-z0-9\-._~!$&'()*+,=:@/]|%[0-9A-Fa-f]{2})*$/;
/** What has a meaning in an address must not come in disguise: . / \ ; ? # % */
const DISGUISED = /%(?:2[EeFf35]|5[Cc]|3[BbFf])/;
const CONTROL = /\p{Cc}/u;

/**
 * Each segment decoded for itself; the last is empty behind a slash at the end. Undefined where the
 * target is no path, or could be taken for another one.
 */
export function segmentsOf(target: string): readonly string[] | undefined {
  if (target.length > TARGET_LENGTH_MAX || target.includes('#')) return undefined;
  const [path = ''] = target.split('?', 1);
  if (!PATH.test(path) || DISGUISED.test(path)) return undefined;
  const raw = path.slice(1).split('/');
  const isCertain = raw.every(
    (segment, i) => segment !== '.' && segment !== '..' && (segment !== '' || i === raw.length - 1),
  );
  return isCertain ? decoded(raw) : undefined;
}

function decoded(raw: readonly string[]): readonly string[] | undefined {
  try {
    const segments = raw.map(decodeURIComponent);
    return segments.some((segment) => CONTROL.test(segment)) ? undefined : segments;
  } catch {
    // Its bytes are no UTF-8.
    return undefined;
  }
}

const HOST_LENGTH_MAX = 253;
const NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const AUTHORITY = /^(.+?)(?::\d{0,5})?$/;
const IPV6 = /^\[[0-9a-f:.]+\]$/;

/** In small letters, without a port; undefined where it is no host. */
export function hostOf(authority: string): string | undefined {
  const host = AUTHORITY.exec(authority)?.[1]?.toLowerCase() ?? '';
  return host.length <= HOST_LENGTH_MAX && (NAME.test(host) || IPV6.test(host)) ? host : undefined;
}

/** HTTP as no library would send it. */
import { connect } from 'node:net';

export interface RawAnswer {
  /** Of each answer on the connection, in order. */
  readonly statuses: readonly number[];
  readonly text: string;
  readonly elapsedMs: number;
}

/** Sends the bytes, reads until the server closes the connection, and gives up after a while. */
export function exchange(url: string, bytes: string, waitMs: number): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => socket.destroy(), waitMs);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      const text = Buffer.concat(chunks).toString('latin1');
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code));
      resolve({ statuses, text, elapsedMs: performance.now() - startedAt });
    });
    socket.write(bytes, 'latin1');
  });
}

export const head = (line: string, headers: readonly string[] = []): string =>
  [`${line} HTTP/1.1`, 'host: localhost', ...headers, '', ''].join('\r\n');

/** The body behind the last head. */
export const bodyOf = ({ text }: RawAnswer): string => text.slice(text.lastIndexOf('\r\n\r\n') + 4);

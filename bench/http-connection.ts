/**
 * One kept-alive connection with one request under way, on a bare socket: a load generator must not
 * need more of the machine than what it measures. It reads as much of HTTP as the servers here
 * write: a status, and a length of the body.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';

const HEAD_END = '\r\n\r\n';
const LENGTH = /\r\ncontent-length: (\d+)/i;
/** The digit. */
const ZERO = 0x30;
const STATUS_AT = 'HTTP/1.1 '.length;

export class HttpConnection {
  readonly #socket: Socket;
  readonly #wanted: number;
  #received: Buffer | undefined;
  #settle: { resolve: () => void; reject: (error: Error) => void } | undefined;

  private constructor(socket: Socket, statusClass: number) {
    this.#socket = socket;
    this.#wanted = ZERO + statusClass;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#receive(chunk);
    });
    socket.on('error', (error) => this.#settle?.reject(error));
    socket.on('close', () => this.#settle?.reject(new Error('the server closed a connection')));
  }

  /** Of class 2 unless refusals, 4, are what is measured. */
  static async open(url: URL, statusClass = 2): Promise<HttpConnection> {
    const socket = connect(Number(url.port), url.hostname);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
    return new HttpConnection(socket, statusClass);
  }

  /** Resolves when the whole answer is there; rejects unless its status is of the class. */
  exchange(request: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    const answer = this.#received === undefined ? chunk : Buffer.concat([this.#received, chunk]);
    const headEnd = answer.indexOf(HEAD_END);
    const length =
      headEnd < 0 ? undefined : LENGTH.exec(answer.toString('latin1', 0, headEnd))?.[1];
    if (length === undefined && headEnd >= 0) {
      this.#settle?.reject(new Error('an answer without a content-length'));
      return;
    }
    const end = headEnd + HEAD_END.length + Number(length);
    if (length === undefined || answer.length < end) {
      this.#received = answer;
      return;
    }
    this.#received = undefined;
    // The first digit tells.
    if (answer[STATUS_AT] === this.#wanted) this.#settle?.resolve();
    else this.#settle?.reject(new Error(`a server answered: ${answer.toString()}`));
  }
}

/** `authorization` is the whole value of the header. */
export interface RequestHead {
  /** The whole value of the header, if there is to be one. */
  readonly authorization?: string;
  /** JSON unless told otherwise. */
  readonly contentType?: string;
}

export function requestOf(
  url: URL,
  path: string,
  body: string,
  { authorization, contentType = 'application/json' }: RequestHead = {},
): Buffer {
  const credentials = authorization === undefined ? '' : `authorization: ${authorization}\r\n`;
  if (body === '') {
    return Buffer.from(`GET ${path} HTTP/1.1\r\nhost: ${url.host}\r\n${credentials}\r\n`);
  }
  const head =
    `POST ${path} HTTP/1.1\r\nhost: ${url.host}\r\ncontent-type: ${contentType}\r\n` +
    `${credentials}content-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return Buffer.from(head + body);
}

/** An HTTP server that answers as a test says, and keeps what it was asked. */
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Of JSON, else undefined. */
  readonly body: ReturnType<typeof JSON.parse>;
}

export type Script = (
  asked: Asked,
  response: ServerResponse,
  count: number,
) => void | Promise<void>;

export class ScriptedServer {
  readonly asked: Asked[] = [];
  readonly #server = createServer();
  script: Script;

  private constructor(script: Script) {
    this.script = script;
    this.#server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const asked = { path: request.url ?? '', headers: request.headers, text, body: json(text) };
        this.asked.push(asked);
        void this.script(asked, response, this.asked.length);
      });
    });
  }

  static async start(script: Script): Promise<ScriptedServer> {
    const made = new ScriptedServer(script);
    await new Promise<void>((resolve) => made.#server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

export const allow = (response: ServerResponse): void => {
  answer(response, 200, { allowed: true, resolution: '' });
};

/** The caller hears nothing, but that the connection is gone. */
export const hangUp = (response: ServerResponse): void => {
  response.socket?.destroy();
};

/** An address where nobody listens. */
export async function nowhere(): Promise<string> {
  const server = await ScriptedServer.start(() => undefined);
  const { url } = server;
  await server.stop();
  return url;
}

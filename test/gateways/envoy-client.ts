/** Asks as Envoy's ext_authz filter does: in gRPC, over a socket. */
import { Client, Metadata, credentials } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { loadServices } from '../../src/api/edge/grpc/wire.js';
import type { CheckRequest, CheckResponse, HttpRequest } from '../../src/api/edge/grpc/wire.js';

export interface Asked {
  /** Of the call. */
  readonly metadata?: Readonly<Record<string, string | readonly string[]>>;
  readonly timeoutMs?: number;
  readonly extensions?: Readonly<Record<string, string>>;
  readonly address?: string;
}

export type Answered =
  { readonly response: CheckResponse } | { readonly error: Pick<ServiceError, 'code' | 'details'> };

const services = loadServices();

export class EnvoyClient {
  readonly #client: Client;

  constructor(port: number | undefined) {
    // A channel of its own, so that no test shares a connection with another.
    const options = { 'grpc.use_local_subchannel_pool': 1 };
    this.#client = new Client(`127.0.0.1:${port ?? 0}`, credentials.createInsecure(), options);
  }

  close(): void {
    this.#client.close();
  }

  http(http: HttpRequest, asked: Asked = {}): Promise<Answered> {
    return this.check(
      {
        attributes: {
          request: { http },
          ...(asked.extensions && { context_extensions: asked.extensions }),
          ...(asked.address !== undefined && {
            source: { address: { socket_address: { address: asked.address } } },
          }),
        },
      },
      asked,
    );
  }

  check(request: CheckRequest | Buffer, asked: Asked = {}): Promise<Answered> {
    const { path, requestSerialize, responseDeserialize } = methodOf('authorization');
    const bytes = Buffer.isBuffer(request) ? request : requestSerialize(request);
    return this.#call(path, bytes, asked).then((answer) =>
      Buffer.isBuffer(answer)
        ? { response: responseDeserialize(answer) as CheckResponse }
        : { error: answer },
    );
  }

  async health(service: string): Promise<string> {
    const { path, requestSerialize, responseDeserialize } = methodOf('health');
    const answer = await this.#call(path, requestSerialize({ service }), {});
    return Buffer.isBuffer(answer)
      ? (responseDeserialize(answer) as { readonly status: string }).status
      : `code ${answer.code}`;
  }

  /** A call whose message never comes. */
  async begin(): Promise<number> {
    const { path } = methodOf('authorization');
    const call = this.#client.makeClientStreamRequest(
      path,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      () => undefined,
    );
    return new Promise((resolve) => {
      call.on('status', ({ code }) => {
        resolve(code);
      });
    });
  }

  #call(
    path: string,
    bytes: Buffer,
    { metadata = {}, timeoutMs = 10_000 }: Asked,
  ): Promise<Buffer | ServiceError> {
    const sent = new Metadata();
    for (const [name, values] of Object.entries(metadata)) {
      for (const value of [values].flat()) sent.add(name, value);
    }
    const asIs = (given: Buffer): Buffer => given;
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        asIs,
        asIs,
        bytes,
        sent,
        { deadline: Date.now() + timeoutMs },
        (error, answer) => {
          if (error !== null) resolve(error);
          else if (answer === undefined) reject(new Error('neither an answer nor an error'));
          else resolve(answer);
        },
      );
    });
  }
}

function methodOf(name: 'authorization' | 'health'): (typeof services)['health'][string] {
  const method = services[name]['Check'];
  if (method === undefined) throw new Error(`${name} has no Check`);
  return method;
}

/** The status that a client would see, and the reason; or the code of a failed call. */
export function told(answer: Answered): string {
  if ('error' in answer) return `failed with ${answer.error.code}`;
  const { status, ok_response: ok, denied_response: denied, ...rest } = answer.response;
  const reason = rest.dynamic_metadata.fields['reason']?.stringValue ?? '';
  if (ok !== undefined && status.code === 0) return `200 ${reason}`;
  const code = denied?.status.code === 'Unauthorized' ? 401 : 403;
  return `${code} ${reason}`;
}

/** What is empty is not sent. */
interface Arrived {
  readonly headers?: readonly {
    readonly header: { readonly key: string; readonly value: string };
    readonly append_action: string;
  }[];
  readonly headers_to_remove?: readonly string[];
}

/** What the service behind Envoy gets of these headers: Envoy sets first and removes then. */
export function onward(
  answer: Answered,
  sent: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const ok: Arrived | undefined = 'response' in answer ? answer.response.ok_response : undefined;
  if (ok === undefined) throw new Error('nothing goes onward');
  const headers = new Map(Object.entries(sent));
  const { headers: set = [], headers_to_remove: removed = [] } = ok;
  for (const { header, append_action: action } of set) {
    if (action !== 'OVERWRITE_IF_EXISTS_OR_ADD') throw new Error(`${header.key}: ${action}`);
    headers.set(header.key, header.value);
  }
  for (const name of removed) headers.delete(name);
  return Object.fromEntries(headers);
}

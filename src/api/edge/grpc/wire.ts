/** Envoy's and gRPC's messages, as `protos/` has them and the loader makes them. */
import { fileURLToPath } from 'node:url';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const FOLDER = fileURLToPath(new URL('../../../../protos/', import.meta.url));

export const AUTHORIZATION = 'envoy.service.auth.v3.Authorization';
export const HEALTH = 'grpc.health.v1.Health';

export interface Services {
  readonly authorization: ServiceDefinition;
  readonly health: ServiceDefinition;
}

/** Read when it is asked for: most servers never are. */
export function loadServices(): Services {
  const definitions = loadSync(
    ['envoy/service/auth/v3/external_auth.proto', 'grpc/health/v1/health.proto'],
    { includeDirs: [FOLDER], keepCase: true, enums: String },
  );
  const serviceOf = (name: string): ServiceDefinition => {
    const found = definitions[name];
    if (found === undefined || 'format' in found) throw new TypeError(`protos/ has no ${name}`);
    return found;
  };
  return { authorization: serviceOf(AUTHORIZATION), health: serviceOf(HEALTH) };
}

/** Whatever is not sent is not there. */
export interface CheckRequest {
  readonly attributes?: {
    readonly source?: {
      readonly address?: { readonly socket_address?: { readonly address?: string } };
    };
    readonly request?: { readonly http?: HttpRequest };
    readonly context_extensions?: Readonly<Record<string, string>>;
  };
}

export interface HttpRequest {
  readonly id?: string;
  readonly method?: string;
  /** With the query, undecoded. */
  readonly path?: string;
  readonly host?: string;
  /** Those of one name are one, with commas between. */
  readonly headers?: Readonly<Record<string, string>>;
  /** In place of `headers`, where Envoy is told to send them as they came. */
  readonly header_map?: { readonly headers?: readonly HeaderValue[] };
}

interface HeaderValue {
  readonly key?: string;
  readonly value?: string;
  readonly raw_value?: Uint8Array;
}

export interface HeaderOption {
  readonly header: { readonly key: string; readonly value: string };
  readonly append_action: 'OVERWRITE_IF_EXISTS_OR_ADD';
}

export interface CheckResponse {
  readonly status: { readonly code: number; readonly message: string };
  readonly ok_response?: {
    readonly headers: readonly HeaderOption[];
    readonly headers_to_remove: readonly string[];
  };
  readonly denied_response?: {
    readonly status: { readonly code: 'Unauthorized' | 'Forbidden' };
    readonly headers: readonly HeaderOption[];
    readonly body: string;
  };
  readonly dynamic_metadata: {
    readonly fields: Readonly<Record<string, { readonly stringValue: string }>>;
  };
}

/** Names and values in turn, bytes as Node makes them of HTTP's. */
export function rawHeadersOf({ headers = {}, header_map = {} }: HttpRequest): readonly string[] {
  const mapped = (header_map.headers ?? []).flatMap(({ key = '', value = '', raw_value }) => [
    key,
    raw_value === undefined || raw_value.length === 0
      ? value
      : Buffer.from(raw_value).toString('latin1'),
  ]);
  return [...Object.entries(headers).flat(), ...mapped];
}

/**
 * The certificate that a client showed to the proxy in front, as that proxy tells it in a header. In
 * one of three forms, which begin differently:
 *
 *   :MIIB…:                              RFC 9440, base64 of the DER
 *   -----BEGIN%20CERTIFICATE-----%0A…    nginx, $ssl_client_escaped_cert
 *   Hash=…;Cert="-----BEGIN%20…";URI=…   Envoy, x-forwarded-client-cert with one element
 *
 * That the client has its key and that an authority signed it, the proxy has seen; nothing here can.
 */
import { X509Certificate, createHash } from 'node:crypto';
import type { CertificateName } from './client-file.js';
import { decodeFormText } from './form-text.js';

export interface ClientCertificate {
  /** SHA-256 of the whole, as `x5t#S256` has it. */
  readonly thumbprint: string;
  /** Whether it is this name's, exactly. */
  isOf(name: CertificateName): boolean;
}

/** Undefined for what is none, or does not count now. `now` is in milliseconds since 1970. */
export function readCertificate(header: string, now: number): ClientCertificate | undefined {
  const der = derOf(header);
  if (der === undefined) return undefined;
  try {
    const certificate = new X509Certificate(der);
    const { raw, validFrom, validTo } = certificate;
    const counts = Date.parse(validFrom) <= now && now <= Date.parse(validTo);
    // Whatever stood behind it would be hashed along and read by nobody.
    if (!counts || !raw.equals(der)) return undefined;
    const alternatives = alternativesOf(certificate.subjectAltName ?? '');
    if (alternatives === undefined) return undefined;
    return {
      thumbprint: createHash('sha256').update(raw).digest('base64url'),
      isOf: ({ kind, value }) =>
        kind === 'subject'
          ? distinguishedName(certificate) === value
          : alternatives.includes(`${kind === 'san_uri' ? 'URI' : 'DNS'}:${value}`),
    };
  } catch {
    return undefined;
  }
}

const BYTE_SEQUENCE = /^:([A-Za-z0-9+/]+={0,2}):$/;
const PEM = /^-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END CERTIFICATE-----\s*$/;
/** Of one element: a comma outside of quotes would begin another proxy's. */
const ELEMENT = /([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^",;]*)(?:;|$)/y;

function derOf(header: string): Buffer | undefined {
  const [, bytes] = BYTE_SEQUENCE.exec(header) ?? [];
  if (bytes !== undefined) return bytesOf(bytes);
  const escaped = header.startsWith('-----BEGIN') ? header : certOfElement(header);
  if (escaped === undefined) return undefined;
  // A plus is one of base64's: this is percent-encoding, not a form.
  const pem = decodeFormText(escaped.replaceAll('+', '%2B').replaceAll(' ', '%20'));
  const [, base64] = PEM.exec(pem ?? '') ?? [];
  return base64 === undefined ? undefined : bytesOf(base64.replaceAll(/\s/g, ''));
}

function bytesOf(base64: string): Buffer | undefined {
  const bytes = Buffer.from(base64, 'base64');
  return bytes.toString('base64') === base64 ? bytes : undefined;
}

function certOfElement(header: string): string | undefined {
  const found: string[] = [];
  ELEMENT.lastIndex = 0;
  while (ELEMENT.lastIndex < header.length) {
    const [, key = '', value = ''] = ELEMENT.exec(header) ?? [];
    if (key === '') return undefined;
    if (key.toLowerCase() === 'cert') found.push(value.replaceAll('"', ''));
  }
  return found.length === 1 ? found[0] : undefined;
}

const ALTERNATIVE = /(?:^|, )([A-Za-z0-9 ]+):("(?:[^"\\]|\\.)*"|[^",]*)/y;

/** Node quotes, as JSON does, what could be taken for the beginning of another name. */
function alternativesOf(text: string): readonly string[] | undefined {
  const found: string[] = [];
  ALTERNATIVE.lastIndex = 0;
  while (ALTERNATIVE.lastIndex < text.length) {
    const [, kind = '', value = ''] = ALTERNATIVE.exec(text) ?? [];
    if (kind === '') return undefined;
    found.push(`${kind}:${value.startsWith('"') ? String(JSON.parse(value)) : value}`);
  }
  return found;
}

/** RFC 4514 writes what the certificate has last first. Node gives a line each, escaped alike. */
const distinguishedName = ({ subject }: X509Certificate): string =>
  subject.split('\n').reverse().join(',');

/** Requests from another address of this machine, as many at once as one likes. */
import { request } from 'node:http';

export interface Guess {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/** `from` is a local address. */
export function guess(
  url: string,
  { path, authorization, from }: { path: string; authorization?: string; from?: string },
): Promise<Guess> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url + path,
      {
        agent: false,
        ...(from !== undefined && { localAddress: from }),
        ...(authorization !== undefined && { headers: { authorization } }),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          const { statusCode = 0, headers } = response;
          resolve({ status: statusCode, retryAfter: headers['retry-after'], text });
        });
      },
    );
    sent.on('error', reject).end();
  });
}

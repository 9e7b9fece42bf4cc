/** A table with a primary key and nothing else to it: what PostgreSQL alone takes for rows. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { formatCopyLine } from '../src/storage/copy-text.js';
import { KEY_COLUMNS, keyValues } from '../src/storage/rows.js';
import type { TupleKey } from '../src/tuple/tuple.js';

const COLUMNS = KEY_COLUMNS.join(', ');
const PARAMETERS = KEY_COLUMNS.map((_, i) => `$${i + 1}`).join(', ');

export class BareTable {
  readonly #clients: readonly Client[];

  private constructor(clients: readonly Client[]) {
    this.#clients = clients;
  }

  static async open(url: string, connections: number): Promise<BareTable> {
    const clients = Array.from({ length: connections }, () => new Client(url));
    await Promise.all(clients.map((client) => client.connect()));
    await clients[0]?.query(`
      CREATE TABLE IF NOT EXISTS bare_tuple (
        ${KEY_COLUMNS.map((column) => `${column} text COLLATE "C" NOT NULL`).join(', ')},
        PRIMARY KEY (${COLUMNS}))`);
    return new BareTable(clients);
  }

  /** One row, one transaction. */
  async insert(connection: number, key: TupleKey): Promise<void> {
    await this.#client(connection).query({
      name: 'insert_bare',
      text: `INSERT INTO bare_tuple (${COLUMNS}) VALUES (${PARAMETERS})`,
      values: keyValues(key),
    });
  }

  async copy(connection: number, keys: readonly TupleKey[]): Promise<void> {
    await pipeline(
      Readable.from([keys.map((key) => formatCopyLine(keyValues(key))).join('')], {
        objectMode: false,
      }),
      this.#client(connection).query(copyFrom(`COPY bare_tuple (${COLUMNS}) FROM STDIN`)),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.end()));
  }

  #client(connection: number): Client {
    const client = this.#clients[connection];
    if (client === undefined) throw new RangeError(`no connection ${connection}`);
    return client;
  }
}

/**
 * The client of Pemba for TypeScript services, `pemba/client`: OpenFGA's questions and Pemba's own,
 * over nothing but `fetch`. It imports nothing of the server, and works wherever there is `fetch` and
 * WebCrypto.
 *
 * Every method rejects with a PembaClientError and nothing else, but for a TypeError or a RangeError
 * where the caller's own code is wrong (no store named, a timeout of -1).
 *
 * READ YOUR WRITES. The client remembers the newest consistency token of each store that any answer
 * brought, and sends it along: no answer is older than a write it made or an answer it gave, whichever
 * server gives it.
 */
import { batchCheck, check } from './calling/checks.js';
import type { BatchCheckOptions, BatchQuestion, CheckQuestion } from './calling/checks.js';
import { Connection, storeIdOf } from './calling/connection.js';
import type { Session } from './calling/connection.js';
import { ConsistencyMemory } from './calling/consistency-memory.js';
import { batchDelegatedCheck, delegatedCheck } from './calling/delegated-checks.js';
import type {
  DelegatedBatch,
  DelegatedBatchOptions,
  DelegatedDecision,
  DelegatedOptions,
} from './calling/delegated-checks.js';
import { expand } from './calling/expand.js';
import type { Expansion, ExpandQuestion } from './calling/expand.js';
import { listObjects, listUsers, streamedListObjects } from './calling/lists.js';
import type {
  ListObjectsQuestion,
  ListUsersQuestion,
  ObjectOf,
  ObjectsPage,
  Paging,
  UsersPage,
} from './calling/lists.js';
import type {
  CallOptions,
  PembaClientOptions,
  QueryOptions,
  WriteOptions,
} from './calling/options.js';
import type {
  AnySchema,
  BatchQuestionIn,
  ChangesIn,
  CheckQuestionIn,
  ExchangeRequestIn,
  ExpandQuestionIn,
  ListObjectsQuestionIn,
  ListUsersQuestionIn,
  TupleFilterIn,
  TypeIn,
} from './calling/schema-types.js';
import { exchangeToken } from './calling/token-exchange.js';
import type {
  ExchangeCallOptions,
  ExchangeRequest,
  IssuedToken,
} from './calling/token-exchange.js';
import { read, write } from './calling/tuples.js';
import type { Changes, TuplePage, Written } from './calling/tuples.js';
import type { BatchVerdict } from './calling/verdict.js';

export { PembaClientError } from './calling/client-error.js';
export type {
  LocalErrorCode,
  OAuthErrorCode,
  PembaErrorCode,
  ServerErrorCode,
} from './calling/client-error.js';
export type { Time } from './calling/call.js';
export type { BatchingOptions } from './calling/check-batcher.js';
export type { BatchCheckOptions, BatchQuestion, CheckQuestion } from './calling/checks.js';
export type {
  DelegatedBatch,
  DelegatedBatchOptions,
  DelegatedDecision,
  DelegatedItem,
  DelegatedOptions,
  DelegatedVerdict,
  DelegationReason,
} from './calling/delegated-checks.js';
export type {
  ClientKey,
  ExchangeOptions,
  PermitCacheOptions,
  SigningKey,
  SigningKeyPair,
} from './calling/exchange-options.js';
export type { Expansion, ExpandQuestion, UsersetNode } from './calling/expand.js';
export type {
  ListObjectsQuestion,
  ListUsersQuestion,
  ObjectsPage,
  Paging,
  UsersPage,
} from './calling/lists.js';
export type {
  CallOptions,
  PembaClientOptions,
  QueryOptions,
  WriteOptions,
} from './calling/options.js';
export type { RetryOptions } from './calling/retries.js';
export type {
  AnySchema,
  BatchQuestionIn,
  ChangesIn,
  CheckQuestionIn,
  DetailIn,
  ObjectIn,
  Permissions,
  RelationIn,
  SubjectIn,
  TupleIn,
  TupleKeyIn,
  TypeIn,
} from './calling/schema-types.js';
export type {
  ExchangeCallOptions,
  ExchangeRequest,
  IssuedToken,
  PermissionDetail,
  PermitRequest,
  TransactionTokenRequest,
} from './calling/token-exchange.js';
export type { Changes, StoredTuple, TupleFilter, TuplePage, Written } from './calling/tuples.js';
export type { BatchVerdict } from './calling/verdict.js';
export type {
  About,
  Circumstances,
  Consistency,
  JsonObject,
  JsonValue,
  Question,
  Tuple,
  TupleKey,
} from './calling/wire.js';

/** `Schema` is what `pemba schema types` writes; without it, names are any texts. */
export class PembaClient<Schema extends AnySchema = AnySchema> {
  readonly #session: Session;

  /**
   * Make one for each Pemba that is called, and keep it. Throws when the options are wrong. (A
   * Connection is what `session` hands on.)
   */
  constructor(from: PembaClientOptions | Connection) {
    const connection = from instanceof Connection ? from : new Connection(from);
    this.#session = { connection, memory: new ConsistencyMemory() };
  }

  /**
   * Another client over the same servers, retries and requests in flight, with a memory of its own:
   * for one user, or one request. `exported` is what `exportSession` gave, here or in another
   * process; throws `invalid_session` when it is none.
   */
  session(exported = ''): PembaClient<Schema> {
    const client = new PembaClient<Schema>(this.#session.connection);
    client.#session.memory.import(exported);
    return client;
  }

  /** This client, as one that the compiler holds to another schema, or to none. */
  withSchema<Other extends AnySchema = AnySchema>(): PembaClient<Other> {
    return this as unknown as PembaClient<Other>;
  }

  /** What this client has been told, as a text for a cookie or a message. '' if nothing yet. */
  exportSession(): string {
    return this.#session.memory.export();
  }

  /** What a query without `consistency` is sent with; undefined before the first answer. */
  consistencyToken(options: Pick<CallOptions, 'storeId'> = {}): string | undefined {
    return this.#session.memory.tokenOf(storeIdOf(this.#session, options));
  }

  /** After the server's database went back to an older state, in which tokens are of the future. */
  forgetConsistency(options: Pick<CallOptions, 'storeId'> = {}): void {
    this.#session.memory.forget(storeIdOf(this.#session, options));
  }

  /** May the user do this? What could not be answered rejects, and never is `false`. */
  check(question: CheckQuestionIn<Schema>, options: QueryOptions = {}): Promise<boolean> {
    return check(this.#session, question as CheckQuestion, options);
  }

  /**
   * In the order of the questions. One that cannot be answered fails alone. Each 50
   * (`batching.maxChecks`) are one request, and are answered at one revision.
   */
  batchCheck(
    checks: readonly BatchQuestionIn<Schema>[],
    options: BatchCheckOptions = {},
  ): Promise<readonly BatchVerdict[]> {
    return batchCheck(this.#session, checks as readonly BatchQuestion[], options);
  }

  /** One page of what the user may reach, in a stable order. */
  listObjects<const T extends TypeIn<Schema>>(
    question: ListObjectsQuestionIn<Schema, T>,
    options: QueryOptions = {},
  ): Promise<ObjectsPage<T>> {
    const asked = question as ListObjectsQuestion;
    const page: Promise<unknown> = listObjects(this.#session, asked, options);
    return page as Promise<ObjectsPage<T>>;
  }

  /** All that the user may reach, while it arrives. Rejects where the list breaks off. */
  streamedListObjects<const T extends TypeIn<Schema>>(
    question: ListObjectsQuestionIn<Schema, T>,
    options: QueryOptions = {},
  ): AsyncGenerator<ObjectOf<T>, void, undefined> {
    const asked = question as ListObjectsQuestion;
    const objects = streamedListObjects(this.#session, asked, options);
    return objects as AsyncGenerator<ObjectOf<T>, void, undefined>;
  }

  /** One page of who may. Beside `user:*` stand only those who would be there without it. */
  listUsers(question: ListUsersQuestionIn<Schema>, options: QueryOptions = {}): Promise<UsersPage> {
    return listUsers(this.#session, question as ListUsersQuestion, options);
  }

  /** All of it or nothing. Repeated only where it cannot have been done, or may be done twice. */
  write(changes: ChangesIn<Schema>, options: WriteOptions = {}): Promise<Written> {
    return write(this.#session, changes as Changes, options);
  }

  /** Pages of stored tuples, as they are in the database now. */
  read(
    filter: TupleFilterIn<Schema> = {},
    options: CallOptions & Paging = {},
  ): AsyncGenerator<TuplePage, void, undefined> {
    return read(this.#session, filter, options);
  }

  /** The tree of sets that a set is made of. */
  expand(question: ExpandQuestionIn<Schema>, options: QueryOptions = {}): Promise<Expansion> {
    return expand(this.#session, question as ExpandQuestion, options);
  }

  /** May this service, acting for the user, do this? With the reason. */
  delegatedCheck(
    question: CheckQuestionIn<Schema>,
    options: DelegatedOptions = {},
  ): Promise<DelegatedDecision> {
    return delegatedCheck(this.#session, question as CheckQuestion, options);
  }

  /** At most 50 (PEMBA_MAX_BATCH_CHECKS): all are decided at one revision. */
  batchDelegatedCheck(
    checks: readonly BatchQuestionIn<Schema>[],
    options: DelegatedBatchOptions = {},
  ): Promise<DelegatedBatch> {
    return batchDelegatedCheck(this.#session, checks as readonly BatchQuestion[], options);
  }

  /** A permit for another service, or a Transaction Token. Codes of errors are OAuth's. */
  exchangeToken(
    request: ExchangeRequestIn<Schema>,
    options: ExchangeCallOptions = {},
  ): Promise<IssuedToken> {
    return exchangeToken(this.#session, request as ExchangeRequest, options);
  }
}

/** The three searches: each has its entities, and all have one way to an answer. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PembaError, invalidRequest } from '../../errors.js';
import type { Identity } from '../../identity/identity.js';
import { LIST_COST } from '../../identity/rate-limits.js';
import type { Engine } from '../../operations/engine.js';
import { answerOf, resolve } from '../../operations/resolve.js';
import type { Answer, Resolved, Target } from '../../operations/resolve.js';
import type { Page, PageRequest } from '../../query/page.js';
import type { Obligation } from '../../schema/authzen-mapping.js';
import { textOfId } from '../../tuple/claim-id.js';
import type { Subject } from '../../tuple/tuple.js';
import type { Bearer } from '../bearer.js';
import { failing } from '../decision.js';
import type { DecidedQuestion, RecordDecisions } from '../decision.js';
import { askedStoreOf, callerOf } from '../gate.js';
import { askedSubject, withSubject } from './about.js';
import type { WireAbout } from './about.js';
import { namedActors } from './acting.js';
import type { WireOptions } from './acting.js';
import { obligationToWire } from './answer.js';
import { assertedOf, assertedProperties, canMeet, contextOf, wantedBy } from './circumstances.js';
import type { Wanted } from './circumstances.js';
import { consistencyOf, stampRevision } from './consistency.js';
import { objectOf, relationOf, resourceTypeOf, subjectTypeOf } from './entities.js';
import type { WireAction, WireEntity, WireEntityType } from './entities.js';
import { identityOf, nextToken, pageOf } from './paging.js';
import type { SearchApi, SearchBody } from './paging.js';
import { REQUESTS, RESPONSES, inItsOrder } from './schemas.js';
import { searchActions, searchResources, searchSubjects } from './search.js';
import type { SearchGround } from './search.js';
import { PATHS, mountsOf } from './store-route.js';

export interface SearchParts {
  readonly engine: Engine;
  readonly identity: Pick<Identity, 'subjectTokens'>;
  readonly record: RecordDecisions;
}

interface Body extends SearchBody {
  readonly options?: WireOptions | null;
}

/** A search in the words of the model. */
interface Search {
  /** Of all that is found, where that carries the same: who cannot meet them finds nothing. */
  readonly obligations: readonly Obligation[];
  /** A name is an id, or that of an action. */
  readonly run: (ground: SearchGround) => Page;
  readonly resultOf: (name: string) => readonly object[];
}

type Reader<SearchedBody> = (
  resolved: Resolved,
  exchange: Pick<Exchange<SearchedBody>, 'body' | 'bearer'>,
  wanted: Wanted,
) => Search;

const LIST = { right: 'store:query', rateCost: LIST_COST } as const;

export function registerSearches(plugin: FastifyInstance, parts: SearchParts): void {
  registerSearch(plugin, parts, 'searchSubject', 'search-subject', subjectSearch);
  registerSearch(plugin, parts, 'searchResource', 'search-resource', resourceSearch);
  registerSearch(plugin, parts, 'searchAction', 'search-action', actionSearch);
}

function registerSearch<SearchedBody extends Body>(
  plugin: FastifyInstance,
  parts: SearchParts,
  name: 'searchSubject' | 'searchResource' | 'searchAction',
  api: SearchApi,
  read: Reader<SearchedBody>,
): void {
  for (const { prefix, storeId } of mountsOf(parts.engine.config)) {
    plugin.post(
      `${prefix}${PATHS[name]}`,
      {
        config: { ...LIST, ...(storeId !== undefined && { storeId }) },
        schema: { body: REQUESTS[name], response: { 200: inItsOrder(RESPONSES[name]) } },
      },
      (request, reply) => {
        // As its schema has seen to.
        const asked = request.body as SearchedBody & WireAbout;
        const answered = (body: SearchedBody, bearer: Bearer): Promise<object> =>
          answer(parts, { request, reply, body, bearer }, api, read);
        // Whom it finds is what a search of subjects is about.
        return name === 'searchSubject'
          ? answered(asked, undefined)
          : withSubject(parts.identity.subjectTokens, asked, (subject, bearer) =>
              answered({ ...asked, subject }, bearer),
            );
      },
    );
  }
}

interface SubjectSearchBody extends Body {
  readonly subject: WireEntityType;
  readonly action: WireAction;
  readonly resource: WireEntity;
}

const subjectSearch: Reader<SubjectSearchBody> = ({ authzen }, { body }) => {
  const { subject, action, resource } = body;
  const object = objectOf(authzen, resource);
  const relation = relationOf(authzen, object.type, action);
  const type = subjectTypeOf(authzen, subject);
  const obligations = authzen.obligationsOf(object.type, relation, 'permit');
  return {
    obligations,
    run: (ground) => searchSubjects(ground, { object, relation, type }),
    resultOf: entities(subject.type, obligations),
  };
};

interface ResourceSearchBody extends Body {
  readonly subject: WireEntity;
  readonly action: WireAction;
  readonly resource: WireEntityType;
}

const resourceSearch: Reader<ResourceSearchBody> = ({ authzen }, { body, bearer }) => {
  const { subject, action, resource } = body;
  const user = askedSubject(authzen, subject, bearer);
  const { type, id } = resourceTypeOf(authzen, resource);
  const relation = relationOf(authzen, type, action);
  const obligations = authzen.obligationsOf(type, relation, 'permit');
  return {
    obligations,
    // Resources that are all one object are not known one by one.
    run: (ground) =>
      id === undefined ? searchResources(ground, { subject: user, relation, type }) : { names: [] },
    resultOf: entities(resource.type, obligations),
  };
};

interface ActionSearchBody extends Body {
  readonly subject: WireEntity;
  readonly resource: WireEntity;
}

const actionSearch: Reader<ActionSearchBody> = ({ authzen }, { body, bearer }, wanted) => {
  const { subject, resource } = body;
  const user = askedSubject(authzen, subject, bearer);
  const object = objectOf(authzen, resource);
  return {
    obligations: [],
    run: (ground) => searchActions(ground, { subject: user, object, wanted }),
    resultOf: (name) => {
      const relation = relationOf(authzen, object.type, { name });
      return [{ name, ...carrying(authzen.obligationsOf(object.type, relation, 'permit')) }];
    },
  };
};

/** An id that is written here as none of AuthZEN's would be cannot be asked about either. */
const entities =
  (type: string, obligations: readonly Obligation[]): Search['resultOf'] =>
  (name) => {
    const id = textOfId(name);
    return id === undefined ? [] : [{ type, id, ...carrying(obligations) }];
  };

/** A result has its own, as the draft profile has it: who cannot meet them passes over that one. */
const carrying = (obligations: readonly Obligation[]): object =>
  obligations.length === 0 ? {} : { obligations: obligations.map(obligationToWire) };

interface Found {
  readonly results: readonly object[];
  readonly token: string;
  readonly context: object | undefined;
}

interface Exchange<SearchedBody> {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly body: SearchedBody;
  readonly bearer: Bearer;
}

async function answer<SearchedBody extends Body>(
  parts: SearchParts,
  exchange: Exchange<SearchedBody>,
  api: SearchApi,
  read: Reader<SearchedBody>,
): Promise<object> {
  const { record } = parts;
  const { request, reply, body } = exchange;
  assertNobodyActs(body);
  const target = { storeId: askedStoreOf(request), consistency: consistencyOf(request) };
  const question = questionOf(api, body);
  const found = await search(parts, target, exchange, api, read).catch(
    failing(record, reply, api, target, [{ question }]),
  );
  const { results, token, context } = found.result;
  const result = { count: results.length, isComplete: token === '' };
  record(reply, api, found, [{ question, result }]);
  stampRevision(reply, found);
  const isPaged = token !== '' || (body.page !== undefined && body.page !== null);
  return {
    ...(isPaged && { page: { next_token: token, count: results.length } }),
    ...(context && { context }),
    results,
  };
}

async function search<SearchedBody extends Body>(
  { engine }: SearchParts,
  target: Target,
  { request, body, bearer }: Exchange<SearchedBody>,
  api: SearchApi,
  read: Reader<SearchedBody>,
): Promise<Answer<Found>> {
  const resolved = await resolve(engine, target);
  const wanted = wantedBy(body.context);
  const identity = identityOf(api, target.storeId, body);
  const { tokenKey } = resolved.replica;
  const page = pageOf(tokenKey, identity, body.page, engine.config.maxListResults);
  const about = known(() => read(resolved, { body, bearer }, wanted));
  if (about === undefined || !canMeet(about.obligations, wanted)) {
    const context = contextToWire(resolved, wanted);
    return answerOf(target, resolved, { results: [], token: '', context });
  }
  const { names, next } = about.run(
    groundOf(engine, resolved, { body, bearer, caller: callerOf(request).name, page }),
  );
  return answerOf(target, resolved, {
    results: names.flatMap((name) => about.resultOf(name)),
    token: nextToken(tokenKey, identity, { next, limit: page.limit }),
    context: contextToWire(resolved, wanted),
  });
}

function groundOf(
  engine: Engine,
  resolved: Resolved,
  asked: {
    readonly body: Body;
    readonly bearer: Bearer;
    readonly caller: string;
    readonly page: PageRequest;
  },
): SearchGround {
  const { body, bearer, caller, page } = asked;
  const { subject, resource, action, context } = body;
  const properties = assertedProperties(resolved, caller, { subject, resource, action });
  return {
    engine,
    resolved,
    page,
    circumstances: {
      contextualTuples: [],
      context: contextOf(resolved, context, properties),
      asserted: assertedOf(properties),
      ...(bearer && { token: bearer }),
    },
  };
}

/** Undefined where the store has no such type or action: nothing is found then. */
function known<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PembaError)) throw error;
    if (error.code !== 'type_not_found' && error.code !== 'relation_not_found') throw error;
    return undefined;
  }
}

/** What was asked, in the words in which it was. */
function questionOf(api: SearchApi, body: Body): DecidedQuestion {
  const { action, context } = body;
  const subject: Subject = { kind: 'object', type: body.subject.type, id: body.subject.id ?? '' };
  const object = { type: body.resource.type, id: body.resource.id ?? '' };
  const relation = action?.name ?? '';
  const said = { contextualTuples: [], context: context ?? {} };
  switch (api) {
    case 'search-subject':
      return { ...said, question: { object, relation, form: { type: subject.type } } };
    case 'search-resource':
      return { ...said, question: { subject, relation, type: object.type } };
    case 'search-action':
      return { ...said, question: { subject, object } };
  }
}

const contextToWire = ({ replica }: Resolved, { explain }: Wanted): object | undefined =>
  explain ? { revision: replica.revision } : undefined;

/** To search as if the subject acted by itself would find too much. */
function assertNobodyActs({ options, context, subject }: Body): void {
  const { services, field } = namedActors(context, subject.properties);
  if (options?.delegated === true || services.length > 0) {
    throw invalidRequest(
      options?.delegated === true ? 'options.delegated' : field,
      'a search is not about what a service may do for somebody: evaluate instead',
    );
  }
}

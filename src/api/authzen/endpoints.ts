/** What the OpenAPI document says of AuthZEN's API. */
import type { Config } from '../../config.js';
import type { JsonSchema } from '../json-schema.js';
import type { Endpoint } from '../openapi.js';
import { PROBLEM, REQUESTS, RESPONSES } from './schemas.js';
import { PATHS, mountsOf } from './store-route.js';

const TEXT: JsonSchema = { type: 'string' };

const METADATA: JsonSchema = {
  type: 'object',
  properties: {
    policy_decision_point: TEXT,
    access_evaluation_endpoint: TEXT,
    access_evaluations_endpoint: TEXT,
    search_subject_endpoint: TEXT,
    search_resource_endpoint: TEXT,
    search_action_endpoint: TEXT,
    supported_obligations: { type: 'array', items: TEXT },
    signed_metadata: TEXT,
  },
  required: ['policy_decision_point', 'access_evaluation_endpoint'],
  additionalProperties: false,
};

const QUERIES = [
  ['evaluation', 'Evaluate', 'May this subject do this to that resource?'],
  ['evaluations', 'EvaluateAll', 'The same of several, at one revision'],
  ['searchSubject', 'SearchSubjects', 'Who may do this to that resource?'],
  ['searchResource', 'SearchResources', 'To which resources may this subject do this?'],
  ['searchAction', 'SearchActions', 'What may this subject do to that resource?'],
] as const;

/** At the root only where they are served there. */
export const authzenEndpoints = (config: Config): readonly Endpoint[] =>
  mountsOf(config).flatMap(({ storeId }) => {
    const ofStore = storeId === undefined;
    const prefix = ofStore ? '/stores/{store_id}' : '';
    const suffix = ofStore ? 'OfStore' : '';
    const queries = QUERIES.map(([name, title, summary]): Endpoint => ({
      method: 'post',
      path: `${prefix}${PATHS[name]}`,
      operationId: `${title}${suffix}`,
      summary,
      body: REQUESTS[name],
      status: 200,
      answer: RESPONSES[name],
      headers: ['Pemba-Consistency-Token'],
      isQuery: true,
      failure: PROBLEM,
      failureType: 'application/problem+json',
    }));
    const metadata: Endpoint = {
      method: 'get',
      path: `/.well-known/authzen-configuration${prefix}`,
      operationId: `ReadAuthzenMetadata${suffix}`,
      summary: "The addresses of AuthZEN's API",
      status: 200,
      answer: METADATA,
      failure: PROBLEM,
      failureType: 'application/problem+json',
    };
    return [...queries, metadata];
  });

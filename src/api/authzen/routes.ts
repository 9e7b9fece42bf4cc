/** AuthZEN's Authorization API 1.0, in a plugin of its own: its bodies and errors are not OpenFGA's. */
import type { FastifyInstance } from 'fastify';
import { registerEvaluations } from './evaluation-routes.js';
import type { EvaluationParts } from './evaluation-routes.js';
import { registerMetadata } from './metadata.js';
import type { MetadataParts } from './metadata.js';
import { prepareAuthzen } from './plugin.js';
import type { ErrorLog } from './plugin.js';
import { registerSearches } from './search-routes.js';

export type AuthzenParts = EvaluationParts & MetadataParts & { readonly log: ErrorLog };

export function registerAuthzen(plugin: FastifyInstance, parts: AuthzenParts): void {
  prepareAuthzen(plugin, parts);
  registerEvaluations(plugin, parts);
  registerSearches(plugin, parts);
  registerMetadata(plugin, parts);
}

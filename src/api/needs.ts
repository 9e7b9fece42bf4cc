import { RouteConfig } from '@nestjs/platform-fastify';
import type { Right } from '../identity/caller.js';

/**
 * On a controller's method: the right that a caller must hold, and what a call costs of the caller's
 * rate. Plain routes say it in `config`.
 */
export const Needs = (right: Right, rateCost = 1): MethodDecorator =>
  RouteConfig({ right, rateCost });

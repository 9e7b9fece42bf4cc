import { RouteConfig } from '@nestjs/platform-fastify';
import type { Right } from '../identity/caller.js';

/** On a controller's method: the right that a caller must hold. Plain routes say it in `config`. */
export const Needs = (right: Right): MethodDecorator => RouteConfig({ right });

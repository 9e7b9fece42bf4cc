/** What controllers are given by name: interfaces have none at run time. */
export const ENGINE = Symbol('Engine');
export const IDENTITY = Symbol('Identity');
export const METRICS = Symbol('Metrics');
export const OPENAPI = Symbol('OpenAPI');
export const READINESS = Symbol('Readiness');
export const SIGNING = Symbol('SigningKeys');

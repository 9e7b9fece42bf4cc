import { Ajv } from 'ajv';
import type { ValidateFunction } from 'ajv';
import type { PipeTransform } from '@nestjs/common';
import { AJV_OPTIONS, schemaProblem } from './schema-problem.js';

const ajv = new Ajv({ ...AJV_OPTIONS, strict: false, validateFormats: false });

/** Holds a controller's body to a JSON Schema. */
export class BodyPipe implements PipeTransform {
  readonly #validate: ValidateFunction;

  constructor(schema: object) {
    this.#validate = ajv.compile(schema);
  }

  transform(body: unknown): unknown {
    if (!this.#validate(body)) throw schemaProblem(this.#validate.errors ?? []);
    return body;
  }
}

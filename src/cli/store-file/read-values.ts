/** The words of assertions, held to what the API holds them to. */
import {
  contextOf,
  nameOf as apiName,
  objectOf as apiObject,
  subjectOf as apiSubject,
} from '../../api/openfga/wire.js';
import { PembaError } from '../../errors.js';
import { parseServiceId } from '../../tuple/delegation.js';
import type { ServiceId } from '../../ids.js';
import type { JsonObject, ObjectRef, Subject } from '../../tuple/tuple.js';
import type { YamlItem } from './yaml-item.js';

export const subjectOf = (item: YamlItem): Subject =>
  placed(item, () => apiSubject(item.text('user'), 'user'));

export const objectRefOf = (item: YamlItem): ObjectRef =>
  placed(item, () => apiObject(item.text('object'), 'object'));

export const nameOf = (item: YamlItem, what: string): string =>
  placed(item, () => apiName(item.text(what), what));

export function serviceOf(item: YamlItem, what: string): ServiceId {
  const id = parseServiceId(item.text(what));
  if (id === undefined) throw item.problem(`${what} must be a service, such as service:orders`);
  return id;
}

export function objectOf(item: YamlItem, what: string): JsonObject {
  const value = item.value();
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return placed(item, () => contextOf(value as JsonObject, what));
  }
  throw item.problem(`${what} must have members`);
}

function placed<Value>(item: YamlItem, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (error instanceof PembaError) throw item.problem(error.message);
    throw error;
  }
}

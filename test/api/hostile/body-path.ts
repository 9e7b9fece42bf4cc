/** Bodies with one thing changed, at a path such as `checks[0].tuple_key.user`. */
type Container = Record<string, unknown>;

const stepsOf = (path: string): readonly string[] => path.match(/[^.[\]]+/g) ?? [];

function containerOf(body: object, path: string): readonly [Container, string] {
  const steps = [...stepsOf(path)];
  const last = steps.pop() ?? '';
  const container = steps.reduce<unknown>((at, step) => Reflect.get(at as object, step), body);
  if (typeof container !== 'object' || container === null || !Object.hasOwn(container, last)) {
    throw new Error(`there is no ${path} in ${JSON.stringify(body)}`);
  }
  return [container as Container, last];
}

export function valueAt(body: object, path: string): unknown {
  const [container, last] = containerOf(body, path);
  return container[last];
}

export function withValue(body: object, path: string, value: unknown): object {
  const copy = structuredClone(body);
  const [container, last] = containerOf(copy, path);
  container[last] = value;
  return copy;
}

export function without(body: object, path: string): object {
  const copy = structuredClone(body);
  const [container, last] = containerOf(copy, path);
  if (Array.isArray(container)) container.splice(Number(last), 1);
  else Reflect.deleteProperty(container, last);
  return copy;
}

/** `checks[0].tuple_key.user` → `user`: at least this stands in a message about the field. */
export const lastName = (path: string): string => path.slice(path.lastIndexOf('.') + 1);

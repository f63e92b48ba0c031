/**
 * Looks at a parsed JSON value and says where it is wrong (`.members[3].id`), or `undefined` when
 * all is well. Unknown fields pass, so that a newer server can say more.
 *
 * These nine functions are all that `generated/protocol.ts` needs: the schemas' library itself is
 * 26 KiB and stays in the server.
 */
export type Check = (value: unknown) => string | undefined;

/** The place of a wrong value is the value itself; containers put their path before it. */
const HERE = '';

const when = (good: boolean): string | undefined => (good ? undefined : HERE);

export const flag: Check = (value) => when(typeof value === 'boolean');

export const number: Check = (value) => when(typeof value === 'number');

export function integer(min: number = -Infinity, max: number = Infinity): Check {
  return (value) =>
    when(Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max);
}

/** Lengths are UTF-16 units, as in the schemas. */
export function text(max: number = Infinity, pattern?: RegExp, min = 0): Check {
  return (value) =>
    when(
      typeof value === 'string' &&
        value.length >= min &&
        value.length <= max &&
        (!pattern || pattern.test(value)),
    );
}

export function oneOf(...choices: readonly string[]): Check {
  return (value) => when(choices.includes(value as string)); // another type is simply not among them
}

export function maybe(check: Check): Check {
  return (value) => (value === undefined ? undefined : check(value));
}

export function nullable(check: Check): Check {
  return (value) => (value === null ? undefined : check(value));
}

export function list(item: Check, max: number = Infinity, min = 0): Check {
  return (value) => {
    if (!Array.isArray(value) || value.length > max || value.length < min) return HERE;
    return firstWrong(value.entries(), (key, entry) => inside(`[${key}]`, item(entry)));
  };
}

export function record(key: Check, item: Check): Check {
  return (value) => {
    if (!isObject(value)) return HERE;
    return firstWrong(
      Object.entries(value),
      (name, entry) => key(name) ?? inside(`.${name}`, item(entry)),
    );
  };
}

export function object(fields: Readonly<Record<string, Check>>): Check {
  return (value) => {
    if (!isObject(value)) return HERE;
    // Own properties only: nobody gets past a check by a name that every object inherits.
    return firstWrong(Object.entries(fields), (name, check) =>
      inside(`.${name}`, check(Object.hasOwn(value, name) ? value[name] : undefined)),
    );
  };
}

/** Objects told apart by their `type`. */
export function variants(cases: Readonly<Record<string, Readonly<Record<string, Check>>>>): Check {
  const checks = new Map(Object.entries(cases).map(([type, fields]) => [type, object(fields)]));
  return (value) => {
    const check = isObject(value) && checks.get(value.type as string); // see oneOf
    return check ? check(value) : '.type';
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function firstWrong<K, V>(
  entries: Iterable<[K, V]>,
  look: (key: K, value: V) => string | undefined,
): string | undefined {
  for (const [key, value] of entries) {
    const wrong = look(key, value);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function inside(place: string, wrong: string | undefined): string | undefined {
  return wrong === undefined ? undefined : place + wrong;
}

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
    for (let index = 0; index < value.length; index++) {
      const wrong = item(value[index]);
      if (wrong !== undefined) return `[${index}]${wrong}`;
    }
    return undefined;
  };
}

export function record(key: Check, item: Check): Check {
  return (value) => {
    if (!isObject(value)) return HERE;
    for (const name of Object.keys(value)) {
      const wrong = key(name);
      if (wrong !== undefined) return wrong;
      const wrongInside = item(value[name]);
      if (wrongInside !== undefined) return `.${name}${wrongInside}`;
    }
    return undefined;
  };
}

export function object(fields: Readonly<Record<string, Check>>): Check {
  const checks = Object.entries(fields);
  return (value) => {
    if (!isObject(value)) return HERE;
    for (const [name, check] of checks) {
      // Own properties only: nobody gets past a check by a name that every object inherits.
      const wrong = check(Object.hasOwn(value, name) ? value[name] : undefined);
      if (wrong !== undefined) return `.${name}${wrong}`;
    }
    return undefined;
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

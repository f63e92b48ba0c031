import { type MethodName, methods } from '@partyline/protocol';
import type { z } from 'zod';
import { Refused } from '../base/index.ts';
import type { ControlSocket } from './control-socket.ts';
import { lobbyHandlers } from './lobby-methods.ts';
import type { Services } from './services.ts';
import { sessionHandlers } from './session-methods.ts';

export type Params<M extends MethodName> = z.output<(typeof methods)[M]['params']>;
export type Result<M extends MethodName> = z.input<(typeof methods)[M]['result']>;

/** `after` runs when the answer is written: events that follow from it come behind it. */
export interface Answer<M extends MethodName> {
  readonly result: Result<M>;
  readonly after?: () => void;
}

export type Handler<M extends MethodName> = (
  services: Services,
  socket: ControlSocket,
  params: Params<M>,
) => Answer<M> | Promise<Answer<M>>;

export type Handlers<M extends MethodName> = { readonly [K in M]: Handler<K> };

type Checked = (
  services: Services,
  socket: ControlSocket,
  params: unknown,
) => Promise<{ readonly result: unknown; readonly after?: () => void }>;

const handlers: Handlers<MethodName> = { ...sessionHandlers, ...lobbyHandlers };

/** Every method: its params checked by the protocol's schema, then its handler. */
export const methodTable: Readonly<Record<MethodName, Checked>> = Object.fromEntries(
  // Object.keys widens; these are the record's keys, as the type of `handlers` proves.
  (Object.keys(handlers) as MethodName[]).map((name) => [name, checked(name)]),
) as Record<MethodName, Checked>;

export function isMethod(name: string): name is MethodName {
  return Object.hasOwn(methodTable, name);
}

function checked<M extends MethodName>(name: M): Checked {
  const schema: z.ZodType = methods[name].params;
  const handler = handlers[name];
  return async (services, socket, params) => {
    const parsed = schema.safeParse(params);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      const where = issue?.path.join('.') || 'params';
      throw new Refused(
        'REQUEST_INVALID',
        `${where}: ${issue?.message ?? 'invalid'}`.slice(0, 300),
      );
    }
    // The schema of this very method made it.
    return handler(services, socket, parsed.data as Params<M>);
  };
}

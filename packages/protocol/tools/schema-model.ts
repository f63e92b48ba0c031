import { z } from 'zod';
import * as protocol from '../src/index.ts';

/** The part of JSON Schema that our zod schemas come out as. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array' | 'null';
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly propertyNames?: Schema;
  readonly additionalProperties?: Schema | false;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly default?: unknown;
}

/** Schemas that readers know by name: capitals become TypeScript types, all become shared checks. */
const named = {
  Member: protocol.member,
  Lobby: protocol.lobby,
  LobbyEvent: protocol.lobbyEvent,
  LobbyType: protocol.lobbyType,
  LobbySummary: protocol.lobbySummary,
  ListFilter: protocol.listFilter,
  playerId: protocol.playerId,
  playerName: protocol.playerName,
  lobbyId: protocol.lobbyId,
  lobbyCode: protocol.lobbyCode,
  inviteToken: protocol.inviteToken,
  memberId: protocol.memberId,
  peerId: protocol.peerId,
  reason: protocol.reason,
  publicKey: protocol.publicKey,
  signature: protocol.signature,
  nonce: protocol.nonce,
  resumeToken: protocol.resumeToken,
  ticket: protocol.ticket,
  cert: protocol.cert,
  dataKey: protocol.dataKey,
  dataValue: protocol.dataValue,
  dataMap: protocol.dataMap,
  dataPatch: protocol.dataPatch,
  capability: protocol.capability,
} as const;

/** What client and server say, as JSON Schema with references by name. */
export interface Model {
  readonly named: Readonly<Record<string, Schema>>;
  readonly methods: Readonly<Record<string, { readonly params: Schema; readonly result: Schema }>>;
  readonly notifications: Readonly<Record<string, Schema>>;
  readonly errorObject: Schema;
}

export function readModel(): Model {
  for (const [id, schema] of Object.entries(named)) {
    if (!z.globalRegistry.has(schema)) z.globalRegistry.add(schema, { id });
  }
  const methods = Object.entries(protocol.methods).map(([name, { params, result }]) => [
    name,
    { params: toSchema(params, 'input'), result: toSchema(result, 'output') },
  ]);
  const notifications = Object.entries(protocol.notifications).map(([name, params]) => [
    name,
    toSchema(params, 'output'),
  ]);
  return {
    named: Object.fromEntries(
      Object.entries(named).map(([id, schema]) => [id, definitionOf(schema, id)]),
    ),
    methods: Object.fromEntries(methods),
    notifications: Object.fromEntries(notifications),
    errorObject: toSchema(protocol.errorObject, 'output'),
  };
}

/** The name behind `#/$defs/Name`. */
export function refName(ref: string): string {
  return ref.slice(ref.lastIndexOf('/') + 1);
}

function toSchema(schema: z.ZodType, io: 'input' | 'output'): Schema {
  // zod's own type of a JSON Schema is wider than what our schemas can become
  return z.toJSONSchema(schema, { io }) as Schema;
}

/** A schema that has an id comes out as a bare definition or as a reference to one. */
function definitionOf(schema: z.ZodType, id: string): Schema {
  const whole = z.toJSONSchema(schema, { io: 'output' });
  const definition = whole.$ref ? whole.$defs?.[id] : whole;
  if (!definition) throw new Error(`zod gave no definition of ${id}`);
  return definition as Schema; // as above
}

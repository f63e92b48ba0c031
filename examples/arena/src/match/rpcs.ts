import { type Rpc, type RpcContext, rpc, rpcSchema } from 'partyline';
import { type GameEvent, MAX_SNAPSHOT_BYTES, rules, type ShipId } from '../game/index.ts';
import type { LinkStats } from './match.ts';

/** What a match does with what it is told. The host is told thrusts and dashes, clients the rest. */
export interface MatchCalls {
  onState(bytes: Uint8Array): void;
  onHappened(tick: number, events: readonly GameEvent[]): void;
  onLinks(links: readonly PlayerLink[]): void;
  onThrust(from: number, bytes: Uint8Array): void;
  onDash(from: number): void;
}

/** How the host reaches one player, told to the others. */
export interface PlayerLink extends LinkStats {
  readonly id: ShipId;
}

type MatchRpcs = {
  state: Rpc<[Uint8Array]>;
  happened: Rpc<[number, GameEvent[]]>;
  links: Rpc<[PlayerLink[]]>;
  thrust: Rpc<[Uint8Array]>;
  dash: Rpc<[]>;
};

/** More cannot happen in one tick: every gem taken, every ship rams and dashes, the round turns. */
const MAX_EVENTS: number = rules.gemsMax + rules.maxShips * 8;

/** Everything that is said in a match; `MultiplayerPeer` and this list are the whole network code. */
export function matchRpcs(calls: MatchCalls): MatchRpcs {
  const bytesOf = (most: number) => (args: readonly unknown[]) => readBytes(args, most);
  return {
    // Newest wins: a lost state is replaced by the next, an old one is worthless.
    state: rpc(
      {
        mode: 'authority',
        transferMode: 'unreliableOrdered',
        channel: 1,
        validate: bytesOf(MAX_SNAPSHOT_BYTES),
      },
      (_context: RpcContext, bytes: Uint8Array) => calls.onState(bytes),
    ),
    thrust: rpc(
      { mode: 'anyPeer', transferMode: 'unreliableOrdered', channel: 2, validate: bytesOf(8) },
      ({ remoteSender }: RpcContext, bytes: Uint8Array) => calls.onThrust(remoteSender, bytes),
    ),
    // These must arrive, and once.
    happened: rpc(
      { mode: 'authority', validate: readHappened },
      (_context: RpcContext, tick: number, events: GameEvent[]) => calls.onHappened(tick, events),
    ),
    links: rpc(
      { mode: 'authority', transferMode: 'unreliableOrdered', channel: 3, validate: readLinks },
      (_context: RpcContext, links: PlayerLink[]) => calls.onLinks(links),
    ),
    dash: rpc({ mode: 'anyPeer', validate: () => [] }, ({ remoteSender }: RpcContext) =>
      calls.onDash(remoteSender),
    ),
  };
}

/** For `openPeer`: pages and bots of another version are told so instead of misunderstanding each other. */
export const matchSchema: string = rpcSchema({
  arena: matchRpcs({ onState() {}, onHappened() {}, onLinks() {}, onThrust() {}, onDash() {} }),
});

function readBytes(args: readonly unknown[], most: number): [Uint8Array] {
  const [bytes] = args;
  if (!(bytes instanceof Uint8Array) || bytes.length > most) throw new TypeError('not our bytes');
  return [bytes];
}

function readLinks(args: readonly unknown[]): [PlayerLink[]] {
  const [links] = args;
  if (!Array.isArray(links) || links.length > rules.maxShips) throw new TypeError('not our links');
  return [links.map(readLink)];
}

function readLink(value: unknown): PlayerLink {
  const link = value as Readonly<Record<string, unknown>> | null; // every field is checked below
  const { id, wire, pingMs } = link ?? {};
  if (typeof id !== 'number' || typeof wire !== 'string' || wire.length > 16) {
    throw new TypeError('not a link');
  }
  return { id, wire, pingMs: typeof pingMs === 'number' ? pingMs : undefined };
}

/** Fields of each event that are numbers; whatever else it brings is ignored. */
const eventNumbers: { readonly [T in GameEvent['type']]: readonly string[] } = {
  rammed: ['by', 'ship', 'gems'],
  dashed: ['ship'],
  collected: ['ship', 'gem'],
  roundOver: ['score'],
  roundStarted: [],
};

function readHappened(args: readonly unknown[]): [number, GameEvent[]] {
  const [tick, events] = args;
  if (typeof tick !== 'number' || !Array.isArray(events) || events.length > MAX_EVENTS) {
    throw new TypeError('not what happened in a tick');
  }
  return [tick, events.map(readEvent)];
}

function readEvent(value: unknown): GameEvent {
  const event = value as Readonly<Record<string, unknown>> | null; // every field is checked below
  const type = event?.type;
  if (typeof type !== 'string' || !Object.hasOwn(eventNumbers, type)) {
    throw new TypeError('an event of no known type');
  }
  const numbers = eventNumbers[type as GameEvent['type']]; // one of its keys: see above
  if (numbers.some((name) => typeof event?.[name] !== 'number')) {
    throw new TypeError(`a field of ${type} is no number`);
  }
  const winner = event?.winner;
  if (winner !== undefined && typeof winner !== 'number') throw new TypeError('a strange winner');
  return value as GameEvent; // its fields are as the type says
}

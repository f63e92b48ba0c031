import { setTimeout as sleep } from 'node:timers/promises';
import { SendFlag } from 'partyline/protocol/snp';
import type { Lab } from '../natlab/lab.ts';
import { LinePeer } from './gns-line-peer.ts';
import { NativePeer, NativeState } from './gns-native.ts';

/** Who calls whom. */
export type Caller = 'the first' | 'the second' | 'both';
export const callers: readonly Caller[] = ['the first', 'the second', 'both'];

/** The lab's STUN server and relay, as far as a player is told of them. */
export interface LabServers {
  readonly stun?: string;
  /** `HOST:PORT`, user `u`, password `p`. */
  readonly turn?: string;
  /** More URLs for ours, of transports that the native library has not. */
  readonly moreTurn?: readonly string[];
}

/** A player in a namespace of the lab: ours or the native library, which take the same commands. */
export interface LabEnd {
  readonly identity: string;
  readonly peer: LinePeer;
}

/** Ours; `program` is the bundled `natlab/gns-peer.ts`. */
export async function openOurs(
  lab: Lab,
  program: string,
  host: string,
  { stun, turn, moreTurn = [] }: LabServers,
): Promise<LabEnd> {
  const identity = `str:ours-${host}`;
  const urls = [...(turn === undefined ? [] : [`turn:${turn}?transport=udp`]), ...moreTurn];
  const servers = [
    ...(stun === undefined ? [] : [{ urls: [`stun:${stun}`] }]),
    ...(urls.length === 0 ? [] : [{ urls, username: 'u', credential: 'p' }]),
  ];
  const ice = JSON.stringify({ servers, interfacesEveryMs: 200 });
  const peer = new LinePeer(lab.spawn(host, process.execPath, [program, identity, ice]));
  await peer.next('ready');
  return { identity, peer };
}

export async function openNative(
  lab: Lab,
  host: string,
  { stun = '', turn }: LabServers,
): Promise<LabEnd & { readonly peer: NativePeer }> {
  const identity = `str:native-${host}`;
  const peer = await NativePeer.start(identity, (program, args) => lab.spawn(host, program, args));
  await peer.configText({ StunServerList: stun });
  if (turn !== undefined) {
    await peer.configText({ TurnServerList: turn, TurnUserList: 'u', TurnPassList: 'p' });
  }
  return { identity, peer };
}

/** Two ends with a connection, which each names by a number of its own. */
export interface LabMeeting {
  readonly conns: readonly [number, number];
  /**
   * GNS's kind of the way at either end, local, udp or relay: as soon as both are what is wanted, or
   * after 8 s as they are.
   */
  settledRoutes(wanted: string): Promise<readonly [unknown, unknown]>;
  /** A message there and back. */
  echo(text: string): Promise<void>;
  /** Ours only: both send numbered reliable messages from now on, 50 a second. */
  play(): Promise<void>;
  /** Until both have received so many more; 15 s at most. @throws Error saying what they have */
  heardMore(more: number): Promise<void>;
  /** Both send no more: their counts once everything has come, or after 5 s. */
  stopped(): Promise<readonly [Counts, Counts]>;
  end(): void;
}

export interface Counts {
  readonly sent: number;
  readonly received: number;
  /** The first number that was not the next one. */
  readonly wrong?: number;
  /** The longest silence so far, in milliseconds. */
  readonly gapMs: number;
}

/** Connects two ends on a virtual port that neither has used. @throws Error when that fails */
export async function meet(
  ends: readonly [LabEnd, LabEnd],
  caller: Caller,
  port: number,
): Promise<LabMeeting> {
  const [a, b] = ends;
  for (const { peer } of ends) peer.forget(); // of whom they met before
  carrySignals(a, b);
  carrySignals(b, a);
  const conns = await (caller === 'both' ? bothCall(ends, port) : oneCalls(ends, caller, port));
  return {
    conns,
    settledRoutes: (wanted) =>
      poll(
        async () => [await routeOf(a, conns[0]), await routeOf(b, conns[1])] as const,
        (routes) => routes.every((route) => route === wanted),
        8000,
      ),
    echo: async (text) => {
      await carry(a, conns[0], b, conns[1], text);
      await carry(b, conns[1], a, conns[0], text);
    },
    play: async () => {
      for (const [i, { peer }] of ends.entries()) {
        peer.tell('count', { conn: conns[i] });
        await peer.next('counting', { conn: conns[i] });
      }
      for (const [i, { peer }] of ends.entries()) peer.tell('startCount', { conn: conns[i] });
    },
    heardMore: async (more) => {
      const before = await countsOfBoth(ends, conns);
      const hasMore = (now: CountsOfBoth): boolean =>
        now.every(({ received }, i) => received >= (before[i]?.received ?? 0) + more);
      const after = await poll(() => countsOfBoth(ends, conns), hasMore, 15_000);
      if (!hasMore(after)) throw new Error(`nothing comes: ${JSON.stringify([before, after])}`);
    },
    stopped: () => {
      for (const [i, { peer }] of ends.entries()) peer.tell('stopCount', { conn: conns[i] });
      const isAll = ([x, y]: CountsOfBoth): boolean =>
        x.received === y.sent && y.received === x.sent;
      return poll(() => countsOfBoth(ends, conns), isAll, 5000);
    },
    end: () => {
      for (const [i, { peer }] of ends.entries()) {
        peer.tell('close', { conn: conns[i], reason: 1000, debug: 'test' });
      }
    },
  };
}

/** The first one, a native peer, calls the second, and learns that it cannot reach it. */
export async function callInVain(
  ends: readonly [LabEnd & { readonly peer: NativePeer }, LabEnd],
  port: number,
): Promise<void> {
  const [a, b] = ends;
  carrySignals(a, b);
  carrySignals(b, a);
  await a.peer.config({ TimeoutInitial: 3000 });
  await listen(b, port, false);
  const conn = await dial(a, b, port, false);
  await a.peer.next('state', { conn, new: NativeState.Problem });
}

function carrySignals(from: LabEnd, to: LabEnd): void {
  from.peer.intercept = (event) => {
    if (event.event !== 'signal') return false;
    // One that is late may be meant for whom it met before.
    if (event.to === to.identity) to.peer.tell('signal', { hex: event.hex });
    return true;
  };
}

async function oneCalls(
  [a, b]: readonly [LabEnd, LabEnd],
  caller: Exclude<Caller, 'both'>,
  port: number,
): Promise<[number, number]> {
  const [calling, called] = caller === 'the first' ? [a, b] : [b, a];
  await listen(called, port, false);
  const conn = await dial(calling, called, port, false);
  const came = await called.peer.next('state', { incoming: true, new: NativeState.Connecting });
  const conns: [number, number] = [conn, Number(came.conn)];
  await Promise.all([untilConnected(calling, conns[0]), untilConnected(called, conns[1])]);
  return caller === 'the first' ? conns : [conns[1], conns[0]];
}

async function bothCall(
  [a, b]: readonly [LabEnd, LabEnd],
  port: number,
): Promise<[number, number]> {
  await Promise.all([listen(a, port, true), listen(b, port, true)]);
  const conns = await Promise.all([dial(a, b, port, true), dial(b, a, port, true)]);
  await Promise.all([untilConnected(a, conns[0]), untilConnected(b, conns[1])]);
  return conns;
}

async function listen({ peer }: LabEnd, port: number, symmetric: boolean): Promise<void> {
  peer.tell('p2pListen', { port, symmetric });
  await peer.next('p2pListening', { port });
}

async function dial(
  { peer }: LabEnd,
  { identity }: LabEnd,
  port: number,
  symmetric: boolean,
): Promise<number> {
  peer.tell('p2pConnect', { identity, port, symmetric });
  return Number((await peer.next('dialled')).conn);
}

async function untilConnected({ peer }: LabEnd, conn: number): Promise<void> {
  await peer.next('state', { conn, new: NativeState.Connected });
}

async function routeOf({ peer }: LabEnd, conn: number): Promise<unknown> {
  peer.tell('route', { conn });
  return (await peer.next('route', { conn })).type;
}

type CountsOfBoth = readonly [Counts, Counts];

async function countsOfBoth(
  [a, b]: readonly [LabEnd, LabEnd],
  conns: readonly [number, number],
): Promise<CountsOfBoth> {
  return [await countsOf(a, conns[0]), await countsOf(b, conns[1])];
}

/** Asks again and again until it passes, or time is over; the last answer. */
async function poll<T>(
  ask: () => Promise<T>,
  passes: (answer: T) => boolean,
  withinMs: number,
): Promise<T> {
  for (const deadline = performance.now() + withinMs; ; await sleep(50)) {
    const answer = await ask();
    if (passes(answer) || performance.now() > deadline) return answer;
  }
}

async function countsOf({ peer }: LabEnd, conn: number): Promise<Counts> {
  peer.tell('counted', { conn });
  const { sent, received, wrong, gapMs } = await peer.next('counted', { conn });
  // As natlab/gns-peer.ts writes them.
  return { sent, received, wrong, gapMs } as unknown as Counts;
}

async function carry(
  { peer }: LabEnd,
  conn: number,
  to: LabEnd,
  toConn: number,
  text: string,
): Promise<void> {
  const hex = Buffer.from(text).toString('hex');
  peer.tell('send', { conn, hex, flags: SendFlag.Reliable | SendFlag.NoNagle });
  await to.peer.next('message', { conn: toConn, hex });
}

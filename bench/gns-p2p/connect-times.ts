import { GnsP2p, TrivialSignaling } from 'partyline/node';
import { SendFlag } from 'partyline/protocol/snp';
import { systemClock } from '../../packages/server/src/base/index.ts';
import { TrivialListener } from '../../packages/server/src/rendezvous/index.ts';
import type { PeerEvent } from '../../test/interop/gns-line-peer.ts';
import { NativePeer, NativeState } from '../../test/interop/gns-native.ts';
import { P2pPair } from '../../test/interop/gns-p2p-rig.ts';
import { receiveOne } from '../../test/interop/gns-seats.ts';
import type { Measurement, Row } from '../harness.ts';

/** Connections per figure; each counts from the call on. */
const CALLS = 9;
const EAGER = SendFlag.Reliable | SendFlag.NoNagle;

interface Times {
  readonly connectMs: number;
  /** A message of ten bytes has come back. */
  readonly echoMs: number;
}

/** GNS P2P on one LAN, signaling included: from the call until both ends are connected, and the first echo. */
export const p2pMeasurements: readonly Measurement[] = [
  {
    rows: [ms('connect, both ends alike'), ms('first echo, both ends alike')],
    ours: () => medians(oursToOurs),
    peer: () => medians(nativeToNative),
  },
  {
    rows: [ms('connect, ours calls native'), ms('first echo, ours calls native')],
    ours: () => medians(oursToNative),
    peer: () => medians(nativeToNative),
  },
];

function ms(name: string): Row {
  return { name, unit: 'ms', better: 'lower' };
}

async function medians(measure: (calls: number) => Promise<Times[]>): Promise<number[]> {
  const times = await measure(CALLS + 1);
  times.shift(); // the first one also loads code
  const median = (values: number[]): number =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
  return [median(times.map((t) => t.connectMs)), median(times.map((t) => t.echoMs))];
}

/** Two of ours through a trivial signaling server, by TCP. */
async function oursToOurs(calls: number): Promise<Times[]> {
  await using listener = await TrivialListener.open('127.0.0.1', 0, { clock: systemClock });
  const where = { host: '127.0.0.1', port: listener.port };
  await using toA = new TrivialSignaling({ ...where, identity: 'str:a' });
  await using toB = new TrivialSignaling({ ...where, identity: 'str:b' });
  await Promise.all([toA.connected, toB.connected]);
  await using a = await GnsP2p.open({ identity: 'str:a', signaling: toA });
  await using b = await GnsP2p.open({ identity: 'str:b', signaling: toB });
  let told: (() => void) | undefined;
  const listening = b.listenP2P(0);
  listening.events.on('incoming', (guest) => {
    listening.accept(guest);
    void guest.connected.then(() => told?.());
    guest.events.on('readable', () => {
      for (let m = guest.receive(); m !== undefined; m = guest.receive())
        guest.send(m.bytes, EAGER);
    });
  });
  const times: Times[] = [];
  for (let i = 0; i < calls; i++) {
    const other = new Promise<void>((resolve) => {
      told = resolve;
    });
    const startedAt = performance.now();
    const connection = await a.connectP2P('str:b', 0);
    connection.send(new Uint8Array(10), EAGER);
    const echo = receiveOne(connection).then(() => performance.now() - startedAt);
    await other;
    const connectMs = performance.now() - startedAt;
    times.push({ connectMs, echoMs: await echo });
    await connection.close();
  }
  return times;
}

async function oursToNative(calls: number): Promise<Times[]> {
  await using pair = await P2pPair.open();
  await pair.native.receive('echo');
  pair.native.tell('p2pListen', { port: 0 });
  await pair.native.next('p2pListening', { port: 0 });
  const times: Times[] = [];
  for (let i = 0; i < calls; i++) {
    const startedAt = performance.now();
    const other = pair.native
      .next('state', { new: NativeState.Connected })
      .then(() => performance.now() - startedAt);
    const connection = await pair.ours.connectP2P('str:native', 0);
    const oursMs = performance.now() - startedAt;
    connection.send(new Uint8Array(10), EAGER);
    await receiveOne(connection);
    const echoMs = performance.now() - startedAt;
    times.push({ connectMs: Math.max(oursMs, await other), echoMs });
    await connection.close();
    await pair.native.next('state', { new: NativeState.ClosedByPeer });
  }
  return times;
}

/** Two native peers, their signals carried by this program. */
async function nativeToNative(calls: number): Promise<Times[]> {
  await using caller = await NativePeer.start('str:caller');
  await using called = await NativePeer.start('str:called');
  const carry =
    (to: NativePeer) =>
    ({ event, hex }: PeerEvent): boolean => {
      if (event === 'signal') to.tell('signal', { hex });
      return event === 'signal';
    };
  caller.intercept = carry(called);
  called.intercept = carry(caller);
  await called.receive('echo');
  called.tell('p2pListen', { port: 0 });
  await called.next('p2pListening', { port: 0 });
  const times: Times[] = [];
  for (let i = 0; i < calls; i++) {
    const startedAt = performance.now();
    const other = called
      .next('state', { new: NativeState.Connected })
      .then(() => performance.now() - startedAt);
    caller.tell('p2pConnect', { identity: 'str:called', port: 0 });
    const { conn } = await caller.next('dialled');
    await caller.next('state', { conn, new: NativeState.Connected });
    const callerMs = performance.now() - startedAt;
    caller.tell('send', { conn, hex: '00'.repeat(10), flags: EAGER });
    await caller.next('message', { conn });
    const echoMs = performance.now() - startedAt;
    times.push({ connectMs: Math.max(callerMs, await other), echoMs });
    caller.tell('close', { conn, reason: 1000 });
    await called.next('state', { new: NativeState.ClosedByPeer }, 30_000);
  }
  return times;
}

import type { Scheduler } from '../src/base/index.ts';
import { Link, type LinkHandlers } from '../src/peers/link.ts';
import type { MessageHeader } from '../src/peers/link-frames.ts';
import type { LinkLimits } from '../src/peers/link-limits.ts';
import type { LinkMessage } from '../src/peers/link-receiver.ts';
import type { Wire } from '../src/peers/wire.ts';
import { SimWire, type SimWireConditions, VirtualClock } from '../src/testing/index.ts';

export const reliable: MessageHeader = { mode: 'reliable', channel: 0, peer: 1, system: false };
export const ordered: MessageHeader = { ...reliable, mode: 'unreliableOrdered' };
export const unreliable: MessageHeader = { ...reliable, mode: 'unreliable' };

/** One end of a link, and what it told. */
export class End {
  readonly received: LinkMessage[] = [];
  readonly ended: string[] = [];
  readonly wiresLost: string[] = [];
  readonly link: Link;

  constructor(clock: Scheduler, limits: Partial<LinkLimits> = {}, isAsked = false) {
    const handlers: LinkHandlers = {
      onMessage: (message) => this.received.push(message),
      onWireLost: (_kind, reason) => this.wiresLost.push(reason),
      onEnded: (reason) => this.ended.push(reason),
      onDrained: () => {},
    };
    this.link = new Link(clock, handlers, limits, isAsked);
  }

  numbers(mode = 'reliable', channel = 0): number[] {
    return this.received
      .filter((message) => message.mode === mode && message.channel === channel)
      .map(({ bytes }) => new DataView(bytes.buffer).getUint32(0));
  }
}

export function openPair(
  clock: VirtualClock,
  ends: readonly [End, End],
  conditions: SimWireConditions,
  seed: number,
): [SimWire, SimWire] {
  const [wireA, wireB] = SimWire.pair(clock, conditions, seed);
  wireA.open(ends[0].link.handlersFor(() => wireA));
  wireB.open(ends[1].link.handlersFor(() => wireB));
  return [wireA, wireB];
}

export function join(
  clock: VirtualClock,
  ends: readonly [End, End],
  conditions: SimWireConditions = {},
  seed = 1,
): [SimWire, SimWire] {
  const wires = openPair(clock, ends, conditions, seed);
  ends[0].link.attach(wires[0]);
  ends[1].link.attach(wires[1]);
  return wires;
}

export function connected(conditions: SimWireConditions = {}, limits: Partial<LinkLimits> = {}) {
  const clock = new VirtualClock();
  const a = new End(clock, limits);
  const b = new End(clock, limits, true);
  const wires = join(clock, [a, b], conditions);
  return { clock, a, b, wires };
}

export function numbered(n: number, size = 4): Uint8Array {
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, n);
  return bytes;
}

/** Packets that leave by both wires from now on. */
export function counted(wires: readonly Wire[]): () => number {
  let packets = 0;
  for (const wire of wires) {
    const send = wire.send.bind(wire);
    wire.send = (packet, isReliable) => {
      packets++;
      return send(packet, isReliable);
    };
  }
  return () => packets;
}

import { NetError, type Scheduler } from '../base/index.ts';
import type { MultiplayerPeer, PeerId } from '../multiplayer/index.ts';
import { ClientPeer } from './client-peer.ts';
import { HostPeer } from './host-peer.ts';
import { PACKET_BYTES } from './link-frames.ts';
import type { LinkedPeer, LinkedPeerOptions } from './linked-peer.ts';
import { MeshPeer } from './mesh-peer.ts';
import type { Wire, WireHandlers } from './wire.ts';

/** Both ends of one wire, each told what arrives at it: of a host and its client, or of two peers of a mesh. */
export type OpenWirePair = (a: WireHandlers, b: WireHandlers) => readonly [Wire, Wire];

export interface LoopbackOptions extends LinkedPeerOptions {
  /** What carries the bytes, for tests of a bad network. Default: memory, without delay or loss. */
  readonly openWires?: OpenWirePair | undefined;
}

/**
 * A host and its clients in one process: for tests, for playing alone, for a bot beside the game. Give
 * it the `scheduler` of `partyline/browser` or `partyline/node`, in tests a `VirtualClock`.
 */
export class LoopbackHub {
  readonly host: MultiplayerPeer;
  readonly #host: HostPeer;
  readonly #options: LoopbackOptions;
  #nextId = 2;

  constructor(options: LoopbackOptions) {
    this.#options = options;
    this.#host = new HostPeer(options);
    this.host = this.#host;
  }

  /** A new client, `connecting` until the host admits it. Its id is given, as everywhere. @throws NetError `PEER_CLOSED` after the host closed */
  join(options: Partial<LinkedPeerOptions> = {}): MultiplayerPeer {
    if (this.#host.status === 'disconnected') throw new NetError('PEER_CLOSED', 'the host closed');
    const id = this.#nextId++;
    const client = new ClientPeer(id, { ...this.#options, ...options });
    connect(this.#host, client, this.#options);
    return client;
  }
}

/** Peers of one process, each linked with every other: a mesh for tests, and for bots beside the game. */
export class LoopbackMesh {
  readonly #options: LoopbackOptions;
  readonly #peers = new Map<PeerId, MeshPeer>();

  constructor(options: LoopbackOptions) {
    this.#options = options;
  }

  /** A new peer with this id, linked with all who are there. @throws NetError `OPTIONS_INVALID` when one of them has this id */
  join(id: PeerId, options: Partial<LinkedPeerOptions> = {}): MultiplayerPeer {
    const peer = new MeshPeer(id, { ...this.#options, ...options });
    if (this.#peers.has(id)) {
      throw new NetError('OPTIONS_INVALID', `there is a peer ${id} already`);
    }
    for (const other of this.#peers.values()) connect(peer, other, this.#options);
    this.#peers.set(id, peer);
    peer.events.on('statusChanged', ({ status }) => {
      if (status === 'disconnected') this.#peers.delete(id);
    });
    return peer;
  }
}

/** One wire between two peers, and a link above it that ends with it: there is no second one here. */
function connect(a: LinkedPeer, b: LinkedPeer, { scheduler, openWires }: LoopbackOptions): void {
  a.openLink(b.id, { onWireLost: (_wire, reason) => a.closeLink(b.id, reason) });
  b.openLink(a.id, { onWireLost: (_wire, reason) => b.closeLink(a.id, reason) });
  const ends: Wire[] = [];
  const handlersOfA = a.wireHandlers(b.id, () => ends[0]);
  const handlersOfB = b.wireHandlers(a.id, () => ends[1]);
  if (!handlersOfA || !handlersOfB) return; // both were opened above
  const open = openWires ?? ((ofA, ofB) => loopbackPair(scheduler, ofA, ofB));
  const [endOfA, endOfB] = open(handlersOfA, handlersOfB);
  ends.push(endOfA, endOfB);
  a.attach(b.id, endOfA);
  b.attach(a.id, endOfB);
}

function loopbackPair(
  scheduler: Scheduler,
  a: WireHandlers,
  b: WireHandlers,
): readonly [Wire, Wire] {
  const wire = (other: WireHandlers): LoopbackWire =>
    new LoopbackWire((callback) => scheduler.soon(callback), other);
  const [endOfA, endOfB] = [wire(b), wire(a)];
  endOfA.other = endOfB;
  endOfB.other = endOfA;
  return [endOfA, endOfB];
}

class LoopbackWire implements Wire {
  readonly kind = 'loopback';
  readonly maxPacketBytes = PACKET_BYTES;
  readonly bufferedBytes = 0;
  other: LoopbackWire | undefined;
  readonly #soon: (callback: () => void) => void;
  readonly #receiver: WireHandlers;
  #isClosed = false;

  constructor(soon: (callback: () => void) => void, receiver: WireHandlers) {
    this.#soon = soon;
    this.#receiver = receiver;
  }

  send(packet: Uint8Array, reliable: boolean): boolean {
    if (this.#isClosed) return false;
    const copy = packet.slice();
    this.#soon(() => {
      if (this.other && !this.other.#isClosed) this.#receiver.onPacket(copy, reliable);
    });
    return true;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { other } = this;
    if (!other || other.#isClosed) return;
    other.#isClosed = true;
    this.#soon(() => this.#receiver.onClosed('closed'));
  }
}

import { NetError } from '../base/index.ts';
import { type MultiplayerPeer, type PeerId, SERVER } from '../multiplayer/index.ts';
import { ClientPeer } from './client-peer.ts';
import { HostPeer } from './host-peer.ts';
import { PACKET_BYTES } from './link-frames.ts';
import type { StarPeerOptions } from './star-peer.ts';
import type { Wire, WireHandlers } from './wire.ts';

/** Both ends of one wire, each told what arrives at it. */
export type OpenWirePair = (host: WireHandlers, client: WireHandlers) => readonly [Wire, Wire];

export interface LoopbackOptions extends StarPeerOptions {
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
  join(options: Partial<StarPeerOptions> = {}): MultiplayerPeer {
    if (this.#host.status === 'disconnected') throw new NetError('PEER_CLOSED', 'the host closed');
    const id = this.#nextId++;
    const client = new ClientPeer(id, { ...this.#options, ...options });
    this.#connect(client, id);
    return client;
  }

  #connect(client: ClientPeer, id: PeerId): void {
    const host = this.#host;
    // There is no second wire here: what loses its wire is over.
    host.openLink(id, { onWireLost: (_wire, reason) => host.closeLink(id, reason) });
    client.openLink(SERVER, { onWireLost: (_wire, reason) => client.closeLink(SERVER, reason) });
    const ends: Wire[] = [];
    const openWires = this.#options.openWires ?? ((a, b) => this.#pair(a, b));
    const hostHandlers = host.wireHandlers(id, () => ends[0]);
    const clientHandlers = client.wireHandlers(SERVER, () => ends[1]);
    if (!hostHandlers || !clientHandlers) return; // both were opened above
    const [a, b] = openWires(hostHandlers, clientHandlers);
    ends.push(a, b);
    host.attach(id, a);
    client.attach(SERVER, b);
  }

  #pair(host: WireHandlers, client: WireHandlers): readonly [Wire, Wire] {
    const { scheduler } = this.#options;
    const wire = (other: WireHandlers): LoopbackWire =>
      new LoopbackWire((callback) => scheduler.soon(callback), other);
    const [a, b] = [wire(client), wire(host)];
    a.other = b;
    b.other = a;
    return [a, b];
  }
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

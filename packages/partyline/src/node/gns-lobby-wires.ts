import { Emitter, type Logger } from '../base/index.ts';
import type { Lobby } from '../client/index.ts';
import type { SignaledWire } from '../peers/index.ts';
import type { IdentitySignalingEvents, MemberId } from '../signaling/index.ts';
import { SendFlag } from '../snp/index.ts';
import type { WebRtcSessionHandlers } from '../webrtc/index.ts';
import type { Connection } from './gns-connection.ts';
import { GnsP2p } from './gns-p2p.ts';
import type { IceServerUrls } from './ice-relay.ts';

/** Fits one GNS packet with its frames. */
const MAX_PACKET_BYTES = 1150;
/** Queued by GNS; over it the link waits. */
const MAX_QUEUED_BYTES = 256 * 1024;
/** How soon a full wire is looked at again, in ms. */
const LOOK_AGAIN_MS = 5;
const VIRTUAL_PORT = 0;
/** Links ping by themselves and say goodbye, so that silence is theirs to notice (docs/adr/0036), in ms. */
const KEEPALIVE_MS = 20_000;
/** Between these GNS's congestion control finds the rate, in bytes/s. */
const config = {
  sendRateMinBytesPerSecond: 128 * 1024,
  sendRateMaxBytesPerSecond: 50 * 1024 * 1024,
  sendBufferBytes: 1024 * 1024,
} as const;

/**
 * GNS connections to the members of a lobby, as wires of its peer. The member with the smaller id
 * calls, so there is no glare. Signals are the wires' own, signed by the lobby, and vouch for the
 * handshakes in them (docs/adr/0084).
 */
export class LobbyGnsWires implements AsyncDisposable {
  readonly #lobby: Lobby;
  readonly #signals: Emitter<IdentitySignalingEvents>;
  readonly #p2p: GnsP2p;
  readonly #wires: Map<string, GnsWire>;
  /** Calls of members whose wire is not wanted here yet. */
  readonly #waiting = new Map<string, Connection>();
  readonly #accept: (connection: Connection) => boolean;

  /** @throws NetError `UDP_SOCKET` */
  static async open(
    lobby: Lobby,
    { servers, logger }: { readonly servers: readonly IceServerUrls[]; readonly logger: Logger },
  ): Promise<LobbyGnsWires> {
    const signals = new Emitter<IdentitySignalingEvents>();
    const wires = new Map<string, GnsWire>();
    const p2p = await GnsP2p.open({
      identity: identityOf(lobby.me.id),
      signaling: { events: signals, send: (to, bytes) => wires.get(to)?.sendSignal(bytes) },
      ice: { servers, logger },
      keepaliveMs: KEEPALIVE_MS,
      config,
      logger,
    });
    return new LobbyGnsWires(lobby, { signals, wires, p2p });
  }

  private constructor(
    lobby: Lobby,
    parts: {
      readonly signals: Emitter<IdentitySignalingEvents>;
      readonly wires: Map<string, GnsWire>;
      readonly p2p: GnsP2p;
    },
  ) {
    const { signals, wires, p2p } = parts;
    this.#lobby = lobby;
    this.#signals = signals;
    this.#wires = wires;
    this.#p2p = p2p;
    const listening = p2p.listenP2P(VIRTUAL_PORT);
    this.#accept = (connection) => listening.accept(connection);
    listening.events.on('incoming', (connection) => this.#handleIncoming(connection));
  }

  /** A wire to a member; it opens when the other side has wanted it, too. */
  wire(
    member: MemberId,
    handlers: WebRtcSessionHandlers,
    sendSignal: (payload: Uint8Array) => void,
  ): SignaledWire {
    const identity = identityOf(member);
    const wire = new GnsWire(handlers, {
      sendSignal: (bytes) => {
        const isThere = !this.#lobby.isClosed && this.#lobby.member(member) !== undefined;
        if (isThere) sendSignal(bytes);
      },
      handleSignal: (bytes) => this.#signals.emit('signal', { from: identity, bytes }),
      onReleased: () => {
        if (this.#wires.get(identity) === wire) this.#wires.delete(identity);
      },
    });
    this.#wires.set(identity, wire);
    const called = this.#waiting.get(identity);
    this.#waiting.delete(identity);
    if (this.#lobby.me.id < member) wire.use(this.#p2p.dialP2P(identity, VIRTUAL_PORT));
    else if (called !== undefined && this.#accept(called)) wire.use(called);
    return wire;
  }

  /**
   * Ends what is open. Links have said what they had to say, or have waited for that: nothing lingers for
   * another member, who may have closed its sockets before it heard us.
   */
  close(): Promise<void> {
    for (const connection of this.#p2p.connections) connection.stopLingering();
    return this.#p2p.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #handleIncoming(connection: Connection): void {
    const identity = connection.remoteIdentity ?? '';
    const wire = this.#wires.get(identity);
    if (wire === undefined) {
      void this.#waiting.get(identity)?.close();
      this.#waiting.set(identity, connection);
      void connection.ended.then(() => {
        if (this.#waiting.get(identity) === connection) this.#waiting.delete(identity);
      });
    } else if (wire.hasConnection) {
      // The other side has lost the connection that we still hold, and begins anew.
      wire.replaceBy(() => (this.#accept(connection) ? connection : undefined));
    } else if (this.#accept(connection)) {
      wire.use(connection);
    }
  }
}

interface WireOwner {
  sendSignal(bytes: Uint8Array): void;
  handleSignal(bytes: Uint8Array): void;
  onReleased(): void;
}

/** One GNS connection as a wire. */
class GnsWire implements SignaledWire {
  readonly kind = 'gns' as const;
  readonly maxPacketBytes: number = MAX_PACKET_BYTES;
  readonly #handlers: WebRtcSessionHandlers;
  readonly #owner: WireOwner;
  #connection: Connection | undefined;
  #isOpen = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(handlers: WebRtcSessionHandlers, owner: WireOwner) {
    this.#handlers = handlers;
    this.#owner = owner;
  }

  get hasConnection(): boolean {
    return this.#connection !== undefined;
  }

  get bufferedBytes(): number {
    return this.#connection?.pendingBytes ?? 0;
  }

  handleSignal(payload: Uint8Array): void {
    this.#owner.handleSignal(payload);
  }

  sendSignal(bytes: Uint8Array): void {
    this.#owner.sendSignal(bytes);
  }

  use(connection: Connection): void {
    this.#connection = connection;
    connection.events.on('readable', () => this.#drain(connection));
    connection.events.on('stateChanged', ({ state }) => this.#handleState(connection, state));
  }

  /** Before it was open the new connection takes the old one's place; an open wire ends. */
  replaceBy(take: () => Connection | undefined): void {
    const old = this.#connection;
    if (this.#isOpen) {
      this.#end('the other side has begun anew');
      return;
    }
    const fresh = take();
    this.#connection = undefined;
    void old?.close();
    if (fresh !== undefined) this.use(fresh);
  }

  send(packet: Uint8Array, reliable: boolean): boolean {
    const connection = this.#connection;
    if (!this.#isOpen || connection === undefined || connection.state !== 'connected') return false;
    const flags = SendFlag.NoNagle | (reliable ? SendFlag.Reliable : SendFlag.Unreliable);
    const isFull = this.bufferedBytes > MAX_QUEUED_BYTES;
    if (!isFull && connection.send(packet, flags) > 0) return true;
    this.#lookAgain();
    return false;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isOpen = false;
    clearTimeout(this.#timer);
    this.#owner.onReleased();
    void this.#connection?.close(undefined, '', true); // a link's last words arrive
  }

  #handleState(connection: Connection, state: Connection['state']): void {
    if (this.#isClosed || connection !== this.#connection) return;
    if (state === 'connected') {
      this.#isOpen = true;
      this.#handlers.onOpen();
    } else if (state === 'finWait' || state === 'dead') {
      const { endReason, endDebug } = connection;
      this.#end(`${endReason} ${endDebug}`);
    }
  }

  #drain(connection: Connection): void {
    if (connection !== this.#connection) return;
    for (let m = connection.receive(); m !== undefined; m = connection.receive()) {
      if (this.#isOpen) this.#handlers.onPacket(m.bytes, m.isReliable);
    }
  }

  #lookAgain(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (!this.#isOpen) return;
      if (this.bufferedBytes > MAX_QUEUED_BYTES / 2) this.#lookAgain();
      else this.#handlers.onWritable();
    }, LOOK_AGAIN_MS);
  }

  #end(reason: string): void {
    if (this.#isClosed) return;
    this.close();
    this.#handlers.onClosed(reason, 'PEER_CONNECT_FAILED');
  }
}

/** Of this lobby alone: only its members' signed signals can carry it. */
function identityOf(member: MemberId): string {
  return `str:member-${member}`;
}

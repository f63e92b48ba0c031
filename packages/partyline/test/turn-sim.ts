import type { Cancel } from '../src/base/index.ts';
import type { StunAddress } from '../src/stun/index.ts';
import { StreamSplitter } from '../src/stun/index.ts';
import { SimWire, type SimWireConditions, type VirtualClock } from '../src/testing/index.ts';
import {
  AddressFamily,
  MAX_TURN_FRAME_BYTES,
  type TurnCarrierFactory,
  turnFrameLength,
} from '../src/turn/index.ts';
import type { ClientSocket, RelayPort } from '../src/turn/server/allocation.ts';
import type { TurnServerOptions } from '../src/turn/server/options.ts';
import { TurnServer } from '../src/turn/server/turn-server.ts';
import type { RigCrypto } from './turn-rig.ts';

/** What a peer hears: from which relayed address, and what. */
export type SimPeer = (from: StunAddress, bytes: Uint8Array) => void;

/** How one client reaches the relay. */
export interface SimPath extends SimWireConditions {
  readonly kind?: 'datagram' | 'stream' | 'message';
  readonly seed?: number;
  /** As the relay sees it; each carrier has the next port. Default `1.2.3.4`; asked for each frame. */
  readonly host?: string | (() => string);
  /** The client's own address is gone. */
  readonly isStale?: () => boolean;
  /** Every carrier has the same port: one socket for all. */
  readonly isOnePort?: boolean;
  /** Each frame on its way; `undefined` loses it. */
  readonly tap?: (bytes: Uint8Array, isToServer: boolean) => Uint8Array | undefined;
}

/** For tests: our relay's core on a clock that is turned by hand, with wires to clients that can be bad. */
export class SimRelay {
  readonly server: TurnServer;
  readonly opened: RelayPort[] = [];
  /** Peers that are not behind this relay, by `host port`. */
  readonly peers: Map<string, SimPeer> = new Map();
  /** What goes to clients, by the socket's id. */
  readonly #clients = new Map<number, (bytes: Uint8Array) => void>();
  readonly #clock: VirtualClock;
  readonly #listener: ClientSocket;
  readonly #ofPort = new Map<number, (bytes: Uint8Array) => void>();
  #cancelTimer: Cancel = () => {};
  #nextPort = 40_000;
  /** The relay hears and says nothing any more. */
  isDead = false;

  constructor(clock: VirtualClock, crypto: RigCrypto, options: Partial<TurnServerOptions> = {}) {
    this.#clock = clock;
    this.server = new TurnServer(crypto, {
      realm: 'r',
      accountOf: (username) =>
        username.startsWith('nobody') ? undefined : { player: username, password: 'pw' },
      relays: [
        { family: AddressFamily.Ipv4, bindHost: '10.0.0.5', host: '8.8.4.4' },
        { family: AddressFamily.Ipv6, bindHost: '2600::5', host: '2600::5' },
      ],
      ports: { min: 5000, max: 5063 },
      ownHosts: ['10.0.0.5', '2600::5'],
      ...options,
      limits: { challengesPerSecond: 1000, bindingsPerSecond: 1000, ...options.limits },
    });
    this.#listener = this.server.openClientSocket(false);
  }

  /** Carriers of one client. */
  carriers({ kind = 'datagram', seed = 1, host = '1.2.3.4', ...path }: SimPath = {}): {
    readonly factory: TurnCarrierFactory;
    /** The wire's ends, in the order they were opened. */
    readonly wires: SimWire[];
  } {
    const wires: SimWire[] = [];
    const { tap = (bytes: Uint8Array) => bytes, isOnePort, ...conditions } = path;
    const fixedPort = isOnePort ? this.#nextPort++ : undefined;
    const isReliable = kind !== 'datagram';
    const factory: TurnCarrierFactory = {
      open: async (_server, handlers) => {
        const [near, far] = SimWire.pair(
          this.#clock,
          { maxPacketBytes: 65_535, ...conditions },
          seed + wires.length,
        );
        wires.push(near);
        const port = fixedPort ?? this.#nextPort++;
        const socket = isReliable ? this.server.openClientSocket(true) : this.#listener;
        const reply = (bytes: Uint8Array): void => {
          const passed = tap(bytes, false);
          if (passed) far.send(passed, isReliable);
        };
        if (isReliable) this.#clients.set(socket.id, reply);
        else this.#ofPort.set(port, reply);
        const handle = (frame: Uint8Array): void => {
          const seen = typeof host === 'string' ? host : host();
          this.server.handleClient(this.#clock.now(), socket, seen, port, frame.slice());
        };
        const splitter = new StreamSplitter(turnFrameLength, MAX_TURN_FRAME_BYTES);
        far.open({
          onPacket: (bytes) => {
            if (this.isDead) return;
            if (kind === 'stream') splitter.split(bytes, handle);
            else handle(bytes);
            this.pump();
          },
          onWritable: () => {},
          onClosed: () => {
            if (isReliable) this.server.closeClientSocket(this.#clock.now(), socket);
            this.pump();
          },
        });
        near.open({
          onPacket: (bytes) => handlers.onBytes(bytes),
          onWritable: () => {},
          onClosed: (reason) => handlers.onClosed(reason),
        });
        return {
          kind,
          isStale: () => path.isStale?.() ?? false,
          get bufferedBytes() {
            return near.bufferedBytes;
          },
          send: (bytes) => {
            const passed = tap(bytes, true);
            if (passed) near.send(passed, isReliable);
          },
          close: () => near.close(),
        };
      },
    };
    return { factory, wires };
  }

  /** A peer sends to a relayed address. */
  fromPeer(peer: StunAddress, to: StunAddress, bytes: Uint8Array): void {
    const relay = this.opened.find(({ host, port }) => host === to.host && port === to.port);
    if (relay) this.server.handlePeer(this.#clock.now(), relay, peer.host, peer.port, bytes);
    this.pump();
  }

  pump(): void {
    const { server } = this;
    for (let event = server.pollEvent(); event; event = server.pollEvent()) {
      const { relay } = event;
      if (event.type === 'closeRelay') this.opened.splice(this.opened.indexOf(relay), 1);
      else {
        this.opened.push(relay);
        server.handleRelayOpened(this.#clock.now(), relay);
      }
    }
    for (let out = server.pollTransmit(); out; out = server.pollTransmit()) {
      const { socketId, isToClient, host, port, bytes } = out;
      if (this.isDead) continue;
      const toClient = this.#clients.get(socketId) ?? this.#ofPort.get(port);
      if (isToClient) toClient?.(bytes);
      else {
        const relay = this.opened.find(({ id }) => id === socketId);
        if (relay) this.peers.get(`${host} ${port}`)?.(relay, bytes);
      }
    }
    this.#cancelTimer();
    const dueAt = server.pollTimeout();
    if (dueAt === undefined) return;
    this.#cancelTimer = this.#clock.after(dueAt - this.#clock.now(), () => {
      server.handleTimeout(this.#clock.now());
      this.pump();
    });
  }
}

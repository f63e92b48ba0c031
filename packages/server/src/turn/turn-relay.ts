import type { RemoteInfo, Socket } from 'node:dgram';
import type { TlsOptions } from 'node:tls';
import { nodeCrypto, nodeLegacyCrypto } from 'partyline/node';
import {
  type ClientSocket,
  type RelayPort,
  type ShareKind,
  TO_SIBLING,
  TurnServer,
  type TurnServerOptions,
  type TurnStats,
  type TurnTransmit,
  type TurnUsage,
} from 'partyline/protocol/turn-server';
import type { Cancel, Clock } from '../base/index.ts';
import type { ListenAddress } from '../config/index.ts';
import { type Sibling, SiblingTrunk } from './sibling-trunk.ts';
import { StreamClients, type StreamLimits } from './stream-clients.ts';
import type { StreamClient, StreamUser } from './stream-user.ts';
import { bindUdp, openUdp, sendUdp, widen } from './udp-sockets.ts';
import { WebSocketClients } from './web-socket-clients.ts';

export interface TurnRelayOptions {
  readonly clock: Clock;
  /** UDP and TCP; port 0: any free one, the same for both. */
  readonly listen: readonly ListenAddress[];
  /** Default: UDP alone, where TCP of that port is another's. */
  readonly tcp?: 'listen' | 'none';
  /** With it TLS is spoken on the TCP port as well. */
  readonly tls?: TlsOptions | undefined;
  readonly streams?: StreamLimits;
  readonly turn: Omit<TurnServerOptions, 'ownPorts'>;
  /** Ports of this machine, besides our own, that no peer may have. */
  readonly ownPorts?: Iterable<number>;
  onError(error: Error): void;
}

/** A connection and its place in the core. */
interface StreamPlace {
  readonly socket: ClientSocket;
  readonly client: StreamClient;
}

const streamDefaults: StreamLimits = { connections: 10_000, connectionsPerAddress: 200 };

const FREE_PORT_TRIES = 8;

/** The relay while it runs: one core, its sockets, one timer. Knows no rule of TURN. */
export class TurnRelay implements AsyncDisposable {
  readonly #core: TurnServer;
  readonly #clock: Clock;
  readonly #onError: (error: Error) => void;
  readonly #streams: StreamClients<StreamPlace>;
  readonly #webSockets: WebSocketClients<StreamPlace>;
  /** By the ids of the core. */
  readonly #listeners = new Map<number, Socket>();
  readonly #streamClients = new Map<number, StreamClient>();
  readonly #relays = new Map<number, Socket>();
  readonly #opening = new Set<number>();
  readonly #ownPorts: Set<number>;
  #trunk: SiblingTrunk | undefined;
  /** Where peers are sent from, as they see it. */
  readonly hosts: readonly string[];
  #port = 0;
  #isPumping = false;
  #deadlineMs: number | undefined;
  #cancelTimer: Cancel = () => {};
  #closed: Promise<void> | undefined;

  /** @throws NetError `OPTIONS_INVALID`, or the system's error with everything closed again */
  static async open(options: TurnRelayOptions): Promise<TurnRelay> {
    const relay = new TurnRelay(options);
    try {
      await relay.#listen(options);
    } catch (error) {
      await relay.close();
      throw error;
    }
    return relay;
  }

  private constructor({ clock, turn, tls, streams, ownPorts, onError }: TurnRelayOptions) {
    this.#clock = clock;
    this.#onError = onError;
    this.#ownPorts = new Set(ownPorts);
    this.hosts = turn.relays.map(({ host }) => host);
    const options = { ...turn, ownPorts: this.#ownPorts };
    this.#core = new TurnServer({ ...nodeCrypto, ...nodeLegacyCrypto }, options);
    const user = this.#streamUser();
    this.#streams = new StreamClients(user, { clock, limits: streams ?? streamDefaults, tls });
    this.#webSockets = new WebSocketClients(user, clock);
  }

  /** Of UDP, and of TCP when it listens there. */
  get port(): number {
    return this.#port;
  }

  get hasTls(): boolean {
    return this.#streams.isTls;
  }

  /** Connections that another listener accepted: its first byte told that it is TURN. */
  get streams(): Pick<StreamClients<StreamPlace>, 'accept'> {
    return this.#streams;
  }

  /** TURN over WebSockets that another listener accepted. */
  get webSockets(): Pick<WebSocketClients<StreamPlace>, 'accept'> {
    return this.#webSockets;
  }

  stats(): TurnStats & { readonly allocations: number; readonly streams: number } {
    return { ...this.#core.stats(), streams: this.#streams.size + this.#webSockets.size };
  }

  usage(): TurnUsage[] {
    return this.#core.usage();
  }

  /** Ends what a session has allocated. */
  endSession(session: string): void {
    this.#core.endSession(this.#clock.nowMs(), session);
    this.#pump();
  }

  /** Ends what a player has allocated. */
  endPlayer(player: string): void {
    this.#core.endPlayer(this.#clock.nowMs(), player);
    this.#pump();
  }

  /** Where siblings are to send their frames; `undefined` without siblings. */
  get trunkPort(): number | undefined {
    return this.#trunk?.port;
  }

  /** Who relays at the other ports of our addresses, and what all of us listen on. */
  setSiblings(siblings: readonly Sibling[], listening: Iterable<number>): void {
    this.#trunk?.setSiblings(siblings);
    for (const port of listening) this.#ownPorts.add(port);
  }

  /** As the core's. */
  setElsewhere(kind: ShareKind, name: string, allocations: number, places: number): void {
    this.#core.setElsewhere(kind, name, allocations, places);
  }

  reloadTls(options: TlsOptions): void {
    this.#streams.reloadTls(options);
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #listen({ listen, tcp, turn }: TurnRelayOptions): Promise<void> {
    if (turn.siblingPorts) {
      const receive = (frame: Uint8Array): void => {
        this.#core.handleSibling(this.#clock.nowMs(), frame);
        this.#pump();
      };
      this.#trunk = await SiblingTrunk.open(receive, this.#onError);
      this.#ownPorts.add(this.#trunk.port);
    }
    for (const { host, port } of listen) {
      // The second address gets the port that the first was given.
      this.#port = await this.#listenAt(host, port === 0 ? this.#port : port, tcp ?? 'listen');
      this.#ownPorts.add(this.#port);
    }
  }

  /** UDP and TCP on one port. What UDP was given, TCP may have taken: then another is tried. */
  async #listenAt(host: string, wanted: number, tcp: 'listen' | 'none'): Promise<number> {
    for (let tries = wanted === 0 ? FREE_PORT_TRIES : 1; ; tries--) {
      const socket = await this.#listenUdp(host, wanted);
      const { port } = socket.address();
      try {
        if (tcp === 'listen') await this.#streams.listen(host, port);
        return port;
      } catch (error) {
        if (tries === 1) throw error;
        socket.close();
      }
    }
  }

  async #listenUdp(host: string, port: number): Promise<Socket> {
    const place = this.#core.openClientSocket(false);
    const receive = (bytes: Uint8Array, from: RemoteInfo): void => {
      this.#core.handleClient(this.#clock.nowMs(), place, from.address, from.port, bytes);
      this.#pump();
    };
    const socket = await openUdp(host, port, receive, this.#onError);
    widen(socket);
    this.#listeners.set(place.id, socket);
    socket.once('close', () => this.#listeners.delete(place.id));
    return socket;
  }

  #streamUser(): StreamUser<StreamPlace> {
    return {
      opened: (client, framing) => {
        const socket = this.#core.openClientSocket(framing === 'stream');
        this.#streamClients.set(socket.id, client);
        return { socket, client };
      },
      received: ({ socket, client }, frame) => {
        this.#core.handleClient(this.#clock.nowMs(), socket, client.host, client.port, frame);
        this.#pump();
      },
      closed: ({ socket }) => {
        this.#streamClients.delete(socket.id);
        this.#core.closeClientSocket(this.#clock.nowMs(), socket);
        this.#pump();
      },
      isInUse: ({ socket }) => socket.allocations.size > 0,
    };
  }

  /** After each input: what the core wants sent and opened, then its timer. */
  #pump(): void {
    if (this.#isPumping) return; // a socket that fails at once calls back from inside
    this.#isPumping = true;
    try {
      this.#drain();
    } finally {
      this.#isPumping = false;
    }
    const deadlineMs = this.#core.pollTimeout();
    if (deadlineMs !== this.#deadlineMs) this.#arm(deadlineMs);
  }

  #drain(): void {
    const core = this.#core;
    for (let event = core.pollEvent(); event; event = core.pollEvent()) {
      if (event.type === 'openRelay') this.#openRelay(event.relay);
      else this.#closeRelay(event.relay);
    }
    let isHeld = false;
    for (let out = core.pollTransmit(); out; out = core.pollTransmit()) {
      if (this.#transmit(out)) isHeld = true;
    }
    core.settleTransmits(isHeld);
  }

  /** Whether the core's frame may still be here afterwards. A datagram has left, unless its socket has a queue. */
  #transmit({ socketId, isToClient, host, port, bytes }: TurnTransmit): boolean {
    if (isToClient) {
      const listener = this.#listeners.get(socketId);
      if (listener) return sendUdp(listener, bytes, port, host);
      this.#streamClients.get(socketId)?.send(bytes);
      return true;
    }
    if (socketId === TO_SIBLING) return this.#trunk?.send(port, bytes) ?? false;
    this.#relays.get(socketId)?.send(bytes, port, host);
    return false; // what came from a client has memory of its own
  }

  #arm(deadlineMs: number | undefined): void {
    this.#cancelTimer();
    this.#deadlineMs = deadlineMs;
    if (deadlineMs === undefined || this.#closed) return;
    this.#cancelTimer = this.#clock.after(Math.max(0, deadlineMs - this.#clock.nowMs()), () => {
      this.#deadlineMs = undefined;
      this.#core.handleTimeout(this.#clock.nowMs());
      this.#pump();
    });
  }

  #openRelay(relay: RelayPort): void {
    this.#opening.add(relay.id);
    bindUdp(relay.bindHost, relay.port, {
      opened: (socket) => {
        if (!this.#opening.delete(relay.id)) {
          socket.close(); // not wanted any more
          return;
        }
        this.#relays.set(relay.id, socket);
        this.#core.handleRelayOpened(this.#clock.nowMs(), relay);
        this.#pump();
      },
      failed: () => {
        if (!this.#opening.delete(relay.id)) return;
        this.#core.handleRelayFailed(this.#clock.nowMs(), relay);
        this.#pump();
      },
      received: (bytes, from) => {
        this.#core.handlePeer(this.#clock.nowMs(), relay, from.address, from.port, bytes);
        this.#pump();
      },
      onError: this.#onError,
    });
  }

  #closeRelay(relay: RelayPort): void {
    this.#opening.delete(relay.id);
    this.#relays.get(relay.id)?.close();
    this.#relays.delete(relay.id);
  }

  async #closeAll(): Promise<void> {
    this.#cancelTimer();
    this.#trunk?.close();
    await this.#streams.close();
    this.#opening.clear();
    for (const sockets of [this.#listeners, this.#relays]) {
      for (const socket of sockets.values()) socket.close();
      sockets.clear();
    }
  }
}

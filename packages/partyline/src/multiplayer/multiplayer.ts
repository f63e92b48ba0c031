import { DecodeError, Emitter, type Logger, NetError, silentLogger } from '../base/index.ts';
import { Authentication } from './authentication.ts';
import {
  EVERYONE,
  type MultiplayerPeer,
  type PeerId,
  type ReceivedMessage,
  SERVER,
  type TransferMode,
} from './multiplayer-peer.ts';
import type { RpcDefinitions } from './rpc.ts';
import type { RpcObject } from './rpc-object.ts';
import { RpcObjects } from './rpc-objects.ts';
import { decodeMessage, encodeBytes } from './rpc-wire.ts';

/** Godot's signals of `MultiplayerAPI` and `SceneMultiplayer`. */
export type MultiplayerEvents = {
  peerConnected: { readonly id: PeerId };
  peerDisconnected: { readonly id: PeerId; readonly reason: string };
  /** Clients: immediately before `peerConnected` of 1. */
  connectedToServer: undefined;
  /** The peer ended before `connectedToServer`; this or `serverDisconnected`, once. */
  connectionFailed: { readonly reason: string };
  serverDisconnected: { readonly reason: string };
  peerAuthenticating: { readonly id: PeerId };
  peerAuthenticationFailed: { readonly id: PeerId; readonly reason: string };
  /** From `sendBytes`. The bytes are yours to keep. */
  peerPacket: {
    readonly from: PeerId;
    readonly bytes: Uint8Array;
    readonly channel: number;
    readonly mode: TransferMode;
  };
};

/** Receives what the other side passed to `sendAuth`; answers by `sendAuth`, `completeAuth` or `disconnectPeer`. */
export type AuthCallback = (id: PeerId, bytes: Uint8Array) => void;

export interface MultiplayerOptions {
  /** As setting {@link Multiplayer.peer}. */
  readonly peer?: MultiplayerPeer | undefined;
  readonly authCallback?: AuthCallback | undefined;
  /** 0: none. Default 3000 ms, as Godot's `auth_timeout`. */
  readonly authTimeoutMs?: number | undefined;
  /** `onArrival`: handlers run as soon as a message is there. `manual`: when you call `poll()`. Default `onArrival`. */
  readonly polling?: 'onArrival' | 'manual' | undefined;
  /** Default: no logs. */
  readonly logger?: Logger | undefined;
  /** A handler or listener threw. Default: thrown again outside of this call, so that it is seen. */
  readonly onHandlerError?: ((error: unknown) => void) | undefined;
}

/** Calls that were refused or dropped, by cause. */
export interface MultiplayerStats {
  readonly malformed: number;
  /** Rpcs of objects or names that are not here, or are defined otherwise. */
  readonly unknownRpcs: number;
  /** Rpcs that their mode or their `validate` did not allow. */
  readonly refusedRpcs: number;
  /** Messages of peers that are not, or not yet, connected. */
  readonly unexpected: number;
}

/** Rpcs, an auth step and Godot's signals above a {@link MultiplayerPeer}; `SceneMultiplayer` without scenes (docs/multiplayer.md). */
export class Multiplayer {
  readonly #emitter: Emitter<MultiplayerEvents>;
  readonly #onHandlerError: (error: unknown) => void;
  readonly #polling: 'onArrival' | 'manual';
  readonly #authentication = new Authentication();
  readonly #connected = new Set<PeerId>();
  /** Clients the host spoke of before the host itself was authenticated. */
  readonly #early = new Set<PeerId>();
  readonly #rpcs: RpcObjects;
  readonly #stats = { malformed: 0, unexpected: 0 };
  /** Ends the listening to the peer that is set. */
  #listening: AbortController | undefined;
  #peer: MultiplayerPeer | undefined;
  /** `connectedToServer` was said. */
  #wasConnected = false;
  #authCallback: AuthCallback | undefined;
  /** 0: none. Applies to peers that connect from now on. */
  authTimeoutMs: number;

  constructor(options: MultiplayerOptions = {}) {
    this.#onHandlerError = options.onHandlerError ?? throwLater;
    this.#emitter = new Emitter((error) => this.#onHandlerError(error));
    this.#rpcs = new RpcObjects({
      logger: options.logger ?? silentLogger,
      run: (handler) => this.#guard(handler),
      localId: () => this.#connectedPeer().id,
      send: (to, message, channel, mode) => this.#send(to, message, channel, mode),
    });
    this.#polling = options.polling ?? 'onArrival';
    this.authTimeoutMs = options.authTimeoutMs ?? 3000;
    this.#authCallback = options.authCallback;
    if (options.peer) this.peer = options.peer;
  }

  get events(): Pick<Emitter<MultiplayerEvents>, 'on'> {
    return this.#emitter;
  }

  get peer(): MultiplayerPeer | undefined {
    return this.#peer;
  }

  /**
   * Lets go of the one before without closing it and without an event.
   * @throws NetError `OPTIONS_INVALID` when the peer is disconnected
   */
  set peer(peer: MultiplayerPeer | undefined) {
    if (peer?.status === 'disconnected') {
      throw new NetError('OPTIONS_INVALID', 'the peer must be connecting or connected');
    }
    this.#clear();
    this.#peer = peer;
    if (peer) this.#listen(peer);
  }

  /** Set it before the peer connects. While set, a peer that connects is pending until both sides called `completeAuth`. */
  get authCallback(): AuthCallback | undefined {
    return this.#authCallback;
  }

  set authCallback(callback: AuthCallback | undefined) {
    this.#authCallback = callback;
    if (this.#peer) this.#peer.holdIntroductions = callback !== undefined;
  }

  /** Your id; 0 without a peer. */
  get id(): PeerId {
    return this.#peer?.id ?? 0;
  }

  get isServer(): boolean {
    return this.#peer?.id === SERVER;
  }

  /** Connected and authenticated, ascending. */
  get peers(): readonly PeerId[] {
    return [...this.#connected].sort((a, b) => a - b);
  }

  get authenticatingPeers(): readonly PeerId[] {
    return this.#authentication.peers;
  }

  get refuseNewConnections(): boolean {
    return this.#peer?.refuseNewConnections ?? false;
  }

  set refuseNewConnections(refuse: boolean) {
    this.#peerOrThrow().refuseNewConnections = refuse;
  }

  stats(): MultiplayerStats {
    return { ...this.#stats, ...this.#rpcs.stats() };
  }

  /**
   * Something with rpcs, known to all peers by the same path.
   * @throws NetError `OPTIONS_INVALID` when the path is taken, or by more than 256 rpcs
   */
  object<D extends RpcDefinitions>(path: string, definitions: D): RpcObject<D> {
    return this.#rpcs.add(path, definitions);
  }

  /** Runs the handlers of all that has arrived; needed with `polling: 'manual'` only. */
  poll(): void {
    const peer = this.#peer;
    if (!peer) return;
    for (let m = peer.receive(); m; m = peer.receive()) {
      this.#handle(m);
      if (this.#peer !== peer) return; // a handler took it away
    }
  }

  /**
   * Raw bytes, as `peerPacket` there. Default: to everyone, reliable, channel 0.
   * @throws NetError `PEER_UNSET`, `PEER_NOT_CONNECTED`, and what `MultiplayerPeer.send` throws
   */
  sendBytes(
    bytes: Uint8Array,
    options: { to?: PeerId; mode?: TransferMode; channel?: number } = {},
  ): void {
    const { to = EVERYONE, mode = 'reliable', channel = 0 } = options;
    this.#send(to, encodeBytes('bytes', bytes), channel, mode);
  }

  /** To a peer in `authenticatingPeers`. @throws NetError `PEER_UNKNOWN`; `RPC_ARGUMENTS` on no bytes, or after `completeAuth` */
  sendAuth(id: PeerId, bytes: Uint8Array): void {
    if (!this.#authentication.has(id)) throw unknownPeer(id);
    if (bytes.length === 0) throw new NetError('RPC_ARGUMENTS', 'sendAuth needs bytes');
    if (this.#authentication.isLocalComplete(id)) {
      throw new NetError('RPC_ARGUMENTS', 'completeAuth was called for this peer');
    }
    this.#peerOrThrow().send(id, encodeBytes('auth', bytes));
  }

  /** This side is satisfied. The peer connects when the other side is, too. @throws NetError `PEER_UNKNOWN` */
  completeAuth(id: PeerId): void {
    if (!this.#authentication.has(id)) throw unknownPeer(id);
    if (this.#authentication.isLocalComplete(id)) return;
    this.#peerOrThrow().send(id, encodeBytes('auth', new Uint8Array(0)));
    if (this.#authentication.complete(id, 'local')) this.#admit(id);
  }

  /** Ends a peer's connection; the other side hears the reason. As in Godot, no `peerDisconnected` here. @throws NetError `PEER_UNKNOWN` */
  disconnectPeer(id: PeerId, reason?: string): void {
    const peer = this.#peerOrThrow();
    if (this.#authentication.has(id)) {
      peer.disconnectPeer(id, reason); // its end is peerAuthenticationFailed
      return;
    }
    if (!this.#connected.delete(id)) throw unknownPeer(id);
    try {
      peer.disconnectPeer(id, reason);
    } catch (error) {
      this.#connected.add(id); // a client cannot disconnect another one
      throw error;
    }
  }

  #listen(peer: MultiplayerPeer): void {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    if (peer.id === SERVER) peer.holdIntroductions = this.#authCallback !== undefined;
    peer.events.on('peerConnected', ({ id }) => this.#handleConnected(peer, id), { signal });
    peer.events.on('peerDisconnected', ({ id, reason }) => this.#handleGone(id, reason), {
      signal,
    });
    peer.events.on(
      'statusChanged',
      ({ status, reason }) => {
        if (status === 'disconnected') this.#handleEnd(peer, reason ?? '');
      },
      { signal },
    );
    if (this.#polling === 'onArrival') peer.events.on('readable', () => this.poll(), { signal });
    for (const id of peer.peers) {
      this.#handleConnected(peer, id);
      if (this.#peer !== peer) return; // a listener let go of it
    }
    if (this.#polling === 'onArrival') this.poll(); // what came before us
  }

  /** In a star only client and server authenticate each other, clients know each other by the server; in a mesh all do. */
  #handleConnected(peer: MultiplayerPeer, id: PeerId): void {
    const isDirect = !hasServer(peer) || peer.id === SERVER || id === SERVER;
    if (!isDirect && !this.#connected.has(SERVER)) {
      this.#early.add(id);
      return;
    }
    if (!isDirect || this.#authCallback === undefined) {
      this.#admit(id);
      return;
    }
    this.#authentication.start(id, peer.scheduler, this.authTimeoutMs, () => {
      const reason = 'authentication timed out';
      this.#authentication.end(id);
      this.#emitter.emit('peerAuthenticationFailed', { id, reason });
      if (this.#peer === peer && peer.peers.includes(id)) peer.disconnectPeer(id, reason);
    });
    this.#emitter.emit('peerAuthenticating', { id });
  }

  #admit(id: PeerId): void {
    const peer = this.#peer;
    if (!peer || this.#connected.has(id)) return;
    this.#connected.add(id);
    if (id === SERVER) {
      this.#wasConnected = true;
      this.#emitter.emit('connectedToServer', undefined);
      if (this.#peer !== peer || !this.#connected.has(id)) return; // a listener let go of it
    }
    this.#emitter.emit('peerConnected', { id });
    if (this.#peer !== peer) return;
    if (peer.id === SERVER && this.#connected.has(id)) peer.introduce(id);
    if (id !== SERVER) return;
    for (const early of [...this.#early].sort((a, b) => a - b)) {
      if (this.#early.delete(early)) this.#admit(early);
    }
  }

  #handleGone(id: PeerId, reason: string): void {
    this.#early.delete(id);
    if (this.#authentication.end(id)) {
      this.#emitter.emit('peerAuthenticationFailed', { id, reason });
    } else if (this.#connected.delete(id)) {
      this.#emitter.emit('peerDisconnected', { id, reason });
    }
  }

  #handleEnd(peer: MultiplayerPeer, reason: string): void {
    const wasConnected = !hasServer(peer) || peer.id === SERVER || this.#wasConnected;
    this.#clear();
    this.#emitter.emit(wasConnected ? 'serverDisconnected' : 'connectionFailed', { reason });
  }

  #clear(): void {
    this.#listening?.abort();
    this.#listening = undefined;
    this.#authentication.clear();
    this.#connected.clear();
    this.#early.clear();
    this.#wasConnected = false;
  }

  #handle(message: ReceivedMessage): void {
    const { from } = message;
    try {
      const decoded = decodeMessage(message.bytes);
      if (decoded.type === 'auth') this.#handleAuth(from, decoded.bytes);
      else if (!this.#connected.has(from)) this.#stats.unexpected++;
      else if (decoded.type === 'rpc') this.#rpcs.handle(from, decoded);
      else {
        const { channel, mode } = message;
        this.#emitter.emit('peerPacket', { from, bytes: decoded.bytes, channel, mode });
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#stats.malformed++;
    }
  }

  #handleAuth(from: PeerId, bytes: Uint8Array): void {
    if (!this.#authentication.has(from)) this.#stats.unexpected++;
    else if (bytes.length > 0) this.#guard(() => this.#authCallback?.(from, bytes));
    else if (this.#authentication.complete(from, 'remote')) this.#admit(from);
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#onHandlerError(error);
    }
  }

  #send(to: PeerId, message: Uint8Array, channel: number, mode: TransferMode): void {
    const peer = this.#connectedPeer();
    const options = { channel, mode };
    if (to > EVERYONE && !this.#connected.has(to)) throw unknownPeer(to);
    if (to > EVERYONE || this.#authentication.isEmpty) {
      peer.send(to, message, options);
      return;
    }
    // Those who are not authenticated yet must not hear it.
    for (const id of this.#connected) if (id !== -to) peer.send(id, message, options);
  }

  #peerOrThrow(): MultiplayerPeer {
    if (!this.#peer) throw new NetError('PEER_UNSET', 'set multiplayer.peer first');
    return this.#peer;
  }

  #connectedPeer(): MultiplayerPeer {
    const peer = this.#peerOrThrow();
    const isThere = peer.status === 'connected' && this.#listening !== undefined;
    const isFree = !hasServer(peer) || peer.id === SERVER || this.#connected.has(SERVER);
    if (isThere && isFree) return peer;
    throw new NetError('PEER_NOT_CONNECTED', 'not connected to the host');
  }
}

/** A mesh is connected without one. */
function hasServer(peer: MultiplayerPeer): boolean {
  return peer.isServerRelaySupported;
}

function unknownPeer(id: PeerId): NetError {
  return new NetError('PEER_UNKNOWN', `no peer ${id} is connected`);
}

function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

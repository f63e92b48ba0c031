import {
  DecodeError,
  type Emitter,
  type Logger,
  NetError,
  type Scheduler,
  silentLogger,
} from '../base/index.ts';
import type { LobbyMember } from '../client/index.ts';
import {
  type ConnectionStatus,
  type MultiplayerPeer,
  type MultiplayerPeerEvents,
  type PeerId,
  type PeerStats,
  type ReceivedMessage,
  SERVER,
  type SendOptions,
} from '../multiplayer/index.ts';
import type { MemberId } from '../signaling/index.ts';
import type { LinkedPeer } from './linked-peer.ts';
import { LobbyMesh } from './lobby-mesh.ts';
import { LobbyStar } from './lobby-star.ts';
import type { LobbyTopology } from './lobby-topology.ts';
import type { WireTiming } from './member-wires.ts';
import type { PeerEnvironment, PeerLobby } from './peer-environment.ts';

export interface LobbyPeerOptions {
  /**
   * `star`: the owner is the host, through whom all play. `mesh`: each member has a link to every
   * other one, and a change of owner changes nothing. The same for all members. Default `star`.
   */
  readonly topology?: 'star' | 'mesh' | undefined;
  /** As {@link LinkedPeerOptions.schema}; make it with `rpcSchema()`. Default '': not compared. */
  readonly schema?: string | undefined;
  /** Until the host is connected, in milliseconds. Clients of a star only. Default 20,000. */
  readonly timeoutMs?: number | undefined;
  /** Which wires may be used. Default all that both sides have. */
  readonly wires?: readonly ('gns' | 'webrtc' | 'relay')[] | undefined;
  /** Aborting rejects the call with its reason, and closes the peer later on. */
  readonly signal?: AbortSignal | undefined;
  /** Default: no logs. */
  readonly logger?: Logger | undefined;
  readonly timing?: Partial<WireTiming> | undefined;
}

export const LOBBY_PEER_TIMEOUT_MS = 20_000;

/**
 * The game's peer in a lobby, as a star or a mesh: its members connect over the best wire that
 * opens, who leaves or is kicked is disconnected (docs/states/peer.md).
 */
export class LobbyPeer implements MultiplayerPeer {
  readonly #lobby: PeerLobby;
  readonly #options: LobbyPeerOptions;
  readonly #logger: Logger;
  readonly #peer: LinkedPeer;
  readonly #topology: LobbyTopology;
  /** Ends the listening to the lobby. */
  readonly #listening = new AbortController();
  #closing: Promise<void> | undefined;

  /**
   * A host's and a mesh's at once; a client's when the host has admitted it.
   * Rejects with `LOBBY_CLOSED` (also when it ends meanwhile), `PEER_CONNECT_FAILED`, `PEER_CONNECT_TIMEOUT`, `OPTIONS_INVALID`, or the reason of an aborted signal; then everything is released.
   */
  static async open(
    lobby: PeerLobby,
    environment: PeerEnvironment,
    options: LobbyPeerOptions = {},
  ): Promise<LobbyPeer> {
    const { timeoutMs = LOBBY_PEER_TIMEOUT_MS } = options;
    if (!(timeoutMs > 0)) {
      throw new NetError('OPTIONS_INVALID', `timeoutMs: milliseconds, over 0, not ${timeoutMs}`);
    }
    options.signal?.throwIfAborted();
    if (lobby.isClosed) throw new NetError('LOBBY_CLOSED', 'you are not in this lobby any more');
    const peer = new LobbyPeer(lobby, environment, options);
    peer.#start();
    try {
      await peer.#connected();
      return peer;
    } catch (error) {
      await peer.close('not connected in time');
      throw error;
    }
  }

  private constructor(lobby: PeerLobby, environment: PeerEnvironment, options: LobbyPeerOptions) {
    this.#lobby = lobby;
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    const Topology = options.topology === 'mesh' ? LobbyMesh : LobbyStar;
    this.#topology = new Topology({
      lobby,
      environment,
      logger: this.#logger,
      schema: options.schema,
      wires: options.wires ?? ['gns', 'webrtc', 'relay'],
      timing: options.timing,
      onOver: (reason) => void this.close(reason),
    });
    this.#peer = this.#topology.peer;
  }

  get id(): PeerId {
    return this.#peer.id;
  }
  get isServerRelaySupported(): boolean {
    return this.#peer.isServerRelaySupported;
  }
  get status(): ConnectionStatus {
    return this.#peer.status;
  }
  get scheduler(): Scheduler {
    return this.#peer.scheduler;
  }
  get peers(): readonly PeerId[] {
    return this.#peer.peers;
  }
  get maxMessageBytes(): number {
    return this.#peer.maxMessageBytes;
  }
  get refuseNewConnections(): boolean {
    return this.#peer.refuseNewConnections;
  }
  set refuseNewConnections(refuse: boolean) {
    this.#peer.refuseNewConnections = refuse;
  }
  get holdIntroductions(): boolean {
    return this.#peer.holdIntroductions;
  }
  set holdIntroductions(hold: boolean) {
    this.#peer.holdIntroductions = hold;
  }
  get events(): Pick<Emitter<MultiplayerPeerEvents>, 'on'> {
    return this.#peer.events;
  }

  send(to: PeerId, bytes: Uint8Array, options?: SendOptions): void {
    this.#peer.send(to, bytes, options);
  }

  receive(): ReceivedMessage | undefined {
    return this.#peer.receive();
  }

  bufferedBytes(to: PeerId): number {
    return this.#peer.bufferedBytes(to);
  }

  disconnectPeer(id: PeerId, reason?: string): void {
    this.#peer.disconnectPeer(id, reason);
  }

  introduce(id: PeerId): void {
    this.#peer.introduce(id);
  }

  stats(id: PeerId): PeerStats | undefined {
    return this.#peer.stats(id);
  }

  /** The lobby's member behind a peer; who left is still known. */
  memberOf(id: PeerId): LobbyMember | undefined {
    return this.#topology.memberOf(id);
  }

  /** What was tried to reach a peer, and how it went; for people. Empty for peers without a link of their own. */
  explain(id: PeerId): string {
    return this.#topology.explain(id);
  }

  close(reason = 'closed'): Promise<void> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(reason: string): Promise<void> {
    this.#listening.abort();
    this.#topology.pause();
    await this.#peer.close(reason); // the reason leaves by the wires
    this.#topology.stop();
  }

  #start(): void {
    const { signal } = this.#listening;
    const options = { signal };
    const { events, signaling } = this.#lobby;
    const topology = this.#topology;
    events.on('memberJoined', ({ member }) => topology.handleJoined(member), options);
    events.on(
      'memberLeft',
      ({ member, cause, reason }) => {
        topology.handleLeft(member, reason || (cause === 'left' ? 'left the lobby' : cause));
      },
      options,
    );
    events.on('memberDisconnected', ({ member }) => topology.handleDropped(member), options);
    events.on('memberReconnected', ({ member }) => topology.handleReturned(member), options);
    events.on('ownerChanged', () => topology.handleOwnerChanged(), options);
    const over = ({ code, reason }: { code: string; reason: string }): void =>
      void this.close(reason || `lobby ${code}`);
    events.on('closed', over, options);
    const heard = ({ from, payload }: { from: MemberId; payload: Uint8Array }): void =>
      this.#handleSignal(from, payload);
    signaling.events.on('signal', heard, options);
    this.#peer.events.on(
      'statusChanged',
      ({ status, reason }) => {
        if (status === 'disconnected') void this.close(reason);
      },
      options,
    );
    const abort = (): void => void this.close('aborted');
    this.#options.signal?.addEventListener('abort', abort, options);
    topology.start();
  }

  /** Settles when the status leaves `connecting`. */
  #connected(): Promise<void> {
    const { signal, timeoutMs = LOBBY_PEER_TIMEOUT_MS } = this.#options;
    return new Promise((resolve, reject) => {
      const settled = new AbortController();
      const settle = (error?: unknown): void => {
        settled.abort();
        if (error === undefined) resolve();
        else reject(error);
      };
      if (this.status === 'connected') {
        settle();
        return;
      }
      const cancel = this.scheduler.after(timeoutMs, () => {
        const message = `the host did not answer in ${timeoutMs} ms (${this.explain(SERVER)})`;
        settle(new NetError('PEER_CONNECT_TIMEOUT', message));
      });
      settled.signal.addEventListener('abort', cancel);
      const changed = ({ status, reason }: MultiplayerPeerEvents['statusChanged']): void => {
        if (status === 'connected') settle();
        else settle(signal?.aborted ? signal.reason : this.#failure(reason ?? ''));
      };
      this.#peer.events.on('statusChanged', changed, { signal: settled.signal });
      signal?.addEventListener('abort', () => settle(signal.reason), { signal: settled.signal });
      if (this.status === 'disconnected') settle(this.#failure('closed'));
    });
  }

  #failure(reason: string): NetError {
    if (this.#lobby.isClosed) return new NetError('LOBBY_CLOSED', reason);
    return new NetError('PEER_CONNECT_FAILED', this.#topology.failure(reason));
  }

  #handleSignal(from: MemberId, payload: Uint8Array): void {
    try {
      this.#topology.handleSignal(from, payload);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#logger.debug({ from }, 'malformed signal');
    }
  }
}

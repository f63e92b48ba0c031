import {
  type Cancel,
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
import { ClientPeer } from './client-peer.ts';
import { EpochMembers } from './epoch-members.ts';
import { HostPeer } from './host-peer.ts';
import { decodeKnock, encodeKnock } from './knock.ts';
import { MemberLinks } from './member-links.ts';
import type { WireTiming } from './member-wires.ts';
import type { PeerEnvironment, PeerLobby } from './peer-environment.ts';
import type { StarPeerOptions } from './star-peer.ts';

export interface LobbyPeerOptions {
  /** As {@link StarPeerOptions.schema}; make it with `rpcSchema()`. Default '': not compared. */
  readonly schema?: string | undefined;
  /** Until the host is connected, in milliseconds. Clients only. Default 20,000. */
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
/** Between two knocks of a client that is not admitted yet, in milliseconds; signals get lost. */
const KNOCK_INTERVAL_MS = 2000;

/**
 * The game's peer for one epoch of a lobby: the owner is the host, the others its clients. Who is a
 * connected member may connect, over the best wire that opens; who leaves, drops out or is kicked is
 * disconnected; a new owner ends it for everybody (docs/states/peer.md).
 */
export class LobbyPeer implements MultiplayerPeer {
  readonly #lobby: PeerLobby;
  readonly #options: LobbyPeerOptions;
  readonly #logger: Logger;
  readonly #epoch: number;
  readonly #peer: HostPeer | ClientPeer;
  readonly #links: MemberLinks;
  readonly #members: EpochMembers;
  readonly #incarnation: number;
  #cancelKnock: Cancel | undefined;
  /** Ends the listening to the lobby. */
  readonly #listening = new AbortController();
  #closing: Promise<void> | undefined;

  /**
   * The host's at once; a client's when the host has admitted it.
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
    const { crypto, scheduler } = environment;
    this.#lobby = lobby;
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#epoch = lobby.epoch;
    const starOptions: StarPeerOptions = {
      scheduler,
      logger: this.#logger,
      schema: options.schema,
    };
    this.#peer = lobby.isOwner
      ? new HostPeer(starOptions)
      : new ClientPeer(lobby.me.peer, starOptions);
    this.#incarnation = new DataView(crypto.randomBytes(4).buffer).getUint32(0) || 1;
    this.#members = new EpochMembers(lobby);
    this.#links = new MemberLinks({
      lobby,
      environment,
      star: this.#peer,
      logger: this.#logger,
      wires: options.wires ?? ['gns', 'webrtc', 'relay'],
      timing: options.timing,
      onRelayWanted: (member) => this.#sendKnock(member, true),
    });
  }

  get id(): PeerId {
    return this.#peer.id;
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

  /** The lobby's member behind a peer of this epoch; who left is still known. */
  memberOf(id: PeerId): LobbyMember | undefined {
    return this.#members.get(id);
  }

  /** What was tried to reach a peer, and how it went; for people. Empty for peers without a link of their own. */
  explain(id: PeerId): string {
    return this.#links.explain(id);
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
    this.#cancelKnock?.();
    await this.#peer.close(reason); // the reason leaves by the wires
    this.#links.stop();
  }

  #start(): void {
    const { signal } = this.#listening;
    const { events, signaling } = this.#lobby;
    events.on('memberJoined', ({ member }) => this.#members.add(member), { signal });
    const gone = ({ member, reason }: { member: LobbyMember; reason?: string }): void =>
      this.#handleGone(member, reason || 'left the lobby');
    events.on(
      'memberLeft',
      ({ member, cause, reason }) => {
        gone({ member, reason: reason || (cause === 'left' ? '' : cause) });
      },
      { signal },
    );
    events.on(
      'memberDisconnected',
      ({ member }) => {
        gone({ member, reason: 'lost the connection to the server' });
      },
      { signal },
    );
    events.on('ownerChanged', () => this.#handleOwnerChanged(), { signal });
    events.on('closed', ({ code, reason }) => void this.close(reason || `lobby ${code}`), {
      signal,
    });
    signaling.events.on('signal', ({ from, payload }) => this.#handleSignal(from, payload), {
      signal,
    });
    this.#peer.events.on(
      'statusChanged',
      ({ status, reason }) => {
        if (status === 'disconnected') void this.close(reason);
      },
      { signal },
    );
    const abort = (): void => void this.close('aborted');
    this.#options.signal?.addEventListener('abort', abort, { signal });
    if (this.#peer instanceof ClientPeer) this.#links.open(this.#lobby.owner, SERVER, 0);
    this.#knock();
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
    const evidence = this.explain(SERVER);
    const message = this.#links.isHopeless ? `no wire to the host (${evidence})` : reason;
    return new NetError('PEER_CONNECT_FAILED', message);
  }

  /** A client says that it is there until it is admitted; a host waits to be asked. */
  #knock(): void {
    if (this.status !== 'connecting') return;
    const host = this.#lobby.owner.id;
    this.#sendKnock(host, this.#links.get(host)?.wires.wantsRelay ?? false);
    this.#cancelKnock = this.scheduler.after(KNOCK_INTERVAL_MS, () => this.#knock());
  }

  #sendKnock(to: MemberId, wantsRelay: boolean): void {
    const knock = encodeKnock({ incarnation: this.#incarnation, wantsRelay });
    this.#lobby.signaling.send(to, knock);
  }

  #handleSignal(from: MemberId, payload: Uint8Array): void {
    try {
      const knock = decodeKnock(payload);
      if (!knock) this.#links.get(from)?.wires.handleSignal(payload);
      else this.#handleKnock(from, knock.incarnation, knock.wantsRelay);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#logger.debug({ from }, 'malformed signal');
    }
  }

  #handleKnock(from: MemberId, incarnation: number, wantsRelay: boolean): void {
    const member = this.#lobby.member(from);
    const isNew = this.#links.get(from)?.incarnation !== incarnation;
    if (this.#peer instanceof HostPeer && member?.connected && isNew) {
      this.#links.reopen(member, incarnation);
    }
    if (wantsRelay) this.#links.get(from)?.wires.wantRelay();
  }

  #handleGone(member: LobbyMember, reason: string): void {
    if (!this.#lobby.member(member.id)) this.#links.forget(member.id);
    const link = this.#links.get(member.id);
    if (!link) return;
    if (link.peer === SERVER) void this.close('host left');
    else this.#peer.closeLink(link.peer, reason);
  }

  #handleOwnerChanged(): void {
    if (this.#lobby.epoch === this.#epoch) return;
    const wasHost = this.#peer instanceof HostPeer;
    void this.close(wasHost ? 'the lobby has another host' : 'host left');
  }
}

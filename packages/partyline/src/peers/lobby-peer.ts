import {
  type Cancel,
  DecodeError,
  type Emitter,
  type Logger,
  type Millis,
  NetError,
  type Scheduler,
  silentLogger,
} from '../base/index.ts';
import type { Lobby, LobbyMember, SocketFactory } from '../client/index.ts';
import type { Crypto, SealingCrypto } from '../crypto/index.ts';
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
import { type PeerConnectionLike, WebRtcSession } from '../webrtc/index.ts';
import { ClientPeer } from './client-peer.ts';
import { HostPeer } from './host-peer.ts';
import { decodeKnock, encodeKnock } from './knock.ts';
import { MemberWires, type WireTiming, wireTiming } from './member-wires.ts';
import { RelayLine } from './relay-line.ts';
import type { StarPeerOptions } from './star-peer.ts';

/** What a peer needs of its lobby. */
export type PeerLobby = Pick<
  Lobby,
  | 'id'
  | 'app'
  | 'epoch'
  | 'me'
  | 'owner'
  | 'isOwner'
  | 'isClosed'
  | 'members'
  | 'member'
  | 'events'
  | 'signaling'
  | 'relayUrl'
  | 'relayTicket'
  | 'identityOf'
  | 'sign'
>;

/** What the shells give: the machine. */
export interface PeerEnvironment {
  readonly crypto: Crypto;
  readonly scheduler: Scheduler;
  readonly sockets: SocketFactory;
  /** Called when the relay is needed for the first time. */
  readonly loadSealing: () => Promise<SealingCrypto>;
  /** `undefined` where there is no WebRTC. */
  readonly createPeerConnection: (() => PeerConnectionLike) | undefined;
}

export interface LobbyPeerOptions {
  /** As {@link StarPeerOptions.schema}; make it with `rpcSchema()`. Default '': not compared. */
  readonly schema?: string | undefined;
  /** Until the host is connected, in milliseconds. Clients only. Default 20,000. */
  readonly timeoutMs?: number | undefined;
  /** Which wires may be used. Default all that both sides have. */
  readonly wires?: readonly ('webrtc' | 'relay')[] | undefined;
  /** Aborting rejects the call with its reason, and closes the peer later on. */
  readonly signal?: AbortSignal | undefined;
  /** Default: no logs. */
  readonly logger?: Logger | undefined;
  readonly timing?: Partial<WireTiming> | undefined;
}

export const LOBBY_PEER_TIMEOUT_MS = 20_000;
/** Between two knocks of a client that is not admitted yet, in milliseconds; signals get lost. */
const KNOCK_INTERVAL_MS = 2000;
/** A member gets new wires at most so often, in milliseconds: peer connections are not free. */
const REOPEN_SPACING_MS = 1000;

interface Entry {
  readonly member: MemberId;
  readonly peer: PeerId;
  /** Of the other side's peer; 0 until it knocked. */
  readonly incarnation: number;
  readonly wires: MemberWires;
}

/**
 * The game's peer for one epoch of a lobby: the owner is the host, the others its clients. Who is a
 * connected member may connect, over the best wire that opens; who leaves, drops out or is kicked is
 * disconnected; a new owner ends it for everybody (docs/states/peer.md).
 */
export class LobbyPeer implements MultiplayerPeer {
  readonly #lobby: PeerLobby;
  readonly #environment: PeerEnvironment;
  readonly #options: LobbyPeerOptions;
  readonly #logger: Logger;
  readonly #epoch: number;
  readonly #peer: HostPeer | ClientPeer;
  readonly #relay: RelayLine;
  readonly #incarnation: number;
  readonly #entries = new Map<MemberId, Entry>();
  /** When each member got wires last. */
  readonly #openedAt = new Map<MemberId, Millis>();
  #cancelKnock: Cancel | undefined;
  /** Ends the listening to the lobby. */
  readonly #listening = new AbortController();
  /** How the ways to the host went, kept for the error when they are gone. */
  #evidence = '';
  #hopeless = false;
  #closing: Promise<void> | undefined;

  /**
   * The host's at once; a client's when the host has admitted it.
   * Rejects with `LOBBY_CLOSED`, `PEER_CONNECT_FAILED`, `PEER_CONNECT_TIMEOUT`, or the reason of an aborted signal; then everything is released.
   */
  static async open(
    lobby: PeerLobby,
    environment: PeerEnvironment,
    options: LobbyPeerOptions = {},
  ): Promise<LobbyPeer> {
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
    this.#environment = environment;
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
    this.#relay = this.#createRelay();
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

  /** The lobby's member behind a peer of this epoch. */
  memberOf(id: PeerId): LobbyMember | undefined {
    return this.#lobby.members.find((member) => member.peer === id);
  }

  /** What was tried to reach a peer, and how it went; for people. Empty for peers without a link of their own. */
  explain(id: PeerId): string {
    for (const { peer, wires } of this.#entries.values()) if (peer === id) return wires.evidence;
    return id === SERVER ? this.#evidence : '';
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
    for (const { wires } of this.#entries.values()) wires.stop();
    this.#entries.clear();
    this.#relay.close();
  }

  #createRelay(): RelayLine {
    const { crypto, scheduler, sockets, loadSealing } = this.#environment;
    const lobby = this.#lobby;
    return new RelayLine({
      url: lobby.relayUrl,
      sockets,
      scheduler,
      crypto,
      loadSealing,
      logger: this.#logger,
      scope: { app: lobby.app, lobby: lobby.id, epoch: this.#epoch, local: lobby.me.id },
      ticket: () => lobby.relayTicket(),
      sign: (envelope) => lobby.sign(envelope),
      keyOf: (member) => lobby.identityOf(member).publicKey,
    });
  }

  #start(): void {
    const { signal } = this.#listening;
    const { events, signaling } = this.#lobby;
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
    if (this.#peer instanceof ClientPeer) this.#openMember(this.#lobby.owner, SERVER, 0);
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
    const evidence = this.explain(SERVER);
    const message = this.#hopeless ? `no wire to the host (${evidence})` : reason;
    return new NetError('PEER_CONNECT_FAILED', message);
  }

  /** A client says that it is there until it is admitted; a host waits to be asked. */
  #knock(): void {
    if (this.status !== 'connecting') return;
    const host = this.#lobby.owner.id;
    this.#sendKnock(host, this.#entries.get(host)?.wires.wantsRelay ?? false);
    this.#cancelKnock = this.scheduler.after(KNOCK_INTERVAL_MS, () => this.#knock());
  }

  #sendKnock(to: MemberId, wantsRelay: boolean): void {
    const knock = encodeKnock({ incarnation: this.#incarnation, wantsRelay });
    this.#lobby.signaling.send(to, knock);
  }

  #handleSignal(from: MemberId, payload: Uint8Array): void {
    try {
      const knock = decodeKnock(payload);
      if (!knock) this.#entries.get(from)?.wires.handleSignal(payload);
      else this.#handleKnock(from, knock.incarnation, knock.wantsRelay);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#logger.debug({ from }, 'malformed signal');
    }
  }

  #handleKnock(from: MemberId, incarnation: number, wantsRelay: boolean): void {
    const member = this.#lobby.member(from);
    let entry = this.#entries.get(from);
    const isNew = member?.connected && entry?.incarnation !== incarnation;
    if (this.#peer instanceof HostPeer && isNew && this.#mayReopen(from)) {
      if (entry) this.#endEntry(entry, 'connected anew');
      this.#openMember(member, member.peer, incarnation);
      entry = this.#entries.get(from);
    }
    if (wantsRelay) entry?.wires.wantRelay();
  }

  #mayReopen(member: MemberId): boolean {
    const now = this.scheduler.now();
    const last = this.#openedAt.get(member);
    if (last !== undefined && now - last < REOPEN_SPACING_MS) return false;
    this.#openedAt.set(member, now);
    return true;
  }

  #openMember(member: LobbyMember, peer: PeerId, incarnation: number): void {
    const wires = this.#createWires(member, peer);
    const entry: Entry = { member: member.id, peer, incarnation, wires };
    this.#entries.set(member.id, entry);
    this.#peer.openLink(peer, {
      onEnded: () => {
        if (peer === SERVER) this.#evidence = wires.evidence;
      },
      onReleased: () => {
        wires.stop();
        if (this.#entries.get(member.id) === entry) this.#entries.delete(member.id);
      },
    });
    wires.start();
  }

  /** At once: the same member is about to get new wires. */
  #endEntry({ member, peer, wires }: Entry, reason: string): void {
    this.#entries.delete(member);
    this.#peer.closeLink(peer, reason);
    wires.stop();
  }

  #createWires({ id, capabilities }: LobbyMember, peer: PeerId): MemberWires {
    const { scheduler, createPeerConnection } = this.#environment;
    const { wires, timing } = this.#options;
    const both = (kind: 'webrtc' | 'relay'): boolean =>
      (wires?.includes(kind) ?? true) &&
      capabilities.includes(kind) &&
      this.#lobby.me.capabilities.includes(kind);
    const canWebRtc = createPeerConnection !== undefined && both('webrtc');
    return new MemberWires({
      member: id,
      scheduler,
      logger: this.#logger,
      timing: { ...wireTiming, ...timing },
      openWebRtc: canWebRtc
        ? (handlers) => this.#openWebRtc(id, createPeerConnection, handlers)
        : undefined,
      relay: both('relay') ? this.#relay : undefined,
      handlersFor: (wire) => this.#peer.wireHandlers(peer, wire),
      attach: (wire) => this.#peer.attach(peer, wire),
      onRelayWanted: () => this.#sendKnock(id, true),
      onHopeless: () => {
        this.#hopeless = true;
        this.#peer.closeLink(peer, 'no wire is left');
      },
    });
  }

  #openWebRtc(
    remote: MemberId,
    createPeerConnection: () => PeerConnectionLike,
    handlers: ConstructorParameters<typeof WebRtcSession>[0]['handlers'],
  ): WebRtcSession {
    const { crypto, scheduler } = this.#environment;
    const { app, id, identityOf, me, signaling } = this.#lobby;
    return new WebRtcSession({
      context: {
        app,
        lobby: id,
        epoch: this.#epoch,
        local: me.id,
        remote,
        remoteKey: identityOf.call(this.#lobby, remote).publicKey,
      },
      sign: (bytes) => this.#lobby.sign(bytes),
      crypto,
      scheduler,
      createPeerConnection,
      sendSignal: (payload) => signaling.send(remote, payload),
      handlers,
      logger: this.#logger,
    });
  }

  #handleGone(member: LobbyMember, reason: string): void {
    if (!this.#lobby.member(member.id)) this.#openedAt.delete(member.id);
    const entry = this.#entries.get(member.id);
    if (!entry) return;
    if (entry.peer === SERVER) void this.close('host left');
    else this.#peer.closeLink(entry.peer, reason);
  }

  #handleOwnerChanged(): void {
    if (this.#lobby.epoch === this.#epoch) return;
    const wasHost = this.#peer instanceof HostPeer;
    void this.close(wasHost ? 'the lobby has another host' : 'host left');
  }
}

import {
  type Cancel,
  DecodeError,
  deferred,
  Emitter,
  type Logger,
  NetError,
  type Scheduler,
  silentLogger,
  utf8,
} from '../base/index.ts';
import {
  type ConnectionStatus,
  EVERYONE,
  MAX_CHANNEL,
  type MultiplayerPeer,
  type MultiplayerPeerEvents,
  type PeerId,
  type PeerStats,
  type ReceivedMessage,
  SERVER,
  type SendOptions,
  type WireKind,
} from '../multiplayer/index.ts';
import { Inbox } from './inbox.ts';
import { Link, type LinkHandlers } from './link.ts';
import type { MessageHeader } from './link-frames.ts';
import { type LinkLimits, linkLimits } from './link-limits.ts';
import type { LinkMessage } from './link-receiver.ts';
import {
  decodeStarMessage,
  encodeStarMessage,
  MAX_SCHEMA_BYTES,
  type StarMessage,
} from './star-messages.ts';
import type { Wire, WireHandlers } from './wire.ts';

export interface LinkedPeerOptions {
  readonly scheduler: Scheduler;
  /** Default: no logs. */
  readonly logger?: Logger | undefined;
  /**
   * What all must agree on, as `rpcSchema()` makes it: who has another one is refused, with a
   * readable reason. At most 64 bytes. Default '': not compared.
   */
  readonly schema?: string | undefined;
  readonly limits?: Partial<LinkLimits> | undefined;
  /** A listener of the game threw. Default: thrown again outside of this call, so that it is seen. */
  readonly onListenerError?: ((error: unknown) => void) | undefined;
}

/** For who makes wires for a link. */
export interface LinkOwner {
  /** The current wire ended, and the link waits for another one until its time-out. */
  onWireLost?(wire: WireKind, reason: string): void;
  /** Once: the link is over, for whatever reason; announced or not. `isFinal`: one side wanted it so, and no other link should follow. */
  onEnded?(reason: string, isFinal: boolean): void;
  /** Once, after `onEnded`: the reason was delivered or nobody took it; its wires can go. */
  onReleased?(): void;
}

/** The remote end of one link. */
export interface Remote {
  readonly id: PeerId;
  readonly link: Link;
  readonly owner: LinkOwner;
  /** Announced to the game. */
  isAdmitted: boolean;
  /** One side said that it ends this on purpose. */
  isFinal: boolean;
  /** The timer of {@link LinkedPeer.awaitHello}. */
  cancelHello: Cancel | undefined;
}

/** A link without a hello is closed after this, in milliseconds: time for one wire to fail and the next to open. */
export const HELLO_TIMEOUT_MS = 20_000;

/**
 * What host and clients of a star and the peers of a mesh have in common. Who feeds it with wires (a
 * lobby, a hub in memory) calls `openLink`, then `attach` for each wire; nobody is announced before
 * admission.
 */
export abstract class LinkedPeer implements MultiplayerPeer {
  readonly id: PeerId;
  readonly maxMessageBytes: number;
  refuseNewConnections = false;
  holdIntroductions = false;
  protected readonly emitter: Emitter<MultiplayerPeerEvents>;
  readonly scheduler: Scheduler;
  protected readonly logger: Logger;
  protected readonly schema: string;
  protected readonly inbox: Inbox = new Inbox();
  protected readonly remotes: Map<PeerId, Remote> = new Map();
  readonly #limits: Partial<LinkLimits>;
  #status: ConnectionStatus;
  #readable = false;
  /** Until it is drained again. */
  #inboxWasFull = false;
  #malformed = 0;
  /** One for each link that is over and still has its reason to deliver. */
  readonly #releasing = new Set<Promise<void>>();
  #closing: Promise<void> | undefined;

  constructor(id: PeerId, status: ConnectionStatus, options: LinkedPeerOptions) {
    this.schema = options.schema ?? '';
    if (utf8(this.schema).length > MAX_SCHEMA_BYTES) {
      throw new NetError('OPTIONS_INVALID', `schema takes at most ${MAX_SCHEMA_BYTES} bytes`);
    }
    this.id = id;
    this.#status = status;
    this.#limits = options.limits ?? {};
    this.maxMessageBytes = this.#limits.maxMessageBytes ?? linkLimits.maxMessageBytes;
    this.scheduler = options.scheduler;
    this.logger = options.logger ?? silentLogger;
    this.emitter = new Emitter(options.onListenerError);
  }

  abstract readonly isServerRelaySupported: boolean;
  abstract get peers(): readonly PeerId[];
  abstract disconnectPeer(id: PeerId, reason?: string): void;
  abstract introduce(id: PeerId): void;
  protected abstract handleStarMessage(remote: Remote, message: StarMessage): void;
  protected abstract handleMessage(remote: Remote, message: LinkMessage): void;
  /** The link of an admitted or a not yet admitted remote is over; it is out of `remotes` already. */
  protected abstract handleEnded(remote: Remote, reason: string): void;
  protected handleDrained(_remote: Remote): void {}

  get events(): Pick<Emitter<MultiplayerPeerEvents>, 'on'> {
    return this.emitter;
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  send(to: PeerId, bytes: Uint8Array, options: SendOptions = {}): void {
    const { channel = 0, mode = 'reliable' } = options;
    this.#checkSend(to, bytes, channel);
    const routes = this.routesTo(to);
    const header: MessageHeader = { mode, channel, peer: this.addressFor(to), system: false };
    if (mode === 'reliable') this.#checkRoom(routes, bytes.length);
    for (const { link } of routes) link.send(header, bytes);
  }

  receive(): ReceivedMessage | undefined {
    const message = this.inbox.take();
    if (!message) this.#readable = false;
    if (this.#inboxWasFull && this.inbox.isDrained) {
      this.#inboxWasFull = false;
      for (const remote of this.remotes.values()) this.updatePause(remote);
    }
    return message;
  }

  bufferedBytes(to: PeerId): number {
    return Math.max(0, ...this.routesTo(to).map(({ link }) => link.bufferedBytes));
  }

  stats(id: PeerId): PeerStats | undefined {
    const remote = this.remotes.get(id);
    const { wire, ...stats } = remote?.link.stats() ?? {};
    if (!remote?.isAdmitted || wire === undefined) return undefined;
    return { ...(stats as Omit<PeerStats, 'wire'>), wire }; // all or none: it came from one snapshot
  }

  /** Messages about membership that broke the rules, of all remotes. */
  get malformed(): number {
    return this.#malformed;
  }

  close(reason = 'closed'): Promise<void> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** For who makes wires: a remote peer that may get some now. @throws NetError `OPTIONS_INVALID` when there is one of this id */
  openLink(id: PeerId, owner: LinkOwner = {}): void {
    if (this.remotes.has(id) || id === this.id) {
      throw new NetError('OPTIONS_INVALID', `there is a peer ${id} already`);
    }
    const handlers: LinkHandlers = {
      onMessage: (message) => this.#receive(remote, message),
      onWireLost: (wire, reason) => owner.onWireLost?.(wire, reason),
      onEnded: (reason) => this.#end(remote, reason),
      onDrained: () => this.handleDrained(remote),
    };
    const link = new Link(this.scheduler, handlers, this.#limits, id < this.id);
    const state = { isAdmitted: false, isFinal: false, cancelHello: undefined };
    const remote: Remote = { id, link, owner, ...state };
    this.remotes.set(id, remote);
    this.handleOpened(remote);
  }

  /** For who makes wires: admitted or not. */
  hasLink(id: PeerId): boolean {
    return this.remotes.has(id);
  }

  protected handleOpened(_remote: Remote): void {}
  /** The last moment to say something to those who are still there. */
  protected handleClosing(): void {}

  /** The links a message to this target goes by: here each peer has one of its own. */
  protected routesTo(to: PeerId): readonly Remote[] {
    if (to <= EVERYONE) return this.admitted.filter(({ id }) => id !== -to);
    const remote = this.remotes.get(to);
    if (!remote?.isAdmitted) throw this.unknown(to);
    return [remote];
  }

  /** The number a message to this target carries; none where the link says it all. */
  protected addressFor(_to: PeerId): PeerId {
    return SERVER;
  }

  /** Closes this link if {@link cancelHello} is not called in time. */
  protected awaitHello(remote: Remote): void {
    remote.cancelHello = this.scheduler.after(HELLO_TIMEOUT_MS, () => {
      this.#end(remote, 'no hello from this peer');
    });
  }

  protected get admitted(): Remote[] {
    return [...this.remotes.values()].filter((remote) => remote.isAdmitted);
  }

  /** What to open a wire to this peer with. */
  wireHandlers(id: PeerId, wire: () => Wire | undefined): WireHandlers | undefined {
    return this.remotes.get(id)?.link.handlersFor(wire);
  }

  /** From now on this wire carries the link; false when the peer is gone, and the wire is closed. */
  attach(id: PeerId, wire: Wire): boolean {
    const remote = this.remotes.get(id);
    if (!remote) {
      wire.close();
      return false;
    }
    remote.link.attach(wire);
    if (remote.isAdmitted) this.emitter.emit('wireChanged', { id, wire: wire.kind });
    return true;
  }

  /** For who makes wires: ends a link, announced or not; the other side is told. */
  closeLink(id: PeerId, reason: string): void {
    const remote = this.remotes.get(id);
    if (remote) this.#end(remote, reason);
  }

  protected setStatus(status: ConnectionStatus, reason?: string): void {
    if (this.#status === status || this.#status === 'disconnected') return;
    this.#status = status;
    this.emitter.emit('statusChanged', reason === undefined ? { status } : { status, reason });
  }

  protected say({ link }: Remote, message: StarMessage): void {
    const header: MessageHeader = { mode: 'reliable', channel: 0, peer: SERVER, system: true };
    if (link.state === 'open') link.send(header, encodeStarMessage(message));
  }

  protected deliver(from: PeerId, { channel, mode, bytes }: LinkMessage): void {
    this.inbox.push({ from, channel, mode, bytes });
    if (this.inbox.isFull && !this.#inboxWasFull) {
      this.#inboxWasFull = true;
      for (const remote of this.remotes.values()) this.updatePause(remote);
    }
    if (this.#readable) return;
    this.#readable = true;
    // After the packet: one event for all its messages.
    this.scheduler.soon(() => this.#announceReadable());
  }

  protected updatePause({ link }: Remote): void {
    if (this.#inboxWasFull) link.pauseReceiving();
    else link.resumeReceiving();
  }

  /** The last event of a peer; what it said before may still be taken while its listeners of `readable` run. */
  protected announceDisconnected(id: PeerId, reason: string): void {
    if (this.#readable) this.emitter.emit('readable', undefined);
    this.inbox.removeFrom(id);
    this.emitter.emit('peerDisconnected', { id, reason });
  }

  protected countMalformed(): void {
    this.#malformed++;
  }

  protected unknown(id: PeerId): NetError {
    return new NetError('PEER_UNKNOWN', `no peer ${id} is connected`);
  }

  #checkSend(to: PeerId, bytes: Uint8Array, channel: number): void {
    if (this.#status === 'disconnected') throw new NetError('PEER_CLOSED', 'this peer is closed');
    if (this.#status === 'connecting') {
      throw new NetError('PEER_NOT_CONNECTED', 'the host has not admitted this peer yet');
    }
    if (!Number.isInteger(to) || Math.abs(to) > 0x7fff_ffff) {
      throw new NetError(
        'OPTIONS_INVALID',
        `a target is 0, a peer id or minus a peer id, not ${to}`,
      );
    }
    if (!(Number.isInteger(channel) && channel >= 0 && channel <= MAX_CHANNEL)) {
      throw new NetError('OPTIONS_INVALID', `channel is 0 to ${MAX_CHANNEL}, not ${channel}`);
    }
    if (bytes.length > this.maxMessageBytes) {
      const why = `${bytes.length} bytes, at most ${this.maxMessageBytes}`;
      throw new NetError('PEER_MESSAGE_TOO_LARGE', why);
    }
  }

  /** All or nothing: a broadcast that one receiver has no room for goes to nobody. */
  #checkRoom(routes: readonly Remote[], bytes: number): void {
    for (const { id, link } of routes) {
      if (!link.hasRoom(bytes))
        throw new NetError('PEER_BUFFER_FULL', `peer ${id} does not keep up`);
    }
  }

  #announceReadable(): void {
    if (this.#readable) this.emitter.emit('readable', undefined);
  }

  #receive(remote: Remote, message: LinkMessage): void {
    if (!message.system) {
      if (remote.isAdmitted) this.handleMessage(remote, message);
      return;
    }
    try {
      this.handleStarMessage(remote, decodeStarMessage(message.bytes));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#malformed++;
    }
  }

  #end(remote: Remote, reason: string): void {
    if (this.remotes.get(remote.id) !== remote) return;
    this.remotes.delete(remote.id);
    this.#release(remote, reason);
    this.handleEnded(remote, reason);
  }

  #release({ link, owner, isFinal, cancelHello }: Remote, reason: string): void {
    cancelHello?.();
    owner.onEnded?.(reason, isFinal);
    const released = deferred<void>();
    this.#releasing.add(released.promise);
    link.close(reason, () => {
      this.#releasing.delete(released.promise);
      owner.onReleased?.();
      released.resolve();
    });
  }

  async #close(reason: string): Promise<void> {
    this.handleClosing();
    const remotes = [...this.remotes.values()];
    this.remotes.clear();
    this.inbox.clear();
    for (const remote of remotes) this.#release(remote, reason);
    this.handleClosed(remotes, reason);
    this.setStatus('disconnected', reason);
    await Promise.all(this.#releasing);
  }

  /** Before the status changes: what the game must hear of those it knew. */
  protected abstract handleClosed(remotes: readonly Remote[], reason: string): void;
}

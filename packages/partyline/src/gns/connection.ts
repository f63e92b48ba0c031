import type { Millis } from '../base/index.ts';
import type { LaneOptions, ReceivedMessage, Snp } from '../snp/index.ts';
import type { GnsConfig } from './config.ts';
import { ConnectionIntake } from './connection-intake.ts';
import { ConnectionLife, type StateChange } from './connection-life.ts';
import type { ConnectionState } from './connection-state.ts';
import { Cipher } from './crypt-share.ts';
import { EndReason } from './end-reason.ts';
import { HandshakeRefusal, type RemoteHandshake } from './handshake.ts';
import { Introduction, type IntroductionSetup } from './introduction.ts';
import type { LinkStats } from './link-stats.ts';
import type { Liveness } from './liveness.ts';
import type { Credentials } from './messages.ts';
import { PacketExchange, type Problem } from './packet-exchange.ts';
import type { PacketNumbers } from './packet-numbers.ts';
import type { DropCounts } from './packet-receiver.ts';
import type { SessionCiphers } from './session-ciphers.ts';

export interface ConnectionSetup extends IntroductionSetup {
  readonly role: 'client' | 'server';
  /** Random; see {@link drawConnectionId}. */
  readonly id: number;
  /**
   * After the introduction a route has yet to be found (P2P): the connection is `findingRoute` until
   * {@link GnsConnection.routeFound}. Default false: datagrams travel the way the introduction did.
   */
  readonly needsRoute?: boolean;
  /** Why none was found in time. Default: 5003, nothing more is known. */
  readonly whyNoRoute?: () => Problem;
  /** A peer that is silent for so long is asked for a sign of life, in ms. Default 10000. */
  readonly keepaliveMs?: number;
}

/**
 * One GNS connection: states, protection, liveness, and messages through {@link Snp}. It makes and
 * takes datagrams and does not know what carries them: a UDP endpoint or an ICE candidate pair does
 * the introduction (certificates and keys of both sides), then hands over datagrams of the types
 * data, 36 and 37. One datagram is written per {@link GnsConnection.writeDatagram}.
 */
export class GnsConnection {
  readonly id: number;
  /** Its endpoint's record of it: found without a look-up, which costs two lines of memory at each packet. */
  member: unknown;
  /** The application's; nothing here looks at it. */
  userData: unknown;
  readonly snp: Snp;
  readonly stats: LinkStats;
  readonly liveness: Liveness;
  readonly numbers: PacketNumbers;
  readonly drops: Readonly<DropCounts>;
  readonly #setup: ConnectionSetup;
  readonly #life: ConnectionLife;
  #role: 'client' | 'server';
  #introduction: Introduction;
  /** Until they are prepared. */
  #ciphers: SessionCiphers | undefined;
  readonly #exchange: PacketExchange;
  readonly #intake: ConnectionIntake;
  /** Lanes asked for before the peer's version was known. */
  #laneCount = 1;
  #isReadableTold = false;

  constructor(now: Millis, setup: ConnectionSetup) {
    this.#setup = setup;
    this.id = setup.id;
    this.#role = setup.role;
    this.#life = new ConnectionLife(now, setup.id);
    this.#introduction = new Introduction(setup);
    this.#exchange = new PacketExchange(now, setup.id, setup.config.values, setup.keepaliveMs);
    setup.config.onChange(() => this.#exchange.configure());
    const parts = { life: this.#life, exchange: this.#exchange };
    this.#intake = new ConnectionIntake({ ...parts, config: setup.config.values });
    this.snp = this.#exchange.snp;
    this.stats = this.#exchange.stats;
    this.liveness = this.#exchange.liveness;
    this.numbers = this.#exchange.receiver.numbers;
    this.drops = this.#exchange.receiver.drops;
  }

  get role(): 'client' | 'server' {
    return this.#role;
  }

  /** The connection's own scope; what is changed here takes effect at once. */
  get config(): GnsConfig {
    return this.#setup.config;
  }

  get state(): ConnectionState {
    return this.#life.state;
  }

  get remoteId(): number {
    return this.#life.remoteId;
  }

  /** What the peer showed, checked. */
  get remote(): RemoteHandshake | undefined {
    return this.#introduction.remote;
  }

  /** Who the peer is, once it has shown its certificate. */
  get remoteIdentity(): string | undefined {
    return this.remote?.identity;
  }

  /** Does a trusted CA vouch for {@link GnsConnection.remoteIdentity}? */
  get isVerified(): boolean {
    return this.remote?.isVerified ?? false;
  }

  get isEncrypted(): boolean {
    return this.#introduction.cipher !== Cipher.Null;
  }

  get endReason(): number {
    return this.#life.reason;
  }

  get endDebug(): string {
    return this.#life.debug;
  }

  /** Keys are agreed on: connected, finding a route, or lingering until all has arrived. */
  get isActive(): boolean {
    return this.#life.isActive;
  }

  get protocolVersion(): number {
    return this.remote?.info.protocolVersion ?? 0;
  }

  // The introduction: docs/wire/gns.md#handshake.

  /** What the client shows; made once, so that repeated requests are the same. */
  offer(): Credentials {
    return this.#introduction.offer();
  }

  /** Server: who asks to connect. The application has yet to {@link GnsConnection.accept}. */
  introduce(remoteId: number, remote: RemoteHandshake): void {
    this.#life.remoteId = remoteId;
    this.#introduction.meet(remote);
  }

  /** Server: shows what a ConnectOk tells, again when asked again; `undefined` before acceptance. */
  get answer(): Credentials | undefined {
    return this.role === 'server' ? this.#introduction.shown : undefined;
  }

  /** Server: takes the connection. False when that ends it: no cipher is common to both. */
  accept(now: Millis): boolean {
    if (this.state !== 'connecting') return false;
    return this.#agree(now, () => this.#introduction.answer());
  }

  /** Client: the server took us; false when we do not take the server, which ends the connection. */
  complete(now: Millis, remoteId: number, remote: RemoteHandshake): boolean {
    if (this.state !== 'connecting') return false;
    this.#life.remoteId = remoteId;
    return this.#agree(now, () => {
      if ((remoteId & 0xffff) === 0) {
        throw new HandshakeRefusal(EndReason.RemoteBadCrypt, "Didn't send valid connection ID");
      }
      this.#introduction.conclude(remote);
    });
  }

  /** Client: the server's answer cannot be taken, and it is told so at once. */
  refuse(now: Millis, remoteId: number, refusal: HandshakeRefusal): void {
    if (this.state !== 'connecting') return;
    this.#life.remoteId = remoteId;
    this.fail(now, refusal.reason, refusal.message);
  }

  /** Both sides asked each other at once, and its request is taken in the place of ours (P2P). */
  becomeServer(): void {
    if (this.state !== 'connecting') throw new Error(`no change of role when ${this.state}`);
    this.#role = 'server';
    this.#introduction = new Introduction(this.#setup);
  }

  /** A route carries data both ways (P2P): messages travel from now on. */
  routeFound(now: Millis): void {
    if (this.state === 'findingRoute') this.#enterConnected(now);
  }

  #agree(now: Millis, agree: () => void): boolean {
    try {
      agree();
      this.#introduction.checkLanes(this.#laneCount);
    } catch (error) {
      if (!(error instanceof HandshakeRefusal)) throw error;
      this.fail(now, error.reason, error.message);
      return false;
    }
    this.#start(now);
    return true;
  }

  /**
   * Makes now what is needed next: a client's share while the server answers, the keys of both
   * directions when the server's answer has left. Whoever does not call it has them made in time.
   */
  prepare(): void {
    if (this.state === 'connecting' && this.role === 'client') this.offer();
    if (!this.isActive) return;
    this.#ciphers?.sealer.prepare();
    this.#ciphers?.opener.prepare();
    this.#ciphers = undefined;
  }

  #start(now: Millis): void {
    const { role, id, remoteId, protocolVersion } = this;
    const ciphers = this.#introduction.ciphers(role, id, remoteId);
    this.#ciphers = ciphers;
    this.#exchange.start(now, { ciphers, remoteId, protocolVersion });
    if (this.#setup.needsRoute === true) {
      this.snp.acceptance = 'reliable';
      this.#life.enter(now, 'findingRoute');
    } else {
      this.#enterConnected(now);
    }
  }

  #enterConnected(now: Millis): void {
    this.snp.isOpen = true;
    this.snp.acceptance = 'all';
    this.#life.enter(now, 'connected');
  }

  // Messages.

  /** @throws NetError `OPTIONS_INVALID` */
  configureLanes(now: Millis, lanes: readonly LaneOptions[]): void {
    this.snp.configureLanes(lanes);
    this.#laneCount = lanes.length;
    try {
      this.#introduction.checkLanes(lanes.length);
    } catch (error) {
      if (!(error instanceof HandshakeRefusal)) throw error;
      this.fail(now, error.reason, error.message);
    }
  }

  /** The next message; drains before the next `readable` is told. */
  receive(now: Millis): ReceivedMessage | undefined {
    const message = this.snp.receive(now);
    if (message === undefined) this.#isReadableTold = false;
    return message;
  }

  /** True once when messages have come since the last drain. */
  pollReadable(): boolean {
    if (this.#isReadableTold || !this.snp.hasMessages) return false;
    this.#isReadableTold = true;
    return true;
  }

  // The end.

  pollChange(): StateChange | undefined {
    return this.#life.pollChange();
  }

  /**
   * Ends the connection. `linger` first delivers what is reliable. A reason outside GNS's ranges
   * for applications becomes 1000; the debug text is cut at 127 characters.
   */
  close(now: Millis, reason = EndReason.AppGeneric as number, debug = '', linger = false): void {
    const mustLinger = linger && !this.snp.isDelivered;
    this.#life.close(now, reason, debug, mustLinger);
    if (this.state !== 'linger') return;
    this.snp.flush();
    this.snp.acceptance = 'none';
  }

  /** What it lingers for need not arrive any more: it is closed now. Nothing happens in another state. */
  stopLingering(now: Millis): void {
    if (this.state === 'linger') this.#life.endLinger(now);
  }

  /** Ends the connection for a problem that we found. */
  fail(now: Millis, reason: number, debug: string): void {
    this.#life.fail(now, reason, debug);
  }

  /** The peer ended it, as heard on another way than a datagram: by signal. */
  peerClosed(now: Millis, reason: number, debug: string): void {
    this.#life.peerClosed(now, reason, debug);
  }

  /** The peer, proved to be it, does not know yet that the connection is over. */
  answerStray(): void {
    this.#life.answerStray();
  }

  // Datagrams in.

  /** Takes a datagram of type data, 36 or 37; the memory is the caller's again afterwards. */
  handleDatagram(now: Millis, datagram: Uint8Array): void {
    this.#intake.take(now, datagram);
  }

  /** Counts a datagram for this connection that was not processed. */
  drop(why: keyof DropCounts): void {
    this.#intake.drop(why);
  }

  // Datagrams out.

  /**
   * Writes the next datagram at `at` of `target`, which has room for {@link MAX_DATAGRAM_BYTES};
   * returns its length, 0 when there is none now.
   */
  writeDatagram(now: Millis, target: Uint8Array, at: number): number {
    const notice = this.#life.shiftNotice();
    if (notice !== undefined) {
      target.set(notice, at);
      return notice.length;
    }
    return this.isActive ? this.#exchange.write(now, target, at) : 0;
  }

  // Time.

  /**
   * When {@link GnsConnection.handleTimeout} or, where data `canLeave`, {@link GnsConnection.writeDatagram}
   * is next due.
   */
  wakeAt(now: Millis, canLeave = true): Millis {
    const life = this.#life;
    const dataAt =
      this.isActive && canLeave ? this.#exchange.wakeAt(now) : Number.POSITIVE_INFINITY;
    return Math.min(life.wakeAt(now), this.#startsUntil, dataAt, this.#intake.until);
  }

  handleTimeout(now: Millis): void {
    const life = this.#life;
    if (now >= this.#intake.until) this.#intake.takeHeld(now);
    if (now >= this.#startsUntil) this.#timeOutInitially(now);
    if (this.isActive) {
      const problem = this.#exchange.check(now);
      if (this.state === 'linger' && this.snp.isDelivered) life.endLinger(now);
      else if (problem !== undefined) this.fail(now, problem.reason, problem.debug);
    }
    life.handleTimeout(now);
  }

  /** When it must be connected; Infinity where it does not start. */
  get #startsUntil(): Millis {
    if (!this.#life.isStarting) return Number.POSITIVE_INFINITY;
    return this.#life.enteredAt + this.config.values.timeoutInitialMs;
  }

  #timeOutInitially(now: Millis): void {
    const isIgnored = this.role === 'server' && this.state === 'connecting';
    const problem = this.state === 'findingRoute' ? this.#setup.whyNoRoute?.() : undefined;
    const debug = isIgnored
      ? "App didn't accept or close incoming connection in time."
      : 'Timed out attempting to connect';
    this.fail(now, problem?.reason ?? EndReason.MiscTimeout, problem?.debug ?? debug);
  }
}

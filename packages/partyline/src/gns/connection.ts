import { DecodeError, type Millis } from '../base/index.ts';
import { type LaneOptions, type ReceivedMessage, Snp } from '../snp/index.ts';
import { CloseNotice } from './close-notice.ts';
import { type ConnectionState, nextConnectionState } from './connection-state.ts';
import { Cipher } from './crypt-share.ts';
import { applicationReason, EndReason } from './end-reason.ts';
import {
  type GnsCrypto,
  type LocalHandshake,
  type LocalIdentity,
  makeHandshake,
  type RemoteHandshake,
} from './handshake.ts';
import { LinkStats } from './link-stats.ts';
import { Liveness } from './liveness.ts';
import { type Credentials, decodeConnectionClosed, decodeNoConnection } from './messages.ts';
import { ciphersOf, type ResolvedGnsOptions } from './options.ts';
import type { PacketCipher } from './packet-cipher.ts';
import { DataHeader } from './packet-header.ts';
import { PacketNumbers } from './packet-numbers.ts';
import { DataSender } from './packet-sender.ts';
import {
  DATA_PACKET,
  FIN_WAIT_MS,
  HANDSHAKE_IS_PACKET_VERSION,
  LANES_VERSION,
  MAX_DEBUG_CHARACTERS,
  PacketType,
  TIME_SINCE_PREVIOUS_VERSION,
} from './protocol.ts';
import { agreeOnCiphers } from './session-ciphers.ts';
import { decodeStats, StatsFlag } from './stats-message.ts';

/** `previous` to `state`; `reason` and `debug` say why once it has ended. */
export interface StateChange {
  readonly state: ConnectionState;
  readonly previous: ConnectionState;
  readonly reason: number;
  readonly debug: string;
}

export interface ConnectionSetup {
  readonly crypto: GnsCrypto;
  readonly local: LocalIdentity;
  readonly options: ResolvedGnsOptions;
  readonly role: 'client' | 'server';
  /** Random; see {@link drawConnectionId}. */
  readonly id: number;
}

/** Datagrams that were not processed, by why. */
export interface DropCounts {
  /** Could not be parsed. */
  malformed: number;
  /** For another connection, or of no use in this state. */
  unexpected: number;
  /** Came before, or too long ago. */
  replayed: number;
  /** Not made by the peer. */
  forged: number;
}

/** A stats request is answered within this when it may be delayed (GNS: 50), in ms. */
const STATS_ACK_MS = 50;

/**
 * One GNS connection: states, protection, liveness, and messages through {@link Snp}. It makes and
 * takes datagrams and does not know what carries them: a UDP endpoint or an ICE candidate pair does
 * the introduction (certificates and keys of both sides), then hands over datagrams of the types
 * data, 36 and 37. One datagram is written per {@link GnsConnection.writeDatagram}.
 */
export class GnsConnection {
  readonly id: number;
  readonly role: 'client' | 'server';
  readonly snp: Snp;
  readonly stats: LinkStats;
  readonly liveness: Liveness;
  readonly numbers: PacketNumbers = new PacketNumbers();
  readonly drops: DropCounts = { malformed: 0, unexpected: 0, replayed: 0, forged: 0 };
  /** What was heard last of a peer that could not be accepted; a time-out tells it. */
  suspicion = '';
  /** What the peer showed, checked. */
  remote: RemoteHandshake | undefined;
  readonly #setup: ConnectionSetup;
  readonly #header = new DataHeader();
  #state: ConnectionState = 'none';
  #enteredAt: Millis = 0;
  #reason = 0;
  #debug = '';
  /** What the peer is told now: that we closed (36), or that we know it closed (37). */
  #isClosedByPeer = false;
  #remoteId = 0;
  #handshake: LocalHandshake | undefined;
  #sender: DataSender | undefined;
  #opener: PacketCipher | undefined;
  #cipher: Cipher = Cipher.Aes256Gcm;
  /** Lanes asked for before the peer's version was known. */
  #laneCount = 1;
  readonly #notice = new CloseNotice();
  readonly #changes: StateChange[] = [];
  #isReadableTold = false;

  constructor(now: Millis, setup: ConnectionSetup) {
    this.#setup = setup;
    this.id = setup.id;
    this.role = setup.role;
    this.snp = new Snp(now, setup.options);
    this.liveness = new Liveness(now, this.snp.roundTrip);
    this.stats = new LinkStats(now, this.numbers);
    this.#change(now, 'connecting');
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get remoteId(): number {
    return this.#remoteId;
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
    return this.#cipher !== Cipher.Null;
  }

  get endReason(): number {
    return this.#reason;
  }

  get endDebug(): string {
    return this.#debug;
  }

  /** Sends and takes messages: connected, or lingering until they have arrived. */
  get isActive(): boolean {
    return (
      this.#state === 'connected' || this.#state === 'linger' || this.#state === 'findingRoute'
    );
  }

  get protocolVersion(): number {
    return this.remote?.info.protocolVersion ?? 0;
  }

  // The introduction: docs/wire/gns.md#handshake.

  /** What the client shows; made once, so that repeated requests are the same. */
  offer(): Credentials {
    const { crypto, local, options } = this.#setup;
    this.#handshake ??= makeHandshake(crypto, local, ciphersOf(options.unencrypted));
    return this.#handshake.credentials;
  }

  /** Server: who asks to connect. The application has yet to {@link GnsConnection.accept}. */
  introduce(remoteId: number, remote: RemoteHandshake): void {
    this.#remoteId = remoteId;
    this.remote = remote;
  }

  /** Server: shows what a ConnectOk tells, again when asked again; `undefined` before acceptance. */
  get answer(): Credentials | undefined {
    return this.role === 'server' ? this.#handshake?.credentials : undefined;
  }

  /** Server: takes the connection. False when no cipher is common to both, which ends it. */
  accept(now: Millis): boolean {
    const { crypto, local, options } = this.#setup;
    const theirs = this.remote?.info.ciphers ?? [];
    const cipher = ciphersOf(options.unencrypted).find((ours) => theirs.includes(ours));
    if (this.#state !== 'connecting' || cipher === undefined) {
      this.fail(now, EndReason.RemoteBadCrypt, 'Failed to negotiate mutually-agreeable cipher');
      return false;
    }
    this.#handshake = makeHandshake(crypto, local, [cipher]);
    return this.#connect(now, cipher);
  }

  /** Client: the server took us. */
  complete(now: Millis, remoteId: number, remote: RemoteHandshake): void {
    const [cipher, second] = remote.info.ciphers;
    const ours = ciphersOf(this.#setup.options.unencrypted).find((c) => c === cipher);
    this.#remoteId = remoteId;
    this.remote = remote;
    if ((remoteId & 0xffff) === 0) {
      this.fail(now, EndReason.RemoteBadCrypt, "Didn't send valid connection ID");
    } else if (second !== undefined || ours === undefined) {
      this.fail(now, EndReason.RemoteBadCrypt, 'Server must select exactly one of our ciphers');
    } else {
      this.#connect(now, ours);
    }
  }

  // Messages.

  /** @throws NetError `OPTIONS_INVALID` */
  configureLanes(now: Millis, lanes: readonly LaneOptions[]): void {
    this.snp.configureLanes(lanes);
    this.#laneCount = lanes.length;
    if (this.remote !== undefined) this.#checkLanes(now);
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

  pollChange(): StateChange | undefined {
    return this.#changes.shift();
  }

  /**
   * Ends the connection. `linger` first delivers what is reliable. A reason outside GNS's ranges
   * for applications becomes 1000; the debug text is cut at 127 characters.
   */
  close(now: Millis, reason = EndReason.AppGeneric as number, debug = '', linger = false): void {
    if (this.#state === 'finWait' || this.#state === 'dead' || this.#state === 'linger') return;
    const isOpen = this.#state === 'connecting' || this.isActive;
    if (isOpen) {
      this.#reason = applicationReason(reason);
      this.#debug = debug.slice(0, MAX_DEBUG_CHARACTERS);
    }
    if (linger && this.#state === 'connected' && !this.snp.isDelivered) {
      this.snp.flush();
      this.snp.acceptance = 'none';
      this.#change(now, 'linger');
      return;
    }
    if (isOpen) this.#tellClosed(now);
    this.#change(now, 'finWait');
  }

  /** Ends the connection for a problem that we found. */
  fail(now: Millis, reason: number, debug: string): void {
    const canFail = this.#state === 'connecting' || this.isActive;
    if (!canFail) return;
    this.#reason = reason;
    this.#debug = debug.slice(0, MAX_DEBUG_CHARACTERS);
    this.#tellClosed(now);
    this.#change(now, this.#state === 'linger' ? 'finWait' : 'problemDetectedLocally');
  }

  // Datagrams in.

  /** Takes a datagram of type data, 36 or 37; the memory is the caller's again afterwards. */
  handleDatagram(now: Millis, datagram: Uint8Array): void {
    const type = datagram[0] ?? 0;
    try {
      if (type >= DATA_PACKET) this.#handleData(now, datagram);
      else if (type === PacketType.ConnectionClosed) this.#handleClosed(now, datagram);
      else if (type === PacketType.NoConnection) this.#handleNoConnection(now, datagram);
      else this.drops.unexpected += 1;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.drops.malformed += 1;
    }
  }

  #handleData(now: Millis, datagram: Uint8Array): void {
    const header = this.#header;
    header.decode(datagram);
    const opener = this.#opener;
    if (header.toConnectionId !== this.id || opener === undefined) {
      this.drops.unexpected += 1;
      return;
    }
    this.stats.received(datagram.length);
    const number = this.numbers.expand(header.packetNumber);
    if (this.numbers.judge(number) !== 'new') {
      this.drops.replayed += 1;
      return;
    }
    const plaintext = opener.open(number, datagram.subarray(header.bodyAt));
    if (plaintext === undefined) {
      this.drops.forged += 1;
      return;
    }
    if (this.isActive) this.#handlePlaintext(now, number, plaintext);
    else this.answerStray();
  }

  #handlePlaintext(now: Millis, number: number, plaintext: Uint8Array): void {
    if (this.numbers.isLurch(number)) {
      this.fail(now, EndReason.MiscGeneric, `Pkt number lurch by ${number - this.numbers.newest}`);
      return;
    }
    this.liveness.received(now);
    try {
      const isTaken = this.snp.handlePacket(
        now,
        number,
        this.#sender?.next ?? 0,
        plaintext,
        plaintext.length,
      );
      if (!isTaken) {
        this.drops.unexpected += 1;
        return;
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.fail(now, EndReason.MiscInternalError, `SNP decode: ${error.message}`);
      return;
    }
    const isNext = this.numbers.accept(number);
    this.stats.sequenced(now, isNext, this.#header.timeSincePreviousMs);
    this.#sender?.settleStats(now);
    if (this.#header.stats !== undefined) this.#handleStats(now, this.#header.stats);
    if (this.#state === 'linger' && this.snp.isDelivered) this.#endLinger(now);
  }

  /** Stats are not protected: they may ask for an answer, and are believed only as statistics. */
  #handleStats(now: Millis, bytes: Uint8Array): void {
    const { flags, instantaneous, lifetime } = decodeStats(bytes);
    if (instantaneous !== undefined) this.stats.remote = instantaneous;
    if (lifetime !== undefined) this.stats.remoteLifetime = lifetime;
    const isTold = instantaneous !== undefined || lifetime !== undefined;
    if ((flags & StatsFlag.AckRequestImmediate) !== 0 && (flags & StatsFlag.AckRequest) !== 0) {
      this.snp.scheduleAck(now);
      this.#sender?.reply();
    } else if (isTold || (flags & StatsFlag.AckRequest) !== 0) {
      this.snp.scheduleAck(now + STATS_ACK_MS);
    }
  }

  #handleClosed(now: Millis, datagram: Uint8Array): void {
    const { to, from, reason, debug } = decodeConnectionClosed(datagram);
    const isOurs = to === this.id || (to === 0 && from !== 0 && from === this.#remoteId);
    if (!isOurs) {
      this.drops.unexpected += 1;
      return;
    }
    this.#notice.answer(to, from);
    this.#notice.acknowledged();
    this.#peerClosed(now, reason, debug === '' ? 'The remote host closed the connection.' : debug);
  }

  #handleNoConnection(now: Millis, datagram: Uint8Array): void {
    const { to, from } = decodeNoConnection(datagram);
    if (to !== this.id || from !== this.#remoteId) {
      this.drops.unexpected += 1;
      return;
    }
    this.#notice.acknowledged();
    const debug = "Received unexpected 'no connection' from peer";
    this.#peerClosed(now, EndReason.MiscPeerSentNoConnection, debug);
  }

  #peerClosed(now: Millis, reason: number, debug: string): void {
    if (this.#state === 'linger') {
      this.#isClosedByPeer = true;
      this.#change(now, 'finWait');
    } else if (this.#state === 'connecting' || this.isActive) {
      this.#isClosedByPeer = true;
      this.#reason = reason;
      this.#debug = debug;
      this.#change(now, 'closedByPeer');
    }
  }

  /** The peer, proved to be it, does not know yet that the connection is over. */
  answerStray(): void {
    if (this.#isClosedByPeer) this.#notice.answer(this.id, this.#remoteId);
    else this.#notice.remind();
  }

  // Datagrams out.

  /**
   * Writes the next datagram at `at` of `target`, which has room for {@link MAX_DATAGRAM_BYTES};
   * returns its length, 0 when there is none now.
   */
  writeDatagram(now: Millis, target: Uint8Array, at: number): number {
    const notice = this.#notice.shift();
    if (notice !== undefined) {
      target.set(notice, at);
      return notice.length;
    }
    return this.isActive ? (this.#sender?.write(now, target, at) ?? 0) : 0;
  }

  // Time.

  /** When {@link GnsConnection.handleTimeout} or {@link GnsConnection.writeDatagram} is next due. */
  wakeAt(now: Millis): Millis {
    return Math.min(this.#notice.wakeAt(now), this.#stateWakeAt(now));
  }

  #stateWakeAt(now: Millis): Millis {
    const startAt = this.#enteredAt + this.#setup.options.timeoutInitialMs;
    const dataAt = this.isActive ? this.#sender?.wakeAt(now) : undefined;
    if (this.#state === 'connecting') return startAt;
    if (this.#state === 'finWait') return this.#enteredAt + FIN_WAIT_MS;
    if (dataAt === undefined) return Number.POSITIVE_INFINITY;
    return this.#state === 'findingRoute' ? Math.min(startAt, dataAt) : dataAt;
  }

  handleTimeout(now: Millis): void {
    const { timeoutInitialMs, timeoutConnectedMs } = this.#setup.options;
    const isStarting = this.#state === 'connecting' || this.#state === 'findingRoute';
    if (isStarting && now >= this.#enteredAt + timeoutInitialMs) {
      this.#timeOutInitially(now);
    }
    if (this.isActive) {
      this.liveness.check(now);
      this.stats.check(now, this.snp.roundTrip.smoothedMs);
      if (this.#state === 'linger' && this.snp.isDelivered) this.#endLinger(now);
      else if (this.liveness.isDead(now, timeoutConnectedMs)) {
        this.fail(now, EndReason.RemoteTimeout, 'Connection dropped');
      }
    }
    this.#notice.check(now);
    if (this.#state === 'finWait' && now >= this.#enteredAt + FIN_WAIT_MS)
      this.#change(now, 'dead');
  }

  #timeOutInitially(now: Millis): void {
    const isIgnored = this.role === 'server' && this.#state === 'connecting';
    const debug = isIgnored
      ? "App didn't accept or close incoming connection in time."
      : `Timed out attempting to connect${this.suspicion === '' ? '' : `: ${this.suspicion}`}`;
    this.fail(now, EndReason.MiscTimeout, debug);
  }

  #endLinger(now: Millis): void {
    this.#tellClosed(now);
    this.#change(now, 'finWait');
  }

  // The inside.

  #connect(now: Millis, cipher: Cipher): boolean {
    const { crypto, options } = this.#setup;
    const handshake = this.#handshake;
    const { remote } = this;
    if (handshake === undefined || remote === undefined) return false;
    if (!this.#checkLanes(now)) return false;
    const { id, role } = this;
    const remoteId = this.#remoteId;
    const ciphers = agreeOnCiphers(crypto, cipher, { role, id, remoteId, handshake, remote });
    const version = remote.info.protocolVersion;
    const first = version >= HANDSHAKE_IS_PACKET_VERSION ? 2 : 1;
    this.#cipher = cipher;
    this.#opener = ciphers.opener;
    this.#sender = new DataSender({
      snp: this.snp,
      stats: this.stats,
      liveness: this.liveness,
      sealer: ciphers.sealer,
      remoteId,
      mtuBytes: options.mtuBytes,
      firstNumber: first,
      tellsPause: options.sendTimeSincePrevious && version >= TIME_SINCE_PREVIOUS_VERSION,
    });
    this.numbers.start(first - 1);
    this.snp.start(now, first - 1);
    this.snp.isOpen = true;
    this.liveness.received(now);
    this.#change(now, 'connected');
    return true;
  }

  #checkLanes(now: Millis): boolean {
    if (this.#laneCount === 1 || this.protocolVersion >= LANES_VERSION) return true;
    const debug = 'Peer is using old protocol and cannot receive multiple lanes';
    this.fail(now, EndReason.RemoteBadProtocolVersion, debug);
    return false;
  }

  #tellClosed(now: Millis): void {
    this.#notice.begin(now, this.id, this.#remoteId, this.#reason, this.#debug);
  }

  #change(now: Millis, to: ConnectionState): void {
    const previous = this.#state;
    this.#state = nextConnectionState(previous, to);
    this.#enteredAt = now;
    if (previous === 'connected' && to !== 'linger') this.snp.isOpen = false;
    if (previous === 'linger') this.snp.isOpen = false;
    this.#changes.push({ state: to, previous, reason: this.#reason, debug: this.#debug });
  }
}

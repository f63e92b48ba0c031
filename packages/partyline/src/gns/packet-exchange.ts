import { DecodeError, type Millis } from '../base/index.ts';
import { Snp } from '../snp/index.ts';
import { EndReason } from './end-reason.ts';
import { LinkStats } from './link-stats.ts';
import { Liveness } from './liveness.ts';
import type { ResolvedGnsOptions } from './options.ts';
import { DataReceiver } from './packet-receiver.ts';
import { DataSender } from './packet-sender.ts';
import { HANDSHAKE_IS_PACKET_VERSION, TIME_SINCE_PREVIOUS_VERSION } from './protocol.ts';
import type { SessionCiphers } from './session-ciphers.ts';
import { decodeStats, StatsFlag } from './stats-message.ts';

/** A stats request is answered within this when it may be delayed (GNS: 50), in ms. */
const STATS_ACK_MS = 50;

/** What ends a connection: GNS's number and text. */
export interface Problem {
  readonly reason: number;
  readonly debug: string;
}

export interface Agreement {
  readonly ciphers: SessionCiphers;
  readonly remoteId: number;
  /** The peer's. */
  readonly protocolVersion: number;
}

/** A connection's data packets both ways: messages, stats, signs of life. Knows no states. */
export class PacketExchange {
  readonly snp: Snp;
  readonly stats: LinkStats;
  readonly liveness: Liveness;
  readonly receiver: DataReceiver;
  readonly #options: ResolvedGnsOptions;
  #sender: DataSender | undefined;

  /** A peer that is silent for `keepaliveMs` is asked for a sign of life; default GNS's 10 s. */
  constructor(now: Millis, id: number, options: ResolvedGnsOptions, keepaliveMs?: number) {
    this.#options = options;
    this.receiver = new DataReceiver(id);
    this.snp = new Snp(now, options);
    this.liveness = new Liveness(now, this.snp.roundTrip, keepaliveMs);
    this.stats = new LinkStats(now, this.receiver.numbers);
  }

  /** The configuration has changed. */
  configure(): void {
    this.snp.configure(this.#options);
    this.#sender?.configure(this.#options);
  }

  /** There are keys: packets can be made and opened. */
  start(now: Millis, { ciphers, remoteId, protocolVersion }: Agreement): void {
    const { snp, stats, liveness } = this;
    const firstNumber = protocolVersion >= HANDSHAKE_IS_PACKET_VERSION ? 2 : 1;
    const mayTellPause = protocolVersion >= TIME_SINCE_PREVIOUS_VERSION;
    const shared = { snp, stats, liveness, ciphers };
    this.#sender = new DataSender({ ...shared, remoteId, firstNumber, mayTellPause });
    this.#sender.configure(this.#options);
    this.receiver.start(ciphers.opener, firstNumber - 1);
    snp.start(now, firstNumber - 1);
    liveness.received(now);
  }

  /** The plaintext of a data packet; `undefined` for one that is dropped. @throws DecodeError */
  open(datagram: Uint8Array): Uint8Array | undefined {
    const plaintext = this.receiver.open(datagram);
    if (plaintext !== undefined) this.stats.received(datagram.length);
    return plaintext;
  }

  /** Takes the packet just opened. What comes back ends the connection. @throws DecodeError */
  take(now: Millis, plaintext: Uint8Array): Problem | undefined {
    const { number, numbers, header, drops } = this.receiver;
    if (numbers.isLurch(number)) {
      const debug = `Pkt number lurch by ${number - numbers.newest}`;
      return { reason: EndReason.MiscGeneric, debug };
    }
    this.liveness.received(now);
    const taken = this.#takeFrames(now, number, plaintext);
    if (taken === false) drops.unexpected += 1;
    if (taken !== true) return taken === false ? undefined : taken;
    const isNext = numbers.accept(number);
    this.stats.sequenced(now, isNext, header.timeSincePreviousMs);
    this.#sender?.settleStats(now);
    if (header.stats !== undefined) this.#takeStats(now, header.stats);
    return undefined;
  }

  /** Writes a packet at `at` of `target`; returns its length, 0 when nothing is to be sent now. */
  write(now: Millis, target: Uint8Array, at: number): number {
    return this.#sender?.write(now, target, at) ?? 0;
  }

  /** When {@link PacketExchange.write} or {@link PacketExchange.check} is next due. */
  wakeAt(now: Millis): Millis {
    return this.#sender?.wakeAt(now) ?? Number.POSITIVE_INFINITY;
  }

  check(now: Millis): Problem | undefined {
    this.liveness.check(now);
    this.stats.check(now, this.snp.roundTrip.smoothedMs);
    if (!this.liveness.isDead(now, this.#options.timeoutConnectedMs)) return undefined;
    return { reason: EndReason.MiscTimeout, debug: 'Connection dropped' };
  }

  /** False when GNS discards the packet. */
  #takeFrames(now: Millis, number: number, plaintext: Uint8Array): boolean | Problem {
    const next = this.#sender?.next ?? 0;
    try {
      return this.snp.handlePacket(now, number, next, plaintext, plaintext.length);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return { reason: EndReason.MiscInternalError, debug: `SNP decode: ${error.message}` };
    }
  }

  /** Stats are not protected: they may ask for an answer, and are believed only as statistics. */
  #takeStats(now: Millis, bytes: Uint8Array): void {
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
}

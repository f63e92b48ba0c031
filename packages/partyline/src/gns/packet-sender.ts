import type { Millis } from '../base/index.ts';
import type { Snp } from '../snp/index.ts';
import type { LinkStats, StatsNeed } from './link-stats.ts';
import type { Liveness } from './liveness.ts';
import type { PacketCipher } from './packet-cipher.ts';
import { dataHeaderBytes, encodeDataHeader } from './packet-header.ts';
import { MAX_DATAGRAM_BYTES, MAX_ENCRYPTED_BYTES } from './protocol.ts';
import type { SessionCiphers } from './session-ciphers.ts';
import { encodeStats, StatsFlag } from './stats-message.ts';

/** The pause before a packet is told only when it is shorter than this, in ms. */
const MAX_TOLD_PAUSE_MS = 250;
/** Stats that nobody acknowledged for so long are told anew, in ms. */
const STATS_LIFETIME_MS = 3000;

/** Unreliable packets are not acknowledged by themselves: so many later an ack is asked for. */
const ASK_AFTER_PACKETS = 0x400;
/** So far ahead of the newest ack it is asked for at once. */
const ASK_URGENTLY_PACKETS = 0x1800;

export interface DataSenderSetup {
  readonly snp: Snp;
  readonly stats: LinkStats;
  readonly liveness: Liveness;
  readonly ciphers: SessionCiphers;
  readonly remoteId: number;
  readonly firstNumber: number;
  /** Does the peer understand the time between packets? */
  readonly mayTellPause: boolean;
}

/** Makes a connection's data packets: when one leaves, with which stats, under which number. */
export class DataSender {
  // Taken apart: thousands of connections have one shape here, which what they were given may not have.
  readonly #snp: Snp;
  readonly #stats: LinkStats;
  readonly #liveness: Liveness;
  readonly #sealer: PacketCipher;
  readonly #opener: PacketCipher;
  /** Signed: a number over 2^31 would be an object of its own, far from this one. */
  readonly #remoteId: number;
  readonly #mayTellPause: boolean;
  #wantedMtuBytes: number = MAX_DATAGRAM_BYTES;
  #mtuBytes: number = MAX_DATAGRAM_BYTES;
  #fullBytes = 0;
  #tellsPause = false;
  #next: number;
  #sentAt: Millis = Number.NEGATIVE_INFINITY;
  #isReplyWanted = false;
  #statsInFlight: StatsNeed | undefined;
  #statsSentAt: Millis = 0;
  #askedNumber = 0;

  constructor(setup: DataSenderSetup) {
    this.#snp = setup.snp;
    this.#stats = setup.stats;
    this.#liveness = setup.liveness;
    this.#sealer = setup.ciphers.sealer;
    this.#opener = setup.ciphers.opener;
    this.#remoteId = setup.remoteId | 0;
    this.#mayTellPause = setup.mayTellPause;
    this.#next = setup.firstNumber;
  }

  /** What counts from now on; at first before anything is written. */
  configure(options: { readonly mtuBytes: number; readonly sendTimeSincePrevious: boolean }): void {
    this.#tellsPause = options.sendTimeSincePrevious && this.#mayTellPause;
    this.#wantedMtuBytes = options.mtuBytes;
    this.#adjustMtu();
  }

  /** Smaller only while nothing may have to be repeated in the size that it had, as in GNS. */
  #adjustMtu(): void {
    const bytes = this.#wantedMtuBytes;
    if (bytes < this.#mtuBytes && !this.#snp.isSettled) return;
    const headBytes = MAX_DATAGRAM_BYTES - MAX_ENCRYPTED_BYTES;
    this.#mtuBytes = bytes;
    this.#fullBytes = bytes - headBytes - this.#sealer.overheadBytes;
    this.#snp.fullPacketBytes = this.#fullBytes;
  }

  /** The number of the next packet. */
  get next(): number {
    return this.#next;
  }

  /** Something leaves now though nothing else would: the peer asked for an answer at once. */
  reply(): void {
    this.#isReplyWanted = true;
  }

  wakeAt(now: Millis): Millis {
    if (this.#isReplyWanted) return now;
    const statsAt =
      this.#statsInFlight === undefined ? this.#stats.dueAt : this.#statsSentAt + STATS_LIFETIME_MS;
    return Math.min(this.#snp.nextSendAt(now), this.#liveness.nextAt, statsAt);
  }

  /** Writes a datagram at `at` of `target`; returns its length, 0 when nothing is to be sent now. */
  write(now: Millis, target: Uint8Array, at: number): number {
    const snp = this.#snp;
    const liveness = this.#liveness;
    const sealer = this.#sealer;
    this.settleStats(now);
    if (this.#wantedMtuBytes !== this.#mtuBytes) this.#adjustMtu();
    const question = liveness.question(now);
    const need = this.#statsInFlight === undefined ? this.#stats.need(now) : undefined;
    const isForced = question !== undefined || need?.isDue === true || this.#isReplyWanted;
    if (!isForced && snp.nextSendAt(now) > now) return 0;
    let flags = 0;
    if (question !== undefined || need !== undefined || liveness.wantsTracer(now)) {
      flags |= StatsFlag.AckRequest;
    }
    if (question === 'urgent') flags |= StatsFlag.AckRequestImmediate;
    flags |= this.#askIfFarAhead();
    const blob = flags === 0 ? undefined : this.#statsBlob(now, flags, need);
    const pauseMs = this.#toldPause(now);
    const room = this.#mtuBytes - dataHeaderBytes(blob, pauseMs >= 0) - sealer.overheadBytes;
    const limit = Math.min(this.#fullBytes, room);
    const length = snp.writePacket(now, this.#next, plaintextBuffer, 0, limit, isForced);
    if (length === 0) return 0;
    const bodyAt = encodeDataHeader(target, at, this.#remoteId, this.#next, blob, pauseMs);
    const plaintext = plaintextBuffer.subarray(0, length);
    const total = bodyAt - at + sealer.seal(this.#next, plaintext, target, bodyAt);
    this.#sent(now, total, flags, need);
    return total;
  }

  /** Looks whether the stats on their way have arrived. */
  settleStats(now: Millis): void {
    const inFlight = this.#statsInFlight;
    if (inFlight === undefined) return;
    const snp = this.#snp;
    if (snp.watched === 'waiting' && now < this.#statsSentAt + STATS_LIFETIME_MS) return;
    this.#statsInFlight = undefined;
    if (snp.watched !== 'acked') return;
    this.#stats.acked(now, inFlight.instantaneous, inFlight.lifetime);
    snp.releaseIdle(); // a good moment: it comes every 20 s at most
    this.#sealer.release();
    this.#opener.release();
  }

  #sent(now: Millis, bytes: number, flags: number, need: StatsNeed | undefined): void {
    const snp = this.#snp;
    const liveness = this.#liveness;
    snp.sent(bytes);
    this.#stats.sent(bytes);
    this.#isReplyWanted = false;
    this.#sentAt = now;
    if (snp.wroteReliable) liveness.expectReply(now, true);
    if (flags !== 0) liveness.expectReply(now, (flags & StatsFlag.AckRequestImmediate) === 0);
    if (need !== undefined) {
      this.#statsInFlight = need;
      this.#statsSentAt = now;
      snp.watch(this.#next);
    }
    this.#next += 1;
  }

  #askIfFarAhead(): number {
    const ahead = this.#next - Math.max(this.#snp.newestAcked, this.#askedNumber);
    if (ahead < ASK_AFTER_PACKETS) return 0;
    this.#askedNumber = this.#next;
    const isUrgent = this.#next - this.#snp.newestAcked > ASK_URGENTLY_PACKETS;
    return StatsFlag.AckRequest | (isUrgent ? StatsFlag.AckRequestImmediate : 0);
  }

  #statsBlob(now: Millis, flags: number, need: StatsNeed | undefined): Uint8Array {
    const stats = this.#stats;
    return encodeStats({
      flags,
      ...(need?.instantaneous ? { instantaneous: stats.instantaneous } : {}),
      ...(need?.lifetime ? { lifetime: stats.lifetime(now) } : {}),
    });
  }

  #toldPause(now: Millis): number {
    if (!this.#tellsPause) return -1;
    const pauseMs = now - this.#sentAt;
    return pauseMs <= MAX_TOLD_PAUSE_MS ? pauseMs : -1;
  }
}

/** Written and sealed within one call, so that all connections share it. */
const plaintextBuffer = new Uint8Array(MAX_DATAGRAM_BYTES);

import type { Millis } from '../base/index.ts';
import type { PacketNumbers } from './packet-numbers.ts';
import type { InstantaneousStats, LifetimeStats } from './stats-message.ts';

/** Rates and quality are taken over this (GNS `k_usecSteamDatagramLinkStatsDefaultInterval`), in ms. */
const INTERVAL_MS = 5000;
/** Stats are sent with what leaves anyhow after the first, on their own after the second, in ms. */
const INSTANTANEOUS_MS: readonly [number, number] = [20_000, 30_000];
const LIFETIME_MS: readonly [number, number] = [120_000, 140_000];
/** Fewer packets in an interval say nothing of quality. */
const MIN_PACKETS = 5;
/** A pause over this says nothing of jitter (GNS `k_usecTimeSinceLastPacketMaxReasonable`), in ms. */
const MAX_JITTER_PAUSE_MS = 250;

/** What is sent of the stats, and whether it is overdue. */
export interface StatsNeed {
  readonly instantaneous: boolean;
  readonly lifetime: boolean;
  readonly isDue: boolean;
}

/** Counts and rates of one connection, in GNS's intervals. */
export class LinkStats {
  packetsSent = 0;
  bytesSent = 0;
  packetsReceived = 0;
  bytesReceived = 0;
  /** As the peer last told them. */
  remote: InstantaneousStats | undefined;
  remoteLifetime: LifetimeStats | undefined;
  /** Share of packets that came, once and in order, in the last interval; -1 while unknown. */
  quality = -1;
  readonly #numbers: PacketNumbers;
  readonly #startedAt: Millis;
  #intervalAt: Millis;
  #before = { packetsSent: 0, bytesSent: 0, packetsReceived: 0, bytesReceived: 0 };
  #numbersBefore = { received: 0, dropped: 0, weird: 0 };
  #instantaneous: InstantaneousStats = noRates;
  #peakJitterMs = -1;
  #receivedInOrderAt: Millis = Number.NEGATIVE_INFINITY;
  #instantaneousAckedAt: Millis;
  #lifetimeAckedAt: Millis;
  #packetsAtAck = 0;

  constructor(now: Millis, numbers: PacketNumbers) {
    this.#numbers = numbers;
    this.#startedAt = now;
    this.#intervalAt = now;
    this.#instantaneousAckedAt = now;
    this.#lifetimeAckedAt = now;
  }

  sent(bytes: number): void {
    this.packetsSent += 1;
    this.bytesSent += bytes;
  }

  received(bytes: number): void {
    this.packetsReceived += 1;
    this.bytesReceived += bytes;
  }

  /** A sequenced packet was processed; `isNext` when it directly follows the one before. */
  sequenced(now: Millis, isNext: boolean, timeSincePreviousMs: number): void {
    const previousAt = this.#receivedInOrderAt;
    this.#receivedInOrderAt = now;
    if (!isNext || timeSincePreviousMs < 0) return;
    const pauseMs = now - previousAt;
    if (timeSincePreviousMs >= MAX_JITTER_PAUSE_MS || pauseMs >= MAX_JITTER_PAUSE_MS) return;
    this.#peakJitterMs = Math.max(this.#peakJitterMs, Math.abs(pauseMs - timeSincePreviousMs));
  }

  /** Ends the interval when it is over. */
  check(now: Millis, pingMs: number): void {
    const elapsedMs = now - this.#intervalAt;
    if (elapsedMs < INTERVAL_MS) return;
    const perSecond = 1000 / elapsedMs;
    const { received, dropped, weird } = this.#sequenceCounts();
    const total = received + dropped;
    if (received > MIN_PACKETS) this.quality = Math.max(0.01, (received - weird) / total);
    this.#instantaneous = {
      outPacketsPerSecond: (this.packetsSent - this.#before.packetsSent) * perSecond,
      outBytesPerSecond: (this.bytesSent - this.#before.bytesSent) * perSecond,
      inPacketsPerSecond: (this.packetsReceived - this.#before.packetsReceived) * perSecond,
      inBytesPerSecond: (this.bytesReceived - this.#before.bytesReceived) * perSecond,
      pingMs,
      packetsDropped: received > 0 ? dropped / total : -1,
      packetsWeird: received > 0 ? weird / total : -1,
      peakJitterUsec: this.#peakJitterMs < 0 ? -1 : this.#peakJitterMs * 1000,
    };
    this.#startInterval(now);
  }

  get instantaneous(): InstantaneousStats {
    return this.#instantaneous;
  }

  lifetime(now: Millis): LifetimeStats {
    const numbers = this.#numbers;
    return {
      connectedSeconds: Math.floor((now - this.#startedAt) / 1000),
      packetsSent: this.packetsSent,
      kilobytesSent: Math.round(this.bytesSent / 1024),
      packetsReceived: this.packetsReceived,
      kilobytesReceived: Math.round(this.bytesReceived / 1024),
      packetsSequenced: numbers.received,
      packetsDropped: numbers.dropped,
      packetsOutOfOrder: numbers.outOfOrder,
      packetsOutOfOrderCorrected: numbers.outOfOrderCorrected,
      packetsDuplicate: numbers.duplicates,
      packetsLurch: numbers.lurches,
    };
  }

  /** What the peer should be told by now; `undefined` for nothing. An idle connection has no news. */
  need(now: Millis): StatsNeed | undefined {
    const instantaneousAge = now - this.#instantaneousAckedAt;
    const lifetimeAge = now - this.#lifetimeAckedAt;
    if (instantaneousAge < INSTANTANEOUS_MS[0] && lifetimeAge < LIFETIME_MS[0]) return undefined;
    if (this.packetsSent + this.packetsReceived < this.#packetsAtAck + MIN_PACKETS) {
      this.acked(now, true, true);
      return undefined;
    }
    return {
      instantaneous: instantaneousAge >= INSTANTANEOUS_MS[0],
      lifetime: lifetimeAge >= LIFETIME_MS[0],
      isDue: instantaneousAge >= INSTANTANEOUS_MS[1] || lifetimeAge >= LIFETIME_MS[1],
    };
  }

  /** The peer has these stats. */
  acked(now: Millis, instantaneous: boolean, lifetime: boolean): void {
    if (instantaneous) this.#instantaneousAckedAt = now;
    if (lifetime) this.#lifetimeAckedAt = now;
    this.#packetsAtAck = this.packetsSent + this.packetsReceived;
  }

  /** When stats leave on their own. */
  get dueAt(): Millis {
    return Math.min(
      this.#instantaneousAckedAt + INSTANTANEOUS_MS[1],
      this.#lifetimeAckedAt + LIFETIME_MS[1],
    );
  }

  #sequenceCounts(): { received: number; dropped: number; weird: number } {
    const numbers = this.#numbers;
    const before = this.#numbersBefore;
    const weird = numbers.outOfOrder + numbers.duplicates + numbers.lurches;
    const counts = {
      received: numbers.received - before.received,
      // Late packets take back what was counted as dropped, even an interval earlier.
      dropped: Math.max(0, numbers.dropped - before.dropped),
      weird: weird - before.weird,
    };
    this.#numbersBefore = { received: numbers.received, dropped: numbers.dropped, weird };
    return counts;
  }

  #startInterval(now: Millis): void {
    const { packetsSent, bytesSent, packetsReceived, bytesReceived } = this;
    this.#before = { packetsSent, bytesSent, packetsReceived, bytesReceived };
    this.#intervalAt = now;
    this.#peakJitterMs = -1;
  }
}

const noRates: InstantaneousStats = Object.freeze({
  outPacketsPerSecond: 0,
  outBytesPerSecond: 0,
  inPacketsPerSecond: 0,
  inBytesPerSecond: 0,
  pingMs: -1,
  packetsDropped: -1,
  packetsWeird: -1,
  peakJitterUsec: -1,
});

import type { Millis } from '../base/index.ts';
import { QueueDelay } from './queue-delay.ts';

/** What GNS sends with when nothing is configured; also where we start, in bytes/s. */
const START_BYTES_PER_SECOND = 256 * 1024;
/** Judged not more often than this, however near the peer is, in ms. */
const MIN_EPOCH_MS = 10;
/** Queue of our own that is aimed at, at {@link TARGET_RATE}; falls with the root of the rate. */
const TARGET_MS = 10;
const TARGET_RATE = 1_000_000;
/** Clocks, timers and 32 µs units of ack delays hide what is shorter, in ms. */
const MIN_TARGET_MS = 1;
const MAX_LAN_TARGET_MS = 2;
/** Steps around the target, as shares of the rate per epoch. */
const MIN_STEP = 0.02;
const MAX_STEP = 0.1;
/** The largest step up after startup: each epoch without a queue doubles it up to this. */
const MAX_CLIMB = 0.25;
/** A link that delivers less than this share of what was sent is full. */
const KEPT_UP = 0.9;
/** Loss that is made up for, because radio links have it, and loss that is answered. */
const FORGIVEN_LOSS = 0.03;
const ANSWERED_LOSS = 0.05;
/** Packets over which the loss is averaged. */
const LOSS_MEMORY_PACKETS = 200;
/** A queue that has not been seen empty for this long is emptied, to see the path without it, in ms. */
const EMPTY_EVERY_MS = 2000;
const DRAIN_SHARE = 0.5;
/** A queue so many times the target is drained at once. */
const DRAIN_OVER = 4;
/** Epochs without effect after which what we drain is not our queue, but a longer path. */
const MAX_USELESS_EPOCHS = 3;

type Phase = 'startup' | 'cruise' | 'drain';

export interface CongestionLimits {
  /** GNS SendRateMin, in bytes/s. */
  readonly minBytesPerSecond: number;
  /** GNS SendRateMax, in bytes/s. */
  readonly maxBytesPerSecond: number;
}

/**
 * Chooses the rate of the token bucket from what becomes of packets: as fast as the path delivers,
 * with a queue of a few ms (docs/adr/0055). Each input costs the same whatever is in flight.
 */
export class CongestionControl {
  readonly #limits: CongestionLimits;
  readonly #delay = new QueueDelay();
  #phase: Phase = 'startup';
  #rate: number;
  /** The rate one epoch ago: what is acknowledged now was sent with it. */
  #rateBefore: number;
  #climb = MIN_STEP;
  /** What the path gave when draining began or since, in bytes/s. */
  #capacity = 0;
  #drainSince: Millis = 0;
  #drainDelayMs = 0;
  #uselessEpochs = 0;
  #epochAt: Millis | undefined;
  #ackedBytes = 0;
  #ackedPackets = 0;
  #lostPackets = 0;
  #loss = 0;
  #limitedAt: Millis = Number.NEGATIVE_INFINITY;
  #halvedAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(limits: CongestionLimits) {
    this.#limits = limits;
    this.#rate = this.#clamp(START_BYTES_PER_SECOND);
    this.#rateBefore = this.#rate;
  }

  /** Send with this now. */
  get bytesPerSecond(): number {
    if (this.#phase !== 'drain') return this.#rate;
    return this.#clamp(Math.min(this.#rate, this.#capacity * DRAIN_SHARE));
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Packets that were sent and are acknowledged, one by one or added up, in any order. */
  acked(bytes: number, packets = 1): void {
    this.#ackedBytes += bytes;
    this.#ackedPackets += packets;
  }

  /** A packet is believed lost; a later {@link CongestionControl.acked} of it does no harm. */
  lost(): void {
    this.#lostPackets += 1;
  }

  /** There was nothing to send though the rate allowed it: what is delivered says little. */
  limited(now: Millis): void {
    this.#limitedAt = now;
  }

  /** Nothing was acknowledged for a whole retry time. */
  timedOut(now: Millis): void {
    const { standingMs } = this.#delay;
    if (now < this.#halvedAt + Math.max(MIN_EPOCH_MS, standingMs)) return;
    this.#halvedAt = now;
    this.#phase = 'cruise';
    this.#rate = this.#clamp(this.#rate / 2);
    this.#climb = MIN_STEP;
  }

  /** A round trip less the peer's own delay, measured by the ack just taken, after its packets. */
  handleRoundTrip(now: Millis, roundTripMs: number): void {
    this.#delay.sample(now, roundTripMs);
    if (this.#epochAt === undefined) this.#beginEpoch(now);
    else if (this.#isHurried(now) || now >= this.#epochAt + this.#epochMs) this.#endEpoch(now);
  }

  get #epochMs(): number {
    return Math.max(MIN_EPOCH_MS, this.#delay.baseMs);
  }

  /** Startup doubles the rate blindly, so the first sign of a queue ends it. */
  #isHurried(now: Millis): boolean {
    const since = now - (this.#epochAt ?? now);
    return (
      this.#phase === 'startup' && since >= MIN_EPOCH_MS / 2 && this.#delay.queueMs > this.#targetMs
    );
  }

  get #targetMs(): number {
    const wanted = TARGET_MS * Math.sqrt(TARGET_RATE / this.#rate);
    const most = Math.max(MAX_LAN_TARGET_MS, this.#delay.baseMs);
    return Math.max(MIN_TARGET_MS, Math.min(wanted, most));
  }

  #beginEpoch(now: Millis): void {
    this.#epochAt = now;
    this.#ackedBytes = 0;
    this.#ackedPackets = 0;
    this.#lostPackets = 0;
  }

  #endEpoch(now: Millis): void {
    const elapsedMs = now - (this.#epochAt ?? now);
    const packets = this.#ackedPackets + this.#lostPackets;
    if (packets === 0) return;
    const delivered = (this.#ackedBytes * 1000) / elapsedMs;
    const weight = Math.min(1, packets / LOSS_MEMORY_PACKETS);
    this.#loss += (this.#lostPackets / packets - this.#loss) * weight;
    const keptUp = delivered >= KEPT_UP * (1 - Math.min(this.#loss, 0.5)) * this.#rateBefore;
    const isLimited =
      !keptUp && this.#limitedAt > now - elapsedMs - Math.max(elapsedMs, this.#delay.standingMs);
    const rate = this.#rate;
    if (this.#phase === 'startup') this.#startUp(now, delivered, keptUp, isLimited);
    else if (this.#phase === 'drain') this.#drain(now, delivered);
    else this.#cruise(now, delivered, keptUp, isLimited);
    this.#rateBefore = rate;
    this.#beginEpoch(now);
  }

  #startUp(now: Millis, delivered: number, keptUp: boolean, isLimited: boolean): void {
    const isFull = this.#delay.queueMs > this.#targetMs;
    if (isFull || this.#loss > ANSWERED_LOSS) this.#beginDrain(now, delivered);
    else if (keptUp) this.#rate = this.#clamp(this.#rate * 2);
    else if (!isLimited && this.#rate >= this.#rateBefore * 1.9) this.#rateBefore = this.#rate;
  }

  #beginDrain(now: Millis, delivered: number): void {
    this.#phase = 'drain';
    this.#capacity = delivered;
    this.#drainSince = now;
    this.#drainDelayMs = this.#delay.queueMs;
    this.#uselessEpochs = 0;
  }

  #drain(now: Millis, delivered: number): void {
    const { queueMs } = this.#delay;
    if (queueMs <= this.#targetMs / 2) {
      this.#endDrain();
      return;
    }
    // While there is a queue, what comes out of it is our share of the path.
    this.#capacity = delivered;
    if (now < this.#drainSince + this.#delay.standingMs + this.#epochMs) return;
    this.#uselessEpochs = queueMs > this.#drainDelayMs * 0.9 ? this.#uselessEpochs + 1 : 0;
    if (this.#uselessEpochs === 0) this.#drainDelayMs = queueMs;
    if (this.#uselessEpochs < MAX_USELESS_EPOCHS) return;
    this.#delay.acceptAsBase(now);
    this.#endDrain();
  }

  #endDrain(): void {
    this.#phase = 'cruise';
    this.#rate = this.#clamp(this.#capacity);
    this.#climb = MIN_STEP;
    this.#delay.noteEmpty();
  }

  #cruise(now: Millis, delivered: number, keptUp: boolean, isLimited: boolean): void {
    const { queueMs } = this.#delay;
    const targetMs = this.#targetMs;
    const room = Math.max(-1, 1 - queueMs / targetMs);
    const step = Math.min(MAX_STEP, Math.max(MIN_STEP, (0.5 * targetMs) / this.#delay.standingMs));
    const isStale = queueMs > targetMs / 2 && this.#delay.isStale(now, EMPTY_EVERY_MS);
    if (queueMs > DRAIN_OVER * targetMs || isStale) {
      this.#beginDrain(now, delivered);
    } else if (this.#loss > ANSWERED_LOSS && !isLimited) {
      this.#climb = MIN_STEP;
      this.#rate = this.#clamp(Math.min(this.#rate, delivered) * (1 - this.#loss / 2));
    } else if (isLimited) {
      if (room < 0) this.#rate = this.#clamp(this.#rate * (1 + step * room));
    } else if (room > 0.5 && keptUp) {
      this.#rate = this.#clamp(this.#rate * (1 + this.#climb));
      this.#climb = Math.min(MAX_CLIMB, this.#climb * 2);
    } else {
      this.#climb = MIN_STEP;
      const served = delivered * (1 + Math.min(this.#loss, FORGIVEN_LOSS));
      this.#rate = this.#clamp(served * (1 + step * room));
    }
  }

  dbg() {
    return `q${this.#delay.queueMs.toFixed(1)} base${this.#delay.baseMs.toFixed(1)} tgt${this.#targetMs.toFixed(1)} loss${this.#loss.toFixed(3)} climb${this.#climb.toFixed(2)} cap${(this.#capacity / 1e6).toFixed(2)}`;
  }
  #clamp(rate: number): number {
    const { minBytesPerSecond, maxBytesPerSecond } = this.#limits;
    return Math.min(maxBytesPerSecond, Math.max(minBytesPerSecond, rate));
  }
}

import type { Millis } from '../base/index.ts';
import { QueueDelay } from './queue-delay.ts';

/** What GNS sends with when nothing is configured; also where we start, in bytes/s. */
const START_BYTES_PER_SECOND = 256 * 1024;
/** Judged not more often than this, however near the peer is, in ms. */
const MIN_EPOCH_MS = 10;
/** Queue of our own that is aimed at, at {@link TARGET_RATE}; falls with the root of the rate. */
const TARGET_MS = 15;
const TARGET_RATE = 1_000_000;
/** Clocks, timers and 32 µs units of ack delays hide what is shorter, in ms. */
const MIN_TARGET_MS = 2;
const MAX_LAN_TARGET_MS = 4;
/** Steps around the target, as shares of the rate per epoch. */
const MIN_STEP = 0.01;
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
/** Who sends less than this share of the rate did not make the queue. */
const IDLE_SHARE = 0.1;
/** A queue that has not been seen empty for this long is emptied, to see the path without it, in ms. */
const EMPTY_EVERY_MS = 2000;
const DRAIN_SHARE = 0.5;
/** A queue so many times the target is drained at once. */
const DRAIN_OVER = 4;
/** A drain that leaves more than this of the queue had no effect; after so many it is a longer path. */
const USELESS_SHARE = 0.8;
const MAX_USELESS_DRAINS = 3;
const MAX_UNSEEN_ROUND_TRIPS = 3;
/** A silence shorter than this may be a machine that was busy, in ms. */
const TIMED_OUT_MS = 200;
/** How much of the best delivery is still believed an epoch later. */
const RECENT_DECAY = 0.7;

type Phase = 'startup' | 'cruise' | 'drain';

export interface CongestionLimits {
  /** GNS SendRateMin, in bytes/s. */
  readonly minBytesPerSecond: number;
  /** GNS SendRateMax, in bytes/s. */
  readonly maxBytesPerSecond: number;
}

/** What an epoch showed. */
interface Epoch {
  /** Acknowledged, in bytes/s. */
  readonly delivered: number;
  /** The path delivered what was sent. */
  readonly keptUp: boolean;
  /** It was not the rate that held the sender back. */
  readonly isLimited: boolean;
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
  #climb = MIN_STEP;
  /** What the path gives, as seen while there is a queue, in bytes/s. */
  #capacity = 0;
  #drainUntil: Millis = 0;
  /** The queue when the last drain began; Infinity once the rate was decided since. */
  #drainedMs = Number.POSITIVE_INFINITY;
  /** What a drain did is not seen before. */
  #drainSeenAt: Millis = Number.NEGATIVE_INFINITY;
  #uselessDrains = 0;
  #rateBeforeDrains = 0;
  #epochAt: Millis | undefined;
  /** What is acknowledged before was not sent with the present rate. */
  #settledAt: Millis = Number.NEGATIVE_INFINITY;
  #ackedBytes = 0;
  #ackedPackets = 0;
  #lostPackets = 0;
  #loss = 0;
  #sentBytes = 0;
  /** What was sent in the epoch before, in bytes/s. */
  #sentRate = 0;
  /** The best of the last epochs, in bytes/s: one may show a machine that slept. */
  #recent = 0;
  #ackedAt: Millis = Number.NEGATIVE_INFINITY;
  #halvedAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(limits: CongestionLimits) {
    this.#limits = limits;
    this.#rate = this.#clamp(START_BYTES_PER_SECOND);
  }

  /** Send with this now. */
  get bytesPerSecond(): number {
    if (this.#phase !== 'drain') return this.#rate;
    return this.#clamp(Math.min(this.#rate, this.#capacity * DRAIN_SHARE));
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** A packet that was sent is acknowledged, in any order. */
  acked(bytes: number): void {
    this.#ackedBytes += bytes;
    this.#ackedPackets += 1;
  }

  /** A packet is believed lost; a later {@link CongestionControl.acked} of it does no harm. */
  lost(): void {
    this.#lostPackets += 1;
  }

  /** A packet left. When less leaves than the rate allows, what is delivered says little of the path. */
  sent(bytes: number): void {
    this.#sentBytes += bytes;
  }

  /** Something waited for its ack longer than the retry time; counts if nothing else was acknowledged either. */
  timedOut(now: Millis): void {
    const patienceMs = Math.max(TIMED_OUT_MS, 4 * this.#delay.standingMs);
    if (now < Math.max(this.#halvedAt, this.#ackedAt) + patienceMs) return;
    this.#halvedAt = now;
    this.#phase = 'cruise';
    this.#setRate(now, this.#rate / 2);
    this.#climb = MIN_STEP;
  }

  /** A round trip less the peer's own delay, measured by the ack just taken, after its packets. */
  handleRoundTrip(now: Millis, roundTripMs: number): void {
    this.#delay.sample(now, roundTripMs);
    this.#ackedAt = now;
    this.#epochAt ??= now;
    if (this.#phase === 'drain' && now >= this.#drainUntil) this.#endDrain(now);
    const isOver = now >= this.#epochAt + this.#epochMs && !this.#isSettling(now);
    if (isOver || this.#isAlarmed(now)) this.#endEpoch(now);
  }

  get #epochMs(): number {
    return Math.max(MIN_EPOCH_MS, this.#delay.baseMs);
  }

  get #targetMs(): number {
    const wanted = TARGET_MS * Math.sqrt(TARGET_RATE / this.#rate);
    const most = Math.max(MAX_LAN_TARGET_MS, this.#delay.baseMs);
    return Math.max(MIN_TARGET_MS, Math.min(wanted, most));
  }

  /** The first epoch after a change shows the rate before it, and lasts until that is over. */
  #isSettling(now: Millis): boolean {
    return this.#phase !== 'drain' && now < this.#settledAt;
  }

  /** Startup doubles the rate blindly, so the first sign of a queue ends it; later a long one. */
  #isAlarmed(now: Millis): boolean {
    if (this.#phase === 'drain' || now < (this.#epochAt ?? now) + MIN_EPOCH_MS / 2) return false;
    const over = this.#phase === 'startup' ? 1 : DRAIN_OVER;
    return now >= this.#drainSeenAt && this.#delay.queueMs > over * this.#targetMs;
  }

  #endEpoch(now: Millis): void {
    const began = this.#epochAt ?? now;
    const packets = this.#ackedPackets + this.#lostPackets;
    if (packets === 0 || now <= began) return;
    const elapsedMs = now - began;
    const delivered = (this.#ackedBytes * 1000) / elapsedMs;
    this.#recent = Math.max(delivered, this.#recent * RECENT_DECAY);
    const sentRate = (this.#sentBytes * 1000) / elapsedMs;
    const sentBefore = this.#sentRate;
    this.#sentRate = sentRate;
    this.#sentBytes = 0;
    const weight = Math.min(1, packets / LOSS_MEMORY_PACKETS);
    this.#loss += (this.#lostPackets / packets - this.#loss) * weight;
    this.#epochAt = now;
    this.#ackedBytes = 0;
    this.#ackedPackets = 0;
    this.#lostPackets = 0;
    const { queueMs } = this.#delay;
    if (this.#phase === 'drain') {
      this.#sizeUp(queueMs, delivered);
    } else if (sentRate > IDLE_SHARE * this.#rate && this.#needsDrain(now)) {
      this.#beginDrain(now);
    } else if (began >= this.#settledAt) {
      const survivors = 1 - Math.min(this.#loss, FORGIVEN_LOSS);
      const keptUp = delivered >= KEPT_UP * survivors * this.#rate;
      const isLimited = !keptUp && Math.min(sentRate, sentBefore) < KEPT_UP * this.#rate;
      this.#decide(now, { delivered, keptUp, isLimited });
    }
  }

  /** While our queue empties, what comes out of it is our share of the path. */
  #sizeUp(queueMs: number, delivered: number): void {
    const passed = delivered / this.bytesPerSecond;
    const isPassedOn = passed > 0.8 && passed < 1.2; // then nothing of ours stands there
    if (queueMs <= this.#targetMs / 2 || isPassedOn) return;
    this.#capacity = Math.max(delivered, this.#capacity / 2, 1);
  }

  #needsDrain(now: Millis): boolean {
    if (now < this.#drainSeenAt) return false;
    const { queueMs } = this.#delay;
    const targetMs = this.#targetMs;
    if (queueMs > this.#drainedMs * USELESS_SHARE) return true;
    if (this.#phase === 'startup') return queueMs > targetMs;
    const isStale = queueMs > targetMs / 2 && this.#delay.isStale(now, EMPTY_EVERY_MS);
    return isStale || queueMs > DRAIN_OVER * targetMs;
  }

  #beginDrain(now: Millis): void {
    const { queueMs, standingMs } = this.#delay;
    this.#uselessDrains = queueMs > this.#drainedMs * USELESS_SHARE ? this.#uselessDrains + 1 : 0;
    if (this.#uselessDrains >= MAX_USELESS_DRAINS) {
      this.#uselessDrains = 0;
      this.#delay.acceptAsBase(now);
      this.#setRate(now, this.#rateBeforeDrains);
      return;
    }
    if (this.#uselessDrains === 0) this.#rateBeforeDrains = this.#rate;
    this.#phase = 'drain';
    this.#capacity = Math.max(this.#recent, 1);
    // What was sent too fast in the last round trip is not seen in the queue yet.
    const unseen = Math.min(MAX_UNSEEN_ROUND_TRIPS, Math.max(0, this.#rate / this.#capacity - 1));
    this.#drainedMs = queueMs;
    this.#drainUntil = now + (queueMs + unseen * standingMs) / (1 - DRAIN_SHARE);
  }

  #endDrain(now: Millis): void {
    this.#phase = 'cruise';
    this.#climb = MIN_STEP;
    this.#delay.noteEmpty();
    this.#setRate(now, this.#capacity);
    this.#drainSeenAt = this.#settledAt;
  }

  #decide(now: Millis, epoch: Epoch): void {
    const { delivered, keptUp, isLimited } = epoch;
    this.#drainedMs = Number.POSITIVE_INFINITY;
    if (this.#loss > ANSWERED_LOSS && !isLimited) {
      this.#phase = 'cruise';
      this.#climb = MIN_STEP;
      this.#setRate(now, Math.min(this.#rate, delivered) * (1 - this.#loss / 2));
    } else if (this.#phase === 'startup') {
      if (keptUp) this.#setRate(now, this.#rate * 2);
      else if (!isLimited) this.#phase = 'cruise';
    } else {
      this.#cruise(now, epoch);
    }
  }

  #cruise(now: Millis, { delivered, keptUp, isLimited }: Epoch): void {
    const { queueMs, standingMs } = this.#delay;
    const targetMs = this.#targetMs;
    const room = Math.max(-1, 1 - queueMs / targetMs);
    const step = Math.min(MAX_STEP, Math.max(MIN_STEP, targetMs / (4 * standingMs)));
    if (isLimited) return;
    if (room > 0.5 && !keptUp && this.#loss < FORGIVEN_LOSS) {
      this.#climb = MIN_STEP; // neither a queue nor loss: somebody's machine was slow
    } else if (room > 0.5 && keptUp) {
      this.#setRate(now, this.#rate * (1 + this.#climb));
      this.#climb = Math.min(MAX_CLIMB, this.#climb * 2);
    } else {
      this.#climb = MIN_STEP;
      const served = delivered / (1 - Math.min(this.#loss, FORGIVEN_LOSS));
      this.#setRate(now, served * (1 + step * room));
    }
  }

  #setRate(now: Millis, rate: number): void {
    this.#rate = this.#clamp(rate);
    this.#settledAt = now + this.#delay.standingMs;
  }

  #clamp(rate: number): number {
    const { minBytesPerSecond, maxBytesPerSecond } = this.#limits;
    return Math.min(maxBytesPerSecond, Math.max(minBytesPerSecond, rate));
  }
}

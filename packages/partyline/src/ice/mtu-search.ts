import type { Millis } from '../base/index.ts';
import { isIpv6 } from './candidate.ts';
import type { CandidatePair } from './candidate-pair.ts';

/** Every path carries this (RFC 8899 §5.1.2 `BASE_PLPMTU`), so nothing smaller is asked about. */
export const BASE_MTU_BYTES = 1200;
/** Payloads of UDP over IPv4: IPv6's minimum, most tunnels, PPPoE, Ethernet. IPv6 takes 20 bytes more. */
const payloads = [1252, 1372, 1412, 1464, 1472] as const;
const IPV6_EXTRA_BYTES = 20;
/** A relay's framing around what is sent (RFC 8656: a Send indication to an IPv6 peer). */
const RELAY_EXTRA_BYTES = 56;
/** How long an answer may take, at least. */
const MIN_WAIT_MS = 300;
/** RFC 8899 §5.1.1 `PMTU_RAISE_TIMER`. */
const AGAIN_MS = 600_000;

/**
 * Datagram packetization layer path-MTU discovery (RFC 8899) in connectivity checks: a check filled
 * up to a size is answered or not. Upwards, each size once, to the first that gets no answer: after a
 * router has complained, the system cuts longer datagrams into pieces, and their answers prove nothing.
 */
export class MtuSearch {
  readonly #sizes: readonly number[];
  #index = 0;
  #asked: number | undefined;
  #nextAt: Millis;

  constructor(now: Millis, pair: CandidatePair) {
    const extra =
      (isIpv6(pair.route.host) ? IPV6_EXTRA_BYTES : 0) + (pair.isRelayed ? RELAY_EXTRA_BYTES : 0);
    this.#sizes = payloads.map((size) => size - extra).filter((size) => size > BASE_MTU_BYTES);
    this.#nextAt = now;
  }

  get nextAt(): Millis {
    return this.#nextAt;
  }

  /** The size to be asked about now, in bytes of datagram; `undefined` when nothing is due. */
  next(now: Millis, rttMs = 0): number | undefined {
    if (now < this.#nextAt) return undefined;
    const size = this.#asked === undefined ? this.#sizes[this.#index] : undefined;
    this.#asked = size;
    if (size === undefined) this.#rest(now);
    else this.#nextAt = now + Math.max(MIN_WAIT_MS, 3 * rttMs);
    return size;
  }

  /** A size was answered: the next one is asked about. */
  found(now: Millis, size: number): void {
    if (size !== this.#asked) return;
    this.#asked = undefined;
    this.#index += 1;
    this.#nextAt = now;
  }

  #rest(now: Millis): void {
    this.#index = 0;
    this.#asked = undefined;
    this.#nextAt = now + AGAIN_MS;
  }
}

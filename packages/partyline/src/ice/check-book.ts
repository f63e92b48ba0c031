import type { Millis } from '../base/index.ts';
import type { IceCrypto, IceDialect, IceRole, IceTimings } from './agent-options.ts';
import { candidatePriority, localPreference } from './candidate.ts';
import type { CandidatePair, SentCheck } from './candidate-pair.ts';
import { encodeCheck } from './check-message.ts';
import type { IceCredentials } from './credentials.ts';

export interface CheckOrder {
  readonly role: IceRole;
  readonly tieBreaker: bigint;
  /** USE-CANDIDATE, and its number. Default: a plain check. */
  readonly nomination?: number | undefined;
  /** Fewer or more than the timings say. */
  readonly maxRequests?: number;
  /** Wait before the second request, in milliseconds. Default as the timings say. */
  readonly rtoMs?: number;
}

export interface FilledOrder extends Pick<CheckOrder, 'role' | 'tieBreaker'> {
  readonly sizeBytes: number;
}

export interface FoundCheck {
  readonly pair: CandidatePair;
  readonly check: SentCheck;
}

interface Entry extends FoundCheck {
  readonly rtoMs: number;
}

/** GNS `CSteamNetworkingSocketsSTUNRequest::Think` grows so, and never over a second is ours. */
const RTO_GROWTH = 1.5;
const MAX_RTO_MS = 1000;
/** An answer to a check that another one replaced is still taken for so long. */
const REMEMBER_MS = 10_000;

/** The checks that were sent: their bytes, when to send them again, and which answer belongs to which. */
export class CheckBook {
  readonly #crypto: IceCrypto;
  readonly #dialect: IceDialect;
  readonly #timings: IceTimings;
  readonly #sent = new Map<string, Entry>();

  constructor(crypto: IceCrypto, dialect: IceDialect, timings: IceTimings) {
    this.#crypto = crypto;
    this.#dialect = dialect;
    this.#timings = timings;
  }

  /** The check is the pair's from now on; false when the other side's credentials are not known. */
  start(now: Millis, pair: CandidatePair, order: CheckOrder): boolean {
    const { remote } = pair.generation;
    if (remote === undefined) return false;
    const { role, nomination, rtoMs = this.#timings.checkRtoMs } = order;
    const transactionId = this.#crypto.randomBytes(12);
    const bytes = this.#encode(pair, remote, { ...order, transactionId });
    const { maxRequests = this.#timings.maxCheckRequests } = order;
    const times = { startedAt: now, requests: 0, wasSent: false, sentAt: now, nextAt: now };
    const check = {
      transactionId,
      bytes,
      role,
      nomination,
      maxRequests,
      isRepeated: false,
      ...times,
    };
    pair.check = check;
    this.#sent.set(keyOf(transactionId), { pair, check, rtoMs });
    return true;
  }

  /**
   * A check filled up to a size and sent once, beside whatever else the pair is asked; `undefined` when
   * the other side's credentials are not known.
   */
  startFilled(now: Millis, pair: CandidatePair, order: FilledOrder): Uint8Array | undefined {
    const { remote } = pair.generation;
    if (remote === undefined) return undefined;
    const transactionId = this.#crypto.randomBytes(12);
    const bytes = this.#encode(pair, remote, { ...order, transactionId });
    const times = { startedAt: now, requests: 1, wasSent: true, sentAt: now, nextAt: now };
    const { role, sizeBytes } = order;
    const check = {
      transactionId,
      bytes,
      role,
      nomination: undefined,
      maxRequests: 1,
      isRepeated: false,
      sizeBytes,
    };
    this.#sent.set(keyOf(transactionId), { pair, check: { ...check, ...times }, rtoMs: 0 });
    return bytes;
  }

  /** Counts a request that is sent now. */
  sent(now: Millis, check: SentCheck): void {
    const rtoMs = this.#sent.get(keyOf(check.transactionId))?.rtoMs ?? this.#timings.checkRtoMs;
    const wait = Math.max(rtoMs, Math.min(rtoMs * RTO_GROWTH ** check.requests, MAX_RTO_MS));
    check.isRepeated = check.wasSent;
    check.wasSent = true;
    check.requests += 1;
    check.sentAt = now;
    check.nextAt = now + wait;
  }

  find(transactionId: Uint8Array): FoundCheck | undefined {
    return this.#sent.get(keyOf(transactionId));
  }

  /** It was answered or given up. */
  end({ pair, check }: FoundCheck): void {
    this.#sent.delete(keyOf(check.transactionId));
    if (pair.check === check) pair.check = undefined;
  }

  /** Forgets checks that were replaced, or whose pair is gone: the others are sent more often than this. */
  sweep(now: Millis): void {
    for (const [key, { check }] of this.#sent) {
      if (now - check.sentAt > REMEMBER_MS) this.#sent.delete(key);
    }
  }

  clear(): void {
    this.#sent.clear();
  }

  has(transactionId: Uint8Array): boolean {
    return this.#sent.has(keyOf(transactionId));
  }

  #encode(
    pair: CandidatePair,
    remote: IceCredentials,
    order: CheckOrder & { readonly transactionId: Uint8Array; readonly sizeBytes?: number },
  ): Uint8Array {
    const { role, tieBreaker, nomination, transactionId, sizeBytes = 0 } = order;
    return encodeCheck(
      this.#crypto,
      {
        receiverUfrag: remote.ufrag,
        senderUfrag: pair.generation.local.ufrag,
        priority: this.#priority(pair),
        role,
        tieBreaker,
        isNominating: nomination !== undefined,
        nomination,
        transactionId,
        dialect: this.#dialect,
        fillToBytes: sizeBytes,
      },
      remote.password,
    );
  }

  /**
   * RFC 8445 §7.1.1: that of a peer-reflexive candidate. From a relay it stays a relay's, so that the
   * other side can tell before signaling says so: GNS would never leave a relay that it takes for a
   * peer-reflexive address, whose priority is above every other one's behind a NAT.
   */
  #priority({ local }: CandidatePair): number {
    const type = local.candidate.type === 'relay' ? 'relay' : 'prflx';
    return candidatePriority(type, localPreference(local.source));
  }
}

/** Bytes as a key of a map. */
export function keyOf(transactionId: Uint8Array): string {
  return String.fromCharCode(...transactionId);
}

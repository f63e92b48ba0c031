import { type Millis, parseIp, printIp, unmapIp } from '../../base/index.ts';

/** What one player or one address has of the server now. */
export class Share {
  readonly name: string;
  allocations = 0;
  /** Both directions, since its oldest allocation. */
  relayedBytes = 0;
  #bytesPerSecond: number;
  #tokens: number;
  #at: Millis;

  constructor(name: string, bytesPerSecond: number, now: Millis) {
    this.name = name;
    this.#bytesPerSecond = bytesPerSecond;
    this.#tokens = bytesPerSecond;
    this.#at = now;
  }

  /** What is left here of a rate that is the sum of several places. */
  limit(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
    this.#tokens = Math.min(this.#tokens, bytesPerSecond);
  }

  /** A second's worth at once, then its rate. False: the packet is to be dropped. */
  spend(now: Millis, bytes: number): boolean {
    if (now > this.#at) {
      const refilled = this.#tokens + ((now - this.#at) * this.#bytesPerSecond) / 1000;
      this.#tokens = Math.min(refilled, this.#bytesPerSecond);
      this.#at = now;
    }
    if (this.#tokens < bytes) return false;
    this.#tokens -= bytes;
    this.relayedBytes += bytes;
    return true;
  }
}

/** What somebody has at the siblings of this server. */
interface Elsewhere {
  readonly allocations: number;
  /** How many siblings have some of them. */
  readonly places: number;
}

/** Told how many allocations of a name there are here, whenever that changes. */
export type ShareListener = (name: string, allocations: number) => void;

/** Shares of those who have an allocation; nobody else is remembered. */
export class ShareTable {
  readonly #bytesPerSecond: number;
  readonly #changed: ShareListener;
  readonly #shares = new Map<string, Share>();
  readonly #elsewhere = new Map<string, Elsewhere>();

  constructor(bytesPerSecond: number, changed: ShareListener = () => {}) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#changed = changed;
  }

  /** Here and at the siblings. */
  allocationsOf(name: string): number {
    const here = this.#shares.get(name)?.allocations ?? 0;
    return here + (this.#elsewhere.get(name)?.allocations ?? 0);
  }

  /** What siblings say: their allocations count here too, and a rate is divided by places. */
  setElsewhere(name: string, elsewhere: Elsewhere): void {
    if (elsewhere.allocations === 0) this.#elsewhere.delete(name);
    else this.#elsewhere.set(name, elsewhere);
    this.#shares.get(name)?.limit(this.#rateOf(name));
  }

  /** For one more allocation. */
  join(now: Millis, name: string): Share {
    let share = this.#shares.get(name);
    if (!share) {
      share = new Share(name, this.#rateOf(name), now);
      this.#shares.set(name, share);
    }
    share.allocations++;
    this.#changed(name, share.allocations);
    return share;
  }

  leave(share: Share): void {
    share.allocations--;
    if (share.allocations === 0) this.#shares.delete(share.name);
    this.#changed(share.name, share.allocations);
  }

  values(): Iterable<Share> {
    return this.#shares.values();
  }

  #rateOf(name: string): number {
    return this.#bytesPerSecond / (1 + (this.#elsewhere.get(name)?.places ?? 0));
  }
}

/** How often something may happen to one address, for at most so many addresses. */
export class AddressRates {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #maxAddresses: number;
  readonly #buckets = new Map<string, { tokens: number; at: Millis }>();

  constructor(perSecond: number, burst: number, maxAddresses = 10_000) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#maxAddresses = maxAddresses;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Whether {@link AddressRates.take} would say no; nothing is remembered. */
  isSpent(now: Millis, address: string): boolean {
    const bucket = this.#buckets.get(address);
    if (!bucket) return false;
    return bucket.tokens + ((now - bucket.at) * this.#perSecond) / 1000 < 1;
  }

  /** The address not seen for longest is forgotten when there are too many. */
  take(now: Millis, address: string): boolean {
    const burst = this.#burst;
    const bucket = this.#buckets.get(address) ?? { tokens: burst, at: now };
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * this.#perSecond) / 1000);
    bucket.at = now;
    this.#buckets.delete(address); // a Map iterates in order of insertion: put back, it is the youngest
    this.#buckets.set(address, bucket);
    if (this.#buckets.size > this.#maxAddresses) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }
}

/** What rates and quotas of addresses count by: IPv4 as it is, of IPv6 the /64 that a host owns. */
export function addressKey(host: string): string {
  if (!host.includes(':')) return host;
  const ip = unmapIp(parseIp(host.replace(/%.*$/, '')) ?? new Uint8Array(16));
  if (ip.length === 4) return printIp(ip);
  return `${printIp(Uint8Array.from(ip, (byte, i) => (i < 8 ? byte : 0)))}/64`;
}

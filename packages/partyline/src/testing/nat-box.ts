import type { Millis } from '../base/index.ts';
import { mulberry32 } from './random.ts';

/** As sockets report it. */
export interface SimAddress {
  readonly host: string;
  readonly port: number;
}

/** RFC 4787 §4.1 and §5: what a mapping, or the filter in front of it, depends on. */
export type NatDependence = 'endpoint-independent' | 'address' | 'address-and-port';

export interface NatBoxOptions {
  /** Its address on the outer side. */
  readonly host: string;
  /** Whether one inner address has one outer port for all destinations. Default `endpoint-independent`. */
  readonly mapping?: NatDependence;
  /** Who may answer: anybody, who was sent to, or only that address and port. Default `address-and-port`. */
  readonly filtering?: NatDependence;
  /** Turns inner datagrams to its own outer address round (RFC 4787 §6). Default false. */
  readonly hairpin?: boolean;
  /** Keeps the inner port where it is free (RFC 4787 §4.2.1). Default true. */
  readonly preservesPorts?: boolean;
  /** A mapping ends when nothing was sent from inside for so long, in milliseconds. Default 120000. */
  readonly mappingTimeoutMs?: number;
  /** Nothing comes through in either direction. Default false. */
  readonly blocksUdp?: boolean;
  /** Of the ports it chooses. Default 1. */
  readonly seed?: number;
}

interface Mapping {
  readonly inner: SimAddress;
  readonly port: number;
  readonly key: string;
  usedAt: Millis;
  /** Addresses, and addresses with port, that were sent to. */
  readonly sentTo: Set<string>;
}

export type NatKind =
  | 'full-cone'
  | 'restricted-cone'
  | 'port-restricted'
  | 'symmetric'
  | 'udp-blocked';

/** The names of RFC 3489, which people still use. */
export const natKinds: Readonly<Record<NatKind, Partial<NatBoxOptions>>> = {
  'full-cone': { mapping: 'endpoint-independent', filtering: 'endpoint-independent' },
  'restricted-cone': { mapping: 'endpoint-independent', filtering: 'address' },
  'port-restricted': { mapping: 'endpoint-independent', filtering: 'address-and-port' },
  symmetric: {
    mapping: 'address-and-port',
    filtering: 'address-and-port',
    preservesPorts: false,
  },
  'udp-blocked': { blocksUdp: true },
};

/**
 * A network address translator as RFC 4787 takes it apart: it rewrites addresses and says which
 * datagram is dropped, and moves none of them; that is what {@link SimInternet} does.
 */
export class NatBox {
  readonly #options: Required<NatBoxOptions>;
  readonly #random: () => number;
  readonly #byKey = new Map<string, Mapping>();
  readonly #byPort = new Map<number, Mapping>();
  /** Ports from before it rebooted. */
  readonly #burnt = new Set<number>();
  #host: string;

  constructor(options: NatBoxOptions) {
    this.#options = {
      mapping: 'endpoint-independent',
      filtering: 'address-and-port',
      hairpin: false,
      preservesPorts: true,
      mappingTimeoutMs: 120_000,
      blocksUdp: false,
      seed: 1,
      ...options,
    };
    this.#random = mulberry32(this.#options.seed);
    this.#host = options.host;
  }

  /** Its address on the outer side. */
  get host(): string {
    return this.#host;
  }

  get hairpins(): boolean {
    return this.#options.hairpin;
  }

  /** Mappings that are alive. */
  mappings(now: Millis): number {
    return [...this.#byPort.values()].filter((mapping) => this.#isAlive(now, mapping)).length;
  }

  /** The outer address that a datagram from inside gets; `undefined` when it is dropped. */
  outbound(now: Millis, from: SimAddress, to: SimAddress): SimAddress | undefined {
    if (this.#options.blocksUdp) return undefined;
    const key = `${print(from)}|${scope(this.#options.mapping, to)}`;
    let mapping = this.#byKey.get(key);
    if (mapping === undefined || !this.#isAlive(now, mapping)) {
      mapping = this.#map(now, from, key);
    }
    mapping.usedAt = now;
    mapping.sentTo.add(to.host).add(print(to));
    return { host: this.#host, port: mapping.port };
  }

  /** The inner address that a datagram from outside goes to; `undefined` when it is dropped. */
  inbound(now: Millis, from: SimAddress, to: SimAddress): SimAddress | undefined {
    const mapping = this.#byPort.get(to.port);
    if (this.#options.blocksUdp || mapping === undefined || to.host !== this.#host) {
      return undefined;
    }
    if (!this.#isAlive(now, mapping)) return undefined;
    const { filtering } = this.#options;
    const isLet =
      filtering === 'endpoint-independent' || mapping.sentTo.has(scope(filtering, from));
    return isLet ? mapping.inner : undefined;
  }

  /** As after a reboot: all mappings are forgotten and new ports are used, with `host` a new address too. */
  rebind(host: string = this.#host): void {
    this.#host = host;
    // Nobody keeps an inner port over a reboot: the old outer ports are to be gone for good.
    for (const { inner } of this.#byPort.values()) this.#burnt.add(inner.port);
    for (const port of this.#byPort.keys()) this.#burnt.add(port);
    this.#byKey.clear();
    this.#byPort.clear();
  }

  #map(now: Millis, inner: SimAddress, key: string): Mapping {
    const mapping = { inner, port: this.#choosePort(now, inner), key, usedAt: now };
    const fresh: Mapping = { ...mapping, sentTo: new Set() };
    this.#byKey.set(key, fresh);
    this.#byPort.set(fresh.port, fresh);
    return fresh;
  }

  #choosePort(now: Millis, { port: inner }: SimAddress): number {
    const isFree = (port: number): boolean => {
      const mapping = this.#byPort.get(port);
      return !this.#burnt.has(port) && (mapping === undefined || !this.#isAlive(now, mapping));
    };
    if (this.#options.preservesPorts && isFree(inner)) return inner;
    for (let tries = 0; tries < 100_000; tries++) {
      const port = 1024 + Math.floor(this.#random() * 64_000);
      if (isFree(port)) return port;
    }
    throw new Error('the NAT has no port left');
  }

  #isAlive(now: Millis, { usedAt }: Mapping): boolean {
    return now - usedAt < this.#options.mappingTimeoutMs;
  }
}

function print({ host, port }: SimAddress): string {
  return `${host} ${port}`;
}

/** The part of a remote address that matters. */
function scope(dependence: NatDependence, address: SimAddress): string {
  if (dependence === 'endpoint-independent') return '';
  return dependence === 'address' ? address.host : print(address);
}

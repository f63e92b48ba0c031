import type { Millis } from '../../base/index.ts';
import type { AddressFamily } from '../index.ts';
import { type Allocation, RelayPort } from './allocation.ts';
import type { PortRange, RelayAddress, ResolvedTurnOptions } from './options.ts';
import { PortPool } from './port-pool.ts';

/** How a port is to be chosen: RFC 8656 §7.2, EVEN-PORT. */
export type PortWish = 'any' | 'even' | 'pair' | { readonly reserved: number };

interface Family {
  readonly address: RelayAddress;
  readonly ports: PortPool;
}

/** Every relayed address, with the ports of each family. */
export class RelayTable {
  readonly #families = new Map<AddressFamily, Family>();
  readonly #siblingPorts: PortRange;
  readonly #ports: PortRange;
  readonly #byHost = new Map<string, Map<number, RelayPort>>();
  #nextId = 1;

  constructor(
    { relays, ports, siblingPorts, ownPorts, limits }: ResolvedTurnOptions,
    randomBytes: (length: number) => Uint8Array,
  ) {
    this.#ports = ports;
    this.#siblingPorts = siblingPorts;
    for (const address of relays) {
      const pool = new PortPool(ports, limits.portRestSec * 1000, ownPorts, randomBytes);
      this.#families.set(address.family, { address, ports: pool });
    }
  }

  has(family: AddressFamily): boolean {
    return this.#families.has(family);
  }

  /** The relayed address in use there. */
  find(host: string, port: number): RelayPort | undefined {
    const relay = this.#byHost.get(host)?.get(port);
    return relay?.isOpen ? relay : undefined;
  }

  /** The relayed address in use at our address of a family. */
  ofFamily(family: number, port: number): RelayPort | undefined {
    for (const { address } of this.#families.values()) {
      if (address.family === family) return this.find(address.host, port);
    }
    return undefined;
  }

  /** Whether a sibling relays there, if anybody does. */
  isSiblings(port: number): boolean {
    return isIn(this.#siblingPorts, port) && !isIn(this.#ports, port);
  }

  /** Takes a port for an allocation; of a `pair` the even one, the next is taken too. */
  take(
    now: Millis,
    family: AddressFamily,
    wish: PortWish,
    allocation: Allocation,
  ): RelayPort | undefined {
    const { address, ports } = this.#families.get(family) ?? {};
    if (!address || !ports) return undefined;
    const port = choosePort(now, ports, wish);
    if (port === undefined) return undefined;
    const relay = new RelayPort(this.#nextId++, address, port, allocation);
    // Both hosts are us: what peers see, and what packets of our own machine have as destination.
    for (const host of new Set([address.host, address.bindHost])) this.#at(host).set(port, relay);
    return relay;
  }

  /** The port rests from now on. */
  give(now: Millis, relay: RelayPort): void {
    for (const host of new Set([relay.host, relay.bindHost])) {
      const ports = this.#byHost.get(host);
      if (ports?.get(relay.port) === relay) ports.delete(relay.port);
    }
    this.givePort(now, relay.family, relay.port);
  }

  /** A port that was reserved, and not asked for in time. */
  givePort(now: Millis, family: AddressFamily, port: number): void {
    this.#families.get(family)?.ports.give(now, port);
  }

  #at(host: string): Map<number, RelayPort> {
    const known = this.#byHost.get(host);
    if (known) return known;
    const ports = new Map<number, RelayPort>();
    this.#byHost.set(host, ports);
    return ports;
  }
}

function isIn({ min, max }: PortRange, port: number): boolean {
  return port >= min && port <= max;
}

function choosePort(now: Millis, ports: PortPool, wish: PortWish): number | undefined {
  if (wish === 'any') return ports.take(now);
  if (wish === 'even') return ports.takeEven(now);
  if (wish === 'pair') return ports.takePair(now);
  return wish.reserved; // taken since the pair was
}

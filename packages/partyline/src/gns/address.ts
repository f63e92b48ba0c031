import { parseIp, unmapIp } from '../base/index.ts';
import { printIdentity } from '../cert/index.ts';

/** What an endpoint must know of the addresses it sends to. */
export interface AddressKind<Address> {
  table<T>(): AddressTable<Address, T>;
  /** `1.2.3.4:5`: the same for equal addresses, and for no others. */
  text(address: Address): string;
  /** `ip:1.2.3.4:5`: the identity of a peer that names none. */
  identity(address: Address): string;
  isLoopback(address: Address): boolean;
}

/** A map by address; two equal addresses are one key. */
export interface AddressTable<Address, T> {
  readonly size: number;
  get(address: Address): T | undefined;
  set(address: Address, value: T): void;
  delete(address: Address): void;
}

export interface UdpAddress {
  /** Numeric: `1.2.3.4`, `::1`, `fe80::1%eth0`. */
  readonly host: string;
  readonly port: number;
}

/** `1.2.3.4:5`, `[::1]:5`. */
export function printUdpAddress({ host, port }: UdpAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** UDP addresses; looked up without making a key, because every datagram is. */
export const udpAddresses: AddressKind<UdpAddress> = {
  table: <T>() => new UdpTable<T>(),
  text: printUdpAddress,
  identity: ({ host, port }) => printIdentity({ type: 'ip', address: bytesOf(host), port }),
  isLoopback: ({ host }) => {
    if (!host.includes(':')) return host.startsWith('127.');
    const address = bytesOf(host);
    if (address.length === 4) return address[0] === 127;
    return address.every((byte, i) => byte === (i === 15 ? 1 : 0));
  },
};

class UdpTable<T> implements AddressTable<UdpAddress, T> {
  readonly #hosts = new Map<string, Map<number, T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get({ host, port }: UdpAddress): T | undefined {
    return this.#hosts.get(host)?.get(port);
  }

  set({ host, port }: UdpAddress, value: T): void {
    const ports = this.#hosts.get(host) ?? new Map<number, T>();
    this.#hosts.set(host, ports);
    if (!ports.has(port)) this.#size += 1;
    ports.set(port, value);
  }

  delete({ host, port }: UdpAddress): void {
    const ports = this.#hosts.get(host);
    if (ports?.delete(port)) this.#size -= 1;
    if (ports?.size === 0) this.#hosts.delete(host);
  }
}

function bytesOf(host: string): Uint8Array {
  const [address = ''] = host.split('%');
  const bytes = parseIp(address);
  return bytes === undefined ? new Uint8Array(16) : unmapIp(bytes);
}

import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

/** An address of this machine that candidates can be made of. */
export interface IceInterface {
  readonly name: string;
  readonly host: string;
  /** 0 to 255, higher is better; the same for one interface from call to call. */
  readonly preference: number;
}

/** Bridges and tunnels of containers and virtual machines come last: behind them is mostly this machine itself. */
const virtualName = /^(docker|br-|veth|virbr|vmnet|vboxnet|lxc|lxd|cni|flannel|cali|podman)/i;

/**
 * Every usable address, real interfaces first (RFC 8445 §5.1.1.1): no loopback unless asked for, no
 * link-local ones, of IPv6 no address that is deprecated or hidden behind a temporary one the system
 * tells us of by order alone.
 */
export function iceInterfaces(
  options: { readonly includesLoopback?: boolean; readonly hosts?: readonly string[] } = {},
  list: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces(),
): IceInterface[] {
  const { includesLoopback = false, hosts } = options;
  const found = Object.entries(list).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ internal }) => includesLoopback || !internal)
      .filter(({ address }) => !isLinkLocal(address))
      .filter(({ address }) => hosts?.includes(address) ?? true)
      .map(({ address }) => ({ name, host: address })),
  );
  const distinct = found.filter(
    ({ host }, i) => found.findIndex((other) => other.host === host) === i,
  );
  return distinct
    .toSorted((a, b) => Number(virtualName.test(a.name)) - Number(virtualName.test(b.name)))
    .map((one, i) => ({ ...one, preference: Math.max(255 - i, 0) }));
}

function isLinkLocal(address: string): boolean {
  return /^(169\.254\.|fe[89ab][0-9a-f]:)/i.test(address);
}

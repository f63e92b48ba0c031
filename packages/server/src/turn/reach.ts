import { BlockList, isIPv6 } from 'node:net';
import { deniedByDefault } from 'partyline/protocol/turn-server';

/** From where an address can be reached, as far as the address itself tells. */
export type Reach = 'machine' | 'network' | 'internet';

const special = new BlockList();
for (const range of deniedByDefault) {
  const [address = '', bits] = range.split('/');
  special.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4');
}

export function reachOf(host: string): Reach {
  if (host === '::1' || host.startsWith('127.')) return 'machine';
  return special.check(host, isIPv6(host) ? 'ipv6' : 'ipv4') ? 'network' : 'internet';
}

/** For people: where the relay sends from, and who can reach it there. */
export function describeReach(
  hosts: readonly string[],
  { min, max }: { readonly min: number; readonly max: number },
): string {
  const said: Readonly<Record<Reach, string>> = {
    machine: 'players on this machine only',
    network: 'players of this network only; behind a NAT see docs/relay.md',
    internet: `everybody, if the firewall lets in UDP ${min} to ${max}`,
  };
  return hosts.map((host) => `${host} (${said[reachOf(host)]})`).join(', ');
}

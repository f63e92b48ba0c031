import { isIPv4, isIPv6 } from 'node:net';

/**
 * What rates and caps are counted by: the IPv4 address, or the /64 of an IPv6 one, since a host
 * owns its whole /64 (RFC 6177). IPv4-mapped addresses count as the IPv4 address. A port, which some
 * proxies write behind the address, does not count: each connection would be somebody new.
 */
export function addressKey(address: string): string {
  if (isIPv4(address)) return address;
  const [, bracketed] = /^\[([^\]]*)\](?::\d+)?$/.exec(address) ?? [];
  const [, dotted] = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(address) ?? [];
  const bare = (bracketed ?? dotted ?? address).split('%', 1)[0] ?? '';
  if (!isIPv6(bare)) return bare;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  if (mapped) return mapped;
  return `${ipv6Groups(bare).slice(0, 4).join(':')}::/64`;
}

/** All eight groups, lower case, without leading zeros. */
function ipv6Groups(address: string): string[] {
  const [head = '', tail] = address.toLowerCase().split('::');
  const front = groupsOf(head);
  const back = tail === undefined ? [] : groupsOf(tail);
  const gap = Math.max(0, 8 - front.length - back.length);
  return [...front, ...Array<string>(gap).fill('0'), ...back];
}

function groupsOf(part: string): string[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => {
    // RFC 4291 §2.2.3: the last 32 bits may be written as an IPv4 address.
    if (group.includes('.')) return ['0', '0'];
    return [group.replace(/^0+(?=.)/, '')];
  });
}

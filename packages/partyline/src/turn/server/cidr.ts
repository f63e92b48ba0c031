import { parseIp } from '../../base/index.ts';

/** A range of addresses of one family. */
export interface Cidr {
  /** 4 or 16 bytes; those behind the prefix are not looked at. */
  readonly ip: Uint8Array;
  readonly prefixBits: number;
}

/** Reads `10.0.0.0/8`, `fe80::/10`, or one address; `undefined` for anything else. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  const ip = parseIp(match?.[1] ?? '');
  if (!ip) return undefined;
  const prefixBits = match?.[2] === undefined ? ip.length * 8 : Number(match[2]);
  return prefixBits <= ip.length * 8 ? { ip, prefixBits } : undefined;
}

export function isInside({ ip: base, prefixBits }: Cidr, ip: Uint8Array): boolean {
  if (ip.length !== base.length) return false;
  const wholeBytes = prefixBits >> 3;
  for (let i = 0; i < wholeBytes; i++) if (ip[i] !== base[i]) return false;
  const rest = prefixBits & 7;
  return rest === 0 || ((ip[wholeBytes] ?? 0) ^ (base[wholeBytes] ?? 0)) >> (8 - rest) === 0;
}

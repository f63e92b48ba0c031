import { parseIp, printIp, unmapIp, utf8 } from '../base/index.ts';

/** GNS's SteamNetworkingIdentity, in the forms that occur without Steam (gns: `identity_string`). */
export type Identity =
  | { readonly type: 'str'; readonly value: string }
  | { readonly type: 'gen'; readonly bytes: Uint8Array }
  | { readonly type: 'ip'; readonly address: Uint8Array; readonly port: number }
  | { readonly type: 'steamid'; readonly id: bigint };

/** `k_cchMaxGenericString` less its NUL, in UTF-8 bytes. */
export const MAX_STR_BYTES = 31;
/** `k_cbMaxGenericBytes`. */
export const MAX_GEN_BYTES = 32;

/** `undefined` for any other form, and for values over their limits. */
export function parseIdentity(text: string): Identity | undefined {
  const colon = text.indexOf(':');
  const rest = text.slice(colon + 1);
  switch (text.slice(0, colon)) {
    case 'str':
      return isStr(rest) ? { type: 'str', value: rest } : undefined;
    case 'gen':
      return parseGen(rest);
    case 'ip':
      return parseIpIdentity(rest);
    case 'steamid':
      return parseSteamId(rest);
    default:
      return undefined;
  }
}

/** The one spelling that GNS prints and compares. */
export function printIdentity(identity: Identity): string {
  switch (identity.type) {
    case 'str':
      return `str:${identity.value}`;
    case 'gen':
      return `gen:${Array.from(identity.bytes, (b) => b.toString(16).padStart(2, '0')).join('')}`;
    case 'ip':
      return `ip:${printEndpoint(identity.address, identity.port)}`;
    case 'steamid':
      return `steamid:${identity.id}`;
  }
}

function isStr(value: string): boolean {
  const length = utf8(value).length;
  return length > 0 && length <= MAX_STR_BYTES && !/[\p{Cc}\p{Cs}]/u.test(value);
}

function parseGen(hex: string): Identity | undefined {
  const isHex = /^([0-9a-f]{2})+$/i.test(hex) && hex.length <= MAX_GEN_BYTES * 2;
  if (!isHex) return undefined;
  const pairs = hex.match(/../g) ?? [];
  return { type: 'gen', bytes: Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16)) };
}

/** `1.2.3.4`, `1.2.3.4:5`, `::1`, `[::1]`, `[::1]:5`; port 0 is none. */
function parseIpIdentity(text: string): Identity | undefined {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text);
  const dotted = /^([0-9.]+)(?::(\d{1,5}))?$/.exec(text);
  const [, host = text, portText = '0'] = bracketed ?? dotted ?? [];
  const address = parseIp(host);
  const port = Number(portText);
  if (address === undefined || port > 0xffff) return undefined;
  if (bracketed !== null && address.length === 4) return undefined;
  return { type: 'ip', address: unmapIp(address).slice(), port };
}

function printEndpoint(address: Uint8Array, port: number): string {
  const host = printIp(address);
  if (port === 0) return host;
  return address.length === 4 ? `${host}:${port}` : `[${host}]:${port}`;
}

function parseSteamId(text: string): Identity | undefined {
  if (!/^[1-9]\d{0,19}$/.test(text)) return undefined;
  const id = BigInt(text);
  return id < 2n ** 64n ? { type: 'steamid', id } : undefined;
}

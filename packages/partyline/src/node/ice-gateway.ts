import { readFileSync } from 'node:fs';

export interface DefaultGateway {
  /** Name of the interface behind which it is. */
  readonly name: string;
  readonly host: string;
}

/**
 * The router of this machine's IPv4 default route, which is also its PCP server (RFC 6887 §8.1).
 * `undefined` without one, and on systems that do not tell it in a file: all but Linux.
 */
export function defaultGateway(read: () => string = readRoutes): DefaultGateway | undefined {
  let table: string;
  try {
    table = read();
  } catch {
    return undefined; // not Linux
  }
  for (const line of table.split('\n').slice(1)) {
    const [name = '', destination, gateway = ''] = line.trim().split(/\s+/);
    if (destination !== '00000000' || !/^[0-9A-F]{8}$/i.test(gateway)) continue;
    const number = Number.parseInt(gateway, 16); // in the machine's byte order, which is little endian
    const bytes = [number, number >>> 8, number >>> 16, number >>> 24].map((byte) => byte & 0xff);
    if (number !== 0) return { name, host: bytes.join('.') };
  }
  return undefined;
}

function readRoutes(): string {
  return readFileSync('/proc/net/route', 'utf8');
}

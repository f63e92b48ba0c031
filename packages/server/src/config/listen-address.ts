/** Where a socket listens. */
export interface ListenAddress {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
}

/** Reads `7777`, `:7777`, `host:7777`, `[::1]:7777`; `undefined` for anything else. */
export function parseListenAddress(
  text: string,
  defaultHost = '0.0.0.0',
): ListenAddress | undefined {
  const match = /^(?:(?:\[([0-9a-fA-F:.%]+)\]|([^\s:[\]/]+))?:)?(\d{1,5})$/.exec(text);
  if (!match) return undefined;
  const port = Number(match[3]);
  return port <= 0xffff ? { host: match[1] ?? match[2] ?? defaultHost, port } : undefined;
}

/** As a URL has it: IPv6 in brackets. */
export function printHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

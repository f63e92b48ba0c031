import type { IceServer } from 'node-datachannel';

/** The W3C's `RTCIceServer`. */
export interface NodeIceServer {
  readonly urls: string | readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** RFC 7064 §3.1 and RFC 7065 §3.1: `stun:host:port`, `turn:host:port?transport=udp`. */
const ICE_URL =
  /^(?<scheme>stun|turn):(?<host>\[[0-9a-f:.]+\]|[^:?[\]@/]+)(?::(?<port>\d{1,5}))?(?:\?transport=(?<transport>udp|tcp))?$/i;
const DEFAULT_PORT = 3478;

/** Leaves out what libjuice cannot do (TURN over TCP or TLS, `stuns:`) and what is no such URL. */
export function nativeIceServers(servers: readonly NodeIceServer[]): IceServer[] {
  return servers.flatMap(({ urls, username, credential }) =>
    [urls].flat().flatMap((url): IceServer[] => {
      const { scheme, host, port, transport } = ICE_URL.exec(url)?.groups ?? {};
      if (scheme === undefined || host === undefined) return [];
      const address = { hostname: host.replace(/[[\]]/g, ''), port: Number(port ?? DEFAULT_PORT) };
      if (scheme.toLowerCase() === 'stun') return [address];
      if (transport?.toLowerCase() === 'tcp' || username === undefined) return [];
      return [{ ...address, username, password: credential ?? '', relayType: 'TurnUdp' }];
    }),
  );
}

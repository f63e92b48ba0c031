import { networkInterfaces } from 'node:os';

/** What a socket was reached by, as far as this machine itself knows. */
export interface Reached {
  readonly localAddress: string;
  readonly localPort: number;
}

/**
 * The origins that are this server's own. The `Host` header is not among them: who passes a login
 * on to us writes that header, so believing it would let any server log in here as its players.
 */
export class KnownOrigins {
  readonly #publicHosts: ReadonlySet<string>;
  readonly #anyLoopbackPort: boolean;
  /** Players name the same few origins, and to parse an address costs as much as a hash. */
  readonly #parsed = new Map<string, Host | undefined>();

  /** `anyLoopbackPort`: for development, where a proxy or a container changes the port. */
  constructor(options: { publicUrl: string | undefined; anyLoopbackPort: boolean }) {
    const host = options.publicUrl === undefined ? undefined : hostOf(options.publicUrl);
    this.#publicHosts = new Set(host === undefined ? [] : [host.text]);
    this.#anyLoopbackPort = options.anyLoopbackPort;
  }

  /** Whether a signed `scheme://host:port` names this server: http and ws, https and wss are one. */
  has(origin: string, reached: Reached): boolean {
    const host = this.#hostOf(origin);
    if (!host) return false;
    if (this.#publicHosts.has(host.text)) return true;
    const isLoopback = loopbackNames.has(host.name);
    if (isLoopback && this.#anyLoopbackPort) return true;
    if (host.port !== reached.localPort) return false;
    return isLoopback || host.name === bare(reached.localAddress) || isOwnAddress(host.name);
  }

  #hostOf(origin: string): Host | undefined {
    if (this.#parsed.has(origin)) return this.#parsed.get(origin);
    if (this.#parsed.size >= MAX_PARSED) this.#parsed.clear(); // anybody can make some up
    const host = hostOf(origin);
    this.#parsed.set(origin, host);
    return host;
  }
}

const MAX_PARSED = 256;

const loopbackNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

interface Host {
  /** Scheme, name and port in one spelling. */
  readonly text: string;
  readonly name: string;
  readonly port: number;
}

function hostOf(origin: string): Host | undefined {
  if (!URL.canParse(origin)) return undefined;
  const url = new URL(origin);
  const secure = url.protocol === 'https:' || url.protocol === 'wss:';
  if (!secure && url.protocol !== 'http:' && url.protocol !== 'ws:') return undefined;
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  const name = url.hostname.replace(/^\[|\]$/g, '');
  return { text: `${secure ? 'tls' : 'plain'}|${name}|${port}`, name, port };
}

function bare(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** Interfaces come and go; they are read at most once in ten seconds. */
let own: { readonly addresses: ReadonlySet<string>; readonly readAtMs: number } | undefined;

function isOwnAddress(name: string): boolean {
  const nowMs = performance.now();
  if (!own || nowMs - own.readAtMs > 10_000) {
    const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    own = { addresses: new Set(addresses.map(({ address }) => address)), readAtMs: nowMs };
  }
  return own.addresses.has(name);
}

import { type Core, DecodeError, type Millis, type Transmit } from '../base/index.ts';
import type { Crypto } from '../crypto/index.ts';
import type { StunAddress } from '../stun/index.ts';
import {
  decodePortMapping,
  encodePcpMap,
  encodePmpAddress,
  encodePmpMap,
  PORT_MAPPING_PORT,
  type PortMappingResponse,
  PortMappingResult,
} from './port-mapping.ts';

/** RFC 6887 §8.1.1 has 3 s; most routers that answer do so at once, and most do not answer at all. */
const FIRST_WAIT_MS = 250;
const MAX_REQUESTS = 5;
const LIFETIME_SEC = 3600;
/** RFC 6887 §15: a router may give less; one that gives next to nothing is not asked again at once. */
const MIN_LIFETIME_SEC = 60;
const MAX_LIFETIME_SEC = 86_400;
/** Nobody answered, or the mapping was refused: the network may be another one later. */
const AGAIN_MS = 300_000;

export type PortMapperEvent =
  /** The port can be reached here; a new address when it is told again. */
  | { readonly type: 'mapped'; readonly external: StunAddress }
  /** The router does not map, or not any more. */
  | { readonly type: 'unmapped' };

type Protocol = 'pcp' | 'pmp';

/**
 * Asks the router for a mapping of one UDP port and renews it: PCP (RFC 6887), and NAT-PMP (RFC 6886)
 * from a router that knows no better. Both are asked at once, since an old router is often silent
 * about what it does not know; the one that maps first is renewed.
 */
export class PortMapper implements Core<StunAddress, PortMapperEvent> {
  readonly #router: StunAddress;
  readonly #client: StunAddress;
  readonly #nonce: Uint8Array;
  readonly #transmits: Transmit<StunAddress>[] = [];
  readonly #events: PortMapperEvent[] = [];
  /** Which of them answered; both are asked until one has. */
  #protocol: Protocol | undefined;
  #requests = 0;
  #nextAt: Millis | undefined;
  #pmpHost: string | undefined;
  #pmpPort: number | undefined;
  #external: StunAddress | undefined;

  /** `router` is the default gateway, `client` our socket's address. */
  constructor(
    now: Millis,
    router: string,
    client: StunAddress,
    crypto: Pick<Crypto, 'randomBytes'>,
  ) {
    this.#router = { host: router, port: PORT_MAPPING_PORT };
    this.#client = client;
    this.#nonce = crypto.randomBytes(12);
    this.#ask(now);
  }

  /** Where the port is reached now. */
  get external(): StunAddress | undefined {
    return this.#external;
  }

  handleDatagram(now: Millis, from: StunAddress, bytes: Uint8Array): void {
    // RFC 6887 §8.3, RFC 6886 §3.3: only the router that was asked may answer.
    if (from.host !== this.#router.host || from.port !== this.#router.port) return;
    try {
      const response = decodePortMapping(bytes);
      if (response !== undefined) this.#handle(now, response);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  }

  handleTimeout(now: Millis): void {
    if (this.#nextAt === undefined || now < this.#nextAt) return;
    if (this.#requests < MAX_REQUESTS) this.#ask(now);
    else this.#rest(now);
  }

  pollTransmit(): Transmit<StunAddress> | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): PortMapperEvent | undefined {
    return this.#events.shift();
  }

  pollTimeout(): Millis | undefined {
    return this.#nextAt;
  }

  /** Ends the mapping (RFC 6887 §11.5, RFC 6886 §3.4): one datagram more, and nothing after it. */
  close(): void {
    if (this.#external !== undefined) this.#send(0);
    this.#external = undefined;
    this.#nextAt = undefined;
    this.#requests = MAX_REQUESTS;
  }

  #handle(now: Millis, response: PortMappingResponse): void {
    if (this.#requests === 0 || this.#nextAt === undefined) return; // nothing was asked
    switch (response.type) {
      case 'unsupportedVersion':
        this.#protocol ??= 'pmp';
        return;
      case 'pcp':
        this.#handlePcp(now, response);
        return;
      case 'pmpAddress':
        if (response.result === PortMappingResult.Success) this.#pmpHost = response.host;
        break;
      case 'pmpMapping':
        if (response.port !== this.#client.port) return;
        if (response.result !== PortMappingResult.Success) {
          this.#refuse(now, 'pmp');
          return;
        }
        this.#pmpPort = response.externalPort;
        break;
    }
    if (this.#protocol === 'pcp') return;
    const lifetimeSec = response.type === 'pmpMapping' ? response.lifetimeSec : LIFETIME_SEC;
    const [host, port] = [this.#pmpHost, this.#pmpPort];
    if (host !== undefined && port !== undefined)
      this.#map(now, 'pmp', { host, port }, lifetimeSec);
  }

  #handlePcp(now: Millis, response: Extract<PortMappingResponse, { type: 'pcp' }>): void {
    const isOurs = response.nonce.every((byte, i) => byte === this.#nonce[i]);
    if (!isOurs || response.port !== this.#client.port) return;
    if (response.result === PortMappingResult.Success) {
      this.#map(now, 'pcp', response.external, response.lifetimeSec);
    } else this.#refuse(now, 'pcp');
  }

  #map(now: Millis, protocol: Protocol, external: StunAddress, lifetimeSec: number): void {
    this.#protocol = protocol;
    this.#requests = 0;
    const seconds = Math.min(Math.max(lifetimeSec, MIN_LIFETIME_SEC), MAX_LIFETIME_SEC);
    this.#nextAt = now + (seconds * 1000) / 2; // RFC 6887 §11.2.1, RFC 6886 §3.3
    const { host, port } = this.#external ?? {};
    if (host === external.host && port === external.port) return;
    this.#external = external;
    this.#events.push({ type: 'mapped', external });
  }

  /** A refusal of one counts only while the other has not mapped. */
  #refuse(now: Millis, protocol: Protocol): void {
    if (this.#protocol === undefined) this.#protocol = protocol === 'pcp' ? 'pmp' : undefined;
    else if (this.#protocol === protocol) this.#rest(now);
  }

  #rest(now: Millis): void {
    this.#requests = 0;
    this.#protocol = undefined;
    this.#pmpHost = undefined;
    this.#pmpPort = undefined;
    this.#nextAt = now + AGAIN_MS;
    if (this.#external === undefined) return;
    this.#external = undefined;
    this.#events.push({ type: 'unmapped' });
  }

  #ask(now: Millis): void {
    this.#send(LIFETIME_SEC);
    this.#nextAt = now + FIRST_WAIT_MS * 2 ** this.#requests;
    this.#requests += 1;
  }

  #send(lifetimeSec: number): void {
    const { host: client, port } = this.#client;
    const isIpv6 = client.includes(':');
    const datagrams: Uint8Array[] = [];
    if (this.#protocol !== 'pmp') {
      datagrams.push(encodePcpMap({ client, port, lifetimeSec, nonce: this.#nonce }));
    }
    if (this.#protocol !== 'pcp' && !isIpv6) {
      if (lifetimeSec > 0) datagrams.push(encodePmpAddress());
      datagrams.push(encodePmpMap(port, lifetimeSec));
    }
    for (const bytes of datagrams) this.#transmits.push({ to: this.#router, bytes });
  }
}

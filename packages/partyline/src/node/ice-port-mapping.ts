import { PORT_MAPPING_PORT, PortMapper } from '../ice/index.ts';
import type { StunAddress } from '../stun/index.ts';
import { nodeCrypto } from './crypto.ts';

export interface PortMappingHandlers {
  send(to: StunAddress, bytes: Uint8Array): void;
  /** Reached here; called again when the address has changed. */
  onMapped(external: StunAddress): void;
}

/** Runs a {@link PortMapper} on the socket that is to be mapped: its clock and timer. */
export class IcePortMapping {
  readonly #router: string;
  readonly #mapper: PortMapper;
  readonly #handlers: PortMappingHandlers;
  #timer: NodeJS.Timeout | undefined;

  constructor(router: string, client: StunAddress, handlers: PortMappingHandlers) {
    this.#router = router;
    this.#handlers = handlers;
    this.#mapper = new PortMapper(performance.now(), router, client, nodeCrypto);
    this.#turn();
  }

  /** True when the datagram was the router's, and is no candidate's. */
  handleDatagram(from: StunAddress, bytes: Uint8Array): boolean {
    if (from.port !== PORT_MAPPING_PORT || from.host !== this.#router) return false;
    this.#mapper.handleDatagram(performance.now(), from, bytes);
    this.#turn();
    return true;
  }

  /** The port is given back, while the socket is still open. */
  close(): void {
    this.#mapper.close();
    this.#turn();
  }

  #turn(): void {
    for (let t = this.#mapper.pollTransmit(); t !== undefined; t = this.#mapper.pollTransmit()) {
      this.#handlers.send(t.to, t.bytes);
    }
    for (let e = this.#mapper.pollEvent(); e !== undefined; e = this.#mapper.pollEvent()) {
      if (e.type === 'mapped') this.#handlers.onMapped(e.external);
    }
    clearTimeout(this.#timer);
    const at = this.#mapper.pollTimeout();
    if (at === undefined) return;
    const wake = (): void => {
      this.#mapper.handleTimeout(performance.now());
      this.#turn();
    };
    this.#timer = setTimeout(wake, Math.max(0, at - performance.now())).unref();
  }
}

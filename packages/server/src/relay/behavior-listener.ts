import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { type BehaviorPlace, behaviorAnswer, type StunAddress } from 'partyline/protocol/stun';
import { addressKey, type Clock, KeyedBuckets } from '../base/index.ts';

/** Two addresses of this machine and two ports of each: RFC 5780 §6. */
export interface DiscoveryAddresses {
  /** As clients see it, and as it is bound: they differ behind a NAT that keeps ports. */
  readonly addresses: readonly [DiscoveryAddress, DiscoveryAddress];
  readonly ports: readonly [number, number];
}

interface DiscoveryAddress {
  readonly host: string;
  readonly bindHost: string;
}

/** A request with PADDING is as long as an Ethernet frame, and fragmented (RFC 5780 §7.6). */
const MAX_REQUEST_BYTES = 2048;
const places = [0, 1, 2, 3] as const;

/**
 * Tells clients how their NAT maps and filters: RFC 5780, server side. Four UDP sockets; an answer may
 * come from another one than was asked. As rarely to one address as Binding answers.
 */
export class BehaviorListener implements AsyncDisposable {
  readonly #sockets: Socket[] = [];
  readonly #clock: Clock;
  readonly #rates: KeyedBuckets;
  readonly #places: [StunAddress, StunAddress, StunAddress, StunAddress];
  #closed: Promise<void> | undefined;

  /** @throws the system's error, for example `EADDRINUSE`, with everything closed again */
  static async open(
    discovery: DiscoveryAddresses,
    options: { readonly clock: Clock; readonly perSecond: number; onError(error: Error): void },
  ): Promise<BehaviorListener> {
    const listener = new BehaviorListener(discovery, options);
    try {
      for (const place of places) await listener.#listen(place, discovery, options.onError);
    } catch (error) {
      await listener.close();
      throw error;
    }
    return listener;
  }

  private constructor(
    { addresses, ports }: DiscoveryAddresses,
    { clock, perSecond }: { readonly clock: Clock; readonly perSecond: number },
  ) {
    this.#clock = clock;
    this.#rates = new KeyedBuckets({ perSecond, burst: perSecond });
    const at = (address: 0 | 1, port: 0 | 1): StunAddress => ({
      host: addresses[address].host,
      port: ports[port],
    });
    this.#places = [at(0, 0), at(0, 1), at(1, 0), at(1, 1)];
  }

  close(): Promise<void> {
    this.#closed ??= Promise.all(
      this.#sockets.map((socket) => new Promise<void>((done) => socket.close(() => done()))),
    ).then(() => {});
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #listen(
    place: BehaviorPlace,
    { addresses, ports }: DiscoveryAddresses,
    onError: (error: Error) => void,
  ): Promise<void> {
    const { bindHost } = addresses[place < 2 ? 0 : 1];
    const socket = createSocket(isIPv6(bindHost) ? 'udp6' : 'udp4');
    this.#sockets.push(socket);
    const bound = once(socket, 'listening');
    socket.bind({ address: bindHost, port: ports[place % 2 === 0 ? 0 : 1], exclusive: true });
    await bound;
    socket.on('error', onError);
    socket.on('message', (bytes, from) => this.#answer(place, bytes, from));
  }

  #answer(place: BehaviorPlace, bytes: Uint8Array, from: RemoteInfo): void {
    // RFC 768: port 0 stands for «no answer wanted»; Node throws when it is sent to.
    if (from.port === 0 || bytes.length > MAX_REQUEST_BYTES || this.#closed) return;
    const client = { host: from.address, port: from.port };
    const answer = behaviorAnswer(bytes, client, place, this.#places);
    if (!answer || !this.#rates.take(addressKey(from.address), this.#clock.nowMs())) return;
    this.#sockets[answer.from]?.send(answer.bytes, answer.to.port, answer.to.host);
  }
}

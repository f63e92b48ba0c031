import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { bindingResponse, looksLikeStun } from 'partyline/protocol/stun';
import { addressKey, type Clock, KeyedBuckets } from '../base/index.ts';

/** A Binding request of ours has 20 bytes, a browser's some more; nothing asks in over this many. */
const MAX_REQUEST_BYTES = 548;

export interface StunStats {
  answered: number;
  ignored: number;
  rateLimited: number;
}

/**
 * Answers STUN Binding requests (RFC 8489 §12) with XOR-MAPPED-ADDRESS and nothing else: 32 bytes for
 * a request of 20 (IPv4), and at most so many a second to one address, so that forged requests gain little.
 */
export class StunListener implements AsyncDisposable {
  readonly port: number;
  readonly stats: StunStats = { answered: 0, ignored: 0, rateLimited: 0 };
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #rates: KeyedBuckets;

  /** @throws the system's error, for example `EADDRINUSE` */
  static async open(
    host: string,
    port: number,
    options: { readonly clock: Clock; readonly perSecond: number; onError(error: Error): void },
  ): Promise<StunListener> {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const bound = once(socket, 'listening');
    socket.bind(port, host);
    await bound;
    return new StunListener(socket, options);
  }

  private constructor(
    socket: Socket,
    options: { readonly clock: Clock; readonly perSecond: number; onError(error: Error): void },
  ) {
    this.#socket = socket;
    this.port = socket.address().port;
    this.#clock = options.clock;
    const { perSecond } = options;
    this.#rates = new KeyedBuckets({ perSecond, burst: perSecond });
    socket.on('message', (bytes, from) => this.#answer(bytes, from));
    socket.on('error', options.onError);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #answer(bytes: Uint8Array, from: RemoteInfo): void {
    // RFC 768: port 0 stands for «no answer wanted»; Node throws when it is sent to.
    if (from.port === 0 || bytes.length > MAX_REQUEST_BYTES || !looksLikeStun(bytes)) {
      this.stats.ignored++;
      return;
    }
    if (!this.#rates.take(addressKey(from.address), this.#clock.nowMs())) {
      this.stats.rateLimited++;
      return;
    }
    const answer = bindingResponse(bytes, { host: from.address, port: from.port });
    if (!answer) {
      this.stats.ignored++;
      return;
    }
    this.stats.answered++;
    this.#socket.send(answer, from.port, from.address);
  }
}

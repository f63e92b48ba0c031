import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { NetError } from '../base/index.ts';
import type { StunAddress } from '../stun/index.ts';

/** The kernel's queue holds what arrives while JavaScript is busy (the system may allow less). */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

export interface IceSocketHandlers {
  /** The bytes may be kept. */
  onReceive(from: StunAddress, bytes: Uint8Array): void;
  /** The system refused to send: the interface may be gone. */
  onError(error: Error): void;
}

/** One UDP socket on one address of an interface. */
export class IceSocket {
  readonly address: StunAddress;
  readonly #socket: Socket;
  #isOpen = true;

  /** @throws NetError `UDP_SOCKET` with the system's error as cause */
  static async open(host: string, port: number, handlers: IceSocketHandlers): Promise<IceSocket> {
    const socket = createSocket({
      type: isIPv6(host) ? 'udp6' : 'udp4',
      ipv6Only: isIPv6(host),
      recvBufferSize: RECEIVE_BUFFER_BYTES,
      // Addresses are numeric: a real look-up would delay every datagram by a turn.
      lookup: (address, _options, callback) => callback(null, address, isIPv6(address) ? 6 : 4),
    });
    try {
      const bound = once(socket, 'listening');
      socket.bind(port, host);
      await bound;
    } catch (cause) {
      socket.close();
      throw new NetError('UDP_SOCKET', `cannot open a socket on ${host}`, { cause });
    }
    return new IceSocket(socket, host, handlers);
  }

  private constructor(socket: Socket, host: string, handlers: IceSocketHandlers) {
    this.#socket = socket;
    this.address = { host, port: socket.address().port };
    socket.on('message', (bytes, { address, port }) => {
      if (port === 0) return; // RFC 768: no answer wanted; Node throws when it is sent to
      // A plain array: `slice` of a Buffer would be a view, not the copy that the cores count on.
      const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
      handlers.onReceive({ host: address.replace(/%.*$/, ''), port }, plain);
    });
    socket.on('error', (error) => handlers.onError(error));
  }

  send(to: StunAddress, bytes: Uint8Array): void {
    if (this.#isOpen) this.#socket.send(bytes, to.port, to.host);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#socket.close();
  }
}
